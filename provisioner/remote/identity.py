"""Which process a number stands for."""

from __future__ import annotations

from typing import Any, List, Optional


def identity(pid: int) -> "Optional[List[Any]]":
    """The process behind a number: with its start, as numbers are used again, also by the next boot. None for one
    that has ended."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
    except OSError:
        return None
    return None if fields[0] in "ZX" else [pid, fields[19], boot]
