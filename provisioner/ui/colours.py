"""Ansible's colours for Ansible's words, or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

Paint: TypeAlias = Callable[[str, str], str]
"""(text, what it is) -> text; `what` is a key of `COLOURS`."""

COLOURS: Final[Mapping[str, str]] = {
    "ok": "0;32", "changed": "0;33", "skipped": "0;36", "included": "0;36", "failed": "0;31", "unreachable": "1;31",
    "unknown": "0;35", "warning": "1;35", "verbose": "0;34", "retry": "1;30", "dim": "2",
    "added": "0;32", "removed": "0;31", "lines": "0;36",
}


def coloured(text: str, what: str) -> str:
    """Each line has its own codes, so that a line taken out of the middle still looks right."""
    code = COLOURS.get(what)
    if code is None:
        return text
    return "\n".join(f"\x1b[{code}m{line}\x1b[0m" if line else line for line in text.split("\n"))


def plain(text: str, what: str) -> str:
    return text
