"""What is mounted where, and what fstab says shall be: see fstab(5) and proc_pid_mountinfo(5)."""

from __future__ import annotations

import re
from typing import Callable, NamedTuple, Optional

_ESCAPED = {" ": "\\040", "\t": "\\011", "\n": "\\012", "\\": "\\134"}
_ESCAPE = re.compile(r"\\([0-7]{3})")


class Mount(NamedTuple):
    """One line of mountinfo. source: as the kernel tells it, which is not always what was given to mount(8)."""

    point: str
    fstype: str
    source: str


class Entry(NamedTuple):
    """One line of fstab."""

    source: str
    point: str
    fstype: str
    options: str
    dump: str
    passno: str

    def line(self) -> str:
        return " ".join(_escaped(field) for field in self)


def mounts(mountinfo: str) -> "list[Mount]":
    """All mounts in the order in which they were made: what is mounted over comes first."""
    found = []
    for line in mountinfo.splitlines():
        place, dash, kind = line.partition(" - ")
        fields, told = place.split(), kind.split()
        if dash and len(fields) > 4 and len(told) > 1:
            found.append(Mount(_unescaped(fields[4]), told[0], _unescaped(told[1])))
    return found


def entry(line: str) -> Optional[Entry]:
    """None for a comment and for what is no entry."""
    fields = [_unescaped(field) for field in line.split()]
    if len(fields) < 3 or fields[0].startswith("#"):
        return None
    defaults = ["", "", "", "defaults", "0", "0"]
    return Entry(*[*fields, *defaults[len(fields):]][:6])


def find(text: str, about: "Callable[[Entry], bool]") -> Optional[Entry]:
    """The last entry that is about it, which is the one on top."""
    entries = [entry(line) for line in text.splitlines()]
    return next((each for each in reversed(entries) if each is not None and about(each)), None)


def replaced(text: str, about: "Callable[[Entry], bool]", new: Optional[Entry]) -> str:
    """The text with `new` in place of the first entry that is about it and without the others; None: without any."""
    lines, placed = [], new is None
    for line in text.splitlines():
        old = entry(line)
        if old is None or not about(old):
            lines.append(line)
        elif new is not None and not placed:
            lines.append(new.line())
            placed = True
    if new is not None and not placed:
        lines.append(new.line())
    return "".join(line + "\n" for line in lines)


def _escaped(field: str) -> str:
    return "".join(_ESCAPED.get(char, char) for char in field)


def _unescaped(field: str) -> str:
    return _ESCAPE.sub(lambda code: chr(int(code.group(1), 8)), field)
