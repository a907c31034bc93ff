from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.schedule.systemd import Scope


def silent_scope(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Scope:
    """`systemctl` says yes to all and knows nothing."""
    program = folder / "systemctl"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return Scope(True, folder / "units", folder / "kept")
