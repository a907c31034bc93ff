"""A site in a folder, and the program as its user calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from controller import inventory

from provisioner.lab import LabHost
from tests.drift.catalogue import TOOLS

CANARY = "$6$canary4711$Zm9vYmFy"


def site_of(folder: Path, hosts: Sequence[LabHost], tasks: str) -> Path:
    """A playbook with these tasks for these hosts."""
    (folder / "site.yml").write_text(f"- name: Site\n  hosts: all\n  gather_facts: false\n  tasks:\n{tasks}")
    inventory(folder, hosts)
    return folder


def by_shell(host: LabHost, *scripts: str) -> None:
    """As somebody who is logged in would."""
    host.run(["sh", "-c", f"cat > /srv/tools.sh << 'END'\n{TOOLS}\nEND"])
    for script in scripts:
        host.run(["sh", "-c", script])


def provision(site: Path, command: str, *more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PROVISION_STATE_DIR": str(site / "state"), "PROVISION_HISTORY": "on"}
    return subprocess.run([sys.executable, "-m", "provisioner", command, "site.yml", "-i", "inventory.ini", "--json",
                           "-e", f"hash={CANARY}", *more], cwd=site, env=environment, text=True, capture_output=True,
                          check=False)  # fmt: skip


def apply(site: Path) -> None:
    applied = provision(site, "apply")
    assert applied.returncode == 0, applied.stdout[-2000:] + applied.stderr[-2000:]


def findings(site: Path, *more: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit code, and what was found."""
    ran = provision(site, "drift", *more)
    found: list[dict[str, Any]] = json.loads(ran.stdout)["findings"]
    return ran.returncode, found
