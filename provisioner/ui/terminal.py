"""What the output is: a terminal of some width with colours, or a file or pipe that gets plain lines."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TextIO

PLAIN_COLUMNS: Final = 79
"""How wide headlines are where there is no terminal, and at least elsewhere; Ansible's number."""

_GONE: Final = frozenset({errno.EPIPE, errno.EIO})


@dataclass(frozen=True, slots=True)
class Terminal:
    """fancy: colours and a live area are wanted. Both need a terminal and none of NO_COLOR, CI and TERM=dumb."""

    columns: int = PLAIN_COLUMNS
    fancy: bool = False

    @classmethod
    def of(cls, stream: TextIO, environ: Mapping[str, str] = os.environ) -> Terminal:
        if not stream.isatty():
            return cls()
        refused = environ.get("NO_COLOR") or environ.get("CI") or environ.get("TERM", "dumb") in ("", "dumb")
        return cls(max(PLAIN_COLUMNS, shutil.get_terminal_size().columns - 1), not refused)


class Screen(Protocol):
    """Where finished lines go."""

    def print(self, text: str, *, error: bool = False) -> None:
        """Show `text`, which ends without a newline; `error` sends it to standard error."""
        ...

    def close(self) -> None: ...


@dataclass(slots=True)
class PlainScreen:
    """Lines, one after the other."""

    out: TextIO
    err: TextIO

    def print(self, text: str, *, error: bool = False) -> None:
        write(self.err if error else self.out, text + "\n")

    def close(self) -> None:
        """Nothing is held back."""


def write(stream: TextIO, text: str) -> None:
    """Write and flush. A reader who went away (`| head`, a closed window) must not break off a run half-way."""
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        if error.errno not in _GONE:
            raise
        _silence(stream)


def _silence(stream: TextIO) -> None:
    """Send what is still buffered, and all that will come, to nowhere: Python's flush at exit would fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)


def size_of(stream: TextIO) -> os.terminal_size:
    """Columns and rows of the terminal now; a usual size when the terminal is gone."""
    try:
        return os.get_terminal_size(stream.fileno())
    except OSError:
        return os.terminal_size((80, 24))
