"""What systemd the host has."""

from __future__ import annotations

import os
from typing import Any

from provisioner.remote.sdk import Ctx


def collect(ctx: Ctx) -> "dict[str, Any]":
    """Version and features (`+PAM -APPARMOR …`); nothing on a host that is not run by systemd."""
    if not os.path.isdir("/run/systemd/system"):
        return {}
    first, _, rest = ctx.query(["systemctl", "--version"]).stdout.partition("\n")
    version = first.split()[1:2]
    return {"systemd": {"version": version[0], "features": rest.strip()}} if version else {}
