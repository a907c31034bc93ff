"""Where a run comes from: the user, the machine, the process, and the revision of the playbook's repository."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_GIT_MAY_TAKE: Final = 5.0  # seconds; `git status` of a repository on a slow disk


@dataclass(frozen=True, slots=True)
class Origin:
    """origin: the address that the user was logged in from, if by ssh. birth: as `birth_of` says."""

    user: str
    machine: str
    origin: str
    folder: str
    pid: int
    birth: str


@dataclass(frozen=True, slots=True)
class Revision:
    """Of a git repository. dirty: files differ from it, or are not known to it. None: git could not say in time."""

    revision: str
    branch: str
    dirty: bool | None


def here() -> Origin:
    """Of this process."""
    user = _user()
    asked_by = os.environ.get("SUDO_USER")
    return Origin(
        user=f"{asked_by} (as {user})" if asked_by and asked_by != user else user,
        machine=socket.gethostname(),
        origin=os.environ.get("SSH_CONNECTION", "").partition(" ")[0],
        folder=str(Path.cwd()),
        pid=os.getpid(),
        birth=birth_of(os.getpid()),
    )


def birth_of(pid: int) -> str:
    """What no other process with this number has or had, also before a boot; empty if there is none (or no /proc)."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        started = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
    return f"{boot}/{started}"


def revision_of(folder: Path) -> Revision | None:
    """Of the repository that `folder` is in; None where there is none, or no git."""
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return None
    branch = _git(folder, "rev-parse", "--abbrev-ref", "HEAD")
    changes = _git(folder, "status", "--porcelain")
    return Revision(commit, branch or "", None if changes is None else bool(changes))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in containers
        return str(os.getuid())


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "--no-optional-locks", "-C", str(folder), *arguments], capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=_GIT_MAY_TAKE, check=True)  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace").strip()
