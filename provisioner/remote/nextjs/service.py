"""Asking systemd about a service, and its journal."""

from __future__ import annotations

from typing import Dict, Optional

from provisioner.remote.sdk import Ctx

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
    """The directory the process was started in, which names its release; None when there is no such process."""
    if pid in ("", "0"):
        return None
    found = ctx.stat("/proc/%s/cwd" % pid)
    return found.target if found else None
