"""Runs the real program as a user would, and looks at hosts as an outsider: without provision."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioner.lab import LabHost

SITE = Path(__file__).parent / "site" / "site.yml"

#: Every path with its type, mode, owners, content hash, mtime and inode. What the system itself writes is left out.
LISTING = r"""
import hashlib, json, os, sys
skip = {"/proc", "/sys", "/dev", "/run", "/tmp", "/var/log", "/var/lib/systemd", "/var/cache/ldconfig",
        "/root/.cache", "/srv/shop/.cache", "/var/tmp", "/root/.local", "/var/lib/private"}
found = {}
def note(path):
    st = os.lstat(path)
    digest = ""
    if os.path.islink(path): digest = os.readlink(path)
    elif os.path.isfile(path): digest = hashlib.sha256(open(path, "rb").read()).hexdigest()
    directory = os.path.isdir(path) and not os.path.islink(path)
    found[path] = [oct(st.st_mode), st.st_uid, st.st_gid, digest, 0 if directory else st.st_mtime_ns, st.st_ino]
for top, directories, files in os.walk("/"):
    directories[:] = [d for d in directories if os.path.join(top, d) not in skip]
    for name in directories + files:
        note(os.path.join(top, name))
json.dump(found, sys.stdout)
"""


def listing(host: LabHost) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = json.loads(host.run(["python3", "-I", "-c", LISTING]).stdout)
    return found


def differences(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> dict[str, Any]:
    paths = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    return {path: (before.get(path), after.get(path)) for path in sorted(paths)}


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    events: tuple[dict[str, Any], ...]
    stderr: str

    def results(self, *statuses: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == "result"
                and (not statuses or event["status"] in statuses)]

    def names(self, *statuses: str) -> list[str]:
        """Names of the tasks with one of these statuses, in order."""
        return [event["name"] for event in self.results(*statuses)]

    def end(self) -> dict[str, Any]:
        return next(event for event in self.events if event["type"] == "run_end")


def inventory(folder: Path, hosts: Sequence[LabHost], extra: str = "") -> Path:
    """An inventory file of lab hosts, as a user would write it."""
    path = folder / "inventory.ini"
    path.write_text("".join(
        f"{host.name} ansible_host={host.address} ansible_user=root ansible_ssh_private_key_file={host.key_file} "
        f"ansible_ssh_known_hosts_file={host.known_hosts} {extra}\n" for host in hosts))
    return path


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "provisioner", *arguments, "--state-dir", str(folder / "state")]


def provision(folder: Path, *arguments: str, timeout: float = 280) -> Ran:
    """`provision …` with `--json`."""
    done = subprocess.run([*command(folder, *arguments), "--json"], capture_output=True, text=True, timeout=timeout,
                          check=False, stdin=subprocess.DEVNULL)
    events = tuple(json.loads(line) for line in done.stdout.splitlines())
    return Ran(done.returncode, events, done.stderr)
