"""Asking systemd about a service, and its journal."""

from __future__ import annotations

import re
from typing import Dict, Optional

from provisioner.remote.sdk import Ctx

_RELEASE = re.compile(r"^(/srv/[^/]+/releases/[^/]+)/.*")
_PROPERTIES = (
    "LoadState",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "MainPID",
    "NRestarts",
    "Result",
    "ExecMainStatus",
    "NeedDaemonReload",
    "FragmentPath",
    "DropInPaths",
    "ExecMainStartTimestampMonotonic",
    "MemoryCurrent",
)


def show(ctx: Ctx, unit: str) -> "Dict[str, str]":
    """The properties above; empty where systemd does not run."""
    done = ctx.query(["systemctl", "show", unit, "--property", ",".join(_PROPERTIES)], timeout=30)
    if done.rc != 0:
        return {}
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


def journal_lines(ctx: Ctx, unit: str, count: int = 20) -> str:
    """The last lines the service wrote, without time stamps."""
    argv = ["journalctl", "--unit", unit, "--lines", str(count), "--output", "cat", "--no-pager", "--quiet"]
    return ctx.query(argv, timeout=30).stdout.strip()


def runs_in(ctx: Ctx, pid: str) -> "Optional[str]":
    """The release that the process was started in (else whatever directory it is in); None when there is no such
    process. The app may be further down in it."""
    if pid in ("", "0"):
        return None
    found = ctx.stat("/proc/%s/cwd" % pid)
    return _RELEASE.sub(r"\1", found.target) if found and found.target else None
