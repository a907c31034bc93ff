"""A screen that keeps what is printed, and a terminal that understands what the live area sends."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field

_CODE = re.compile(r"\x1b\[\?2026[hl]|\x1b\[(\d+)A|\x1b\[J|\r|\n|[^\x1b\r\n]+")


@dataclass(slots=True)
class KeptScreen:
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)
    closed: bool = False

    def print(self, text: str, *, error: bool = False) -> None:
        (self.err if error else self.out).append(text)

    def close(self) -> None:
        self.closed = True

    @property
    def text(self) -> str:
        return "\n".join(self.out)


class FakeTerminal(io.StringIO):
    """Rows that never scroll away; `rows` is what somebody would see by scrolling up."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = [""]
        self.row = 0
        self.lowest = 0

    def write(self, text: str) -> int:
        at = 0
        while at < len(text):
            code = _CODE.match(text, at)
            assert code is not None, f"not understood: {text[at:at + 20]!r}"
            at = code.end()
            self._obey(code)
        return len(text)

    def _obey(self, code: re.Match[str]) -> None:
        what = code[0]
        if what == "\n":
            self.row += 1
            if self.row == len(self.rows):
                self.rows.append("")
        elif code[1]:
            self.row -= int(code[1])
            assert self.row >= 0
        elif what == "\x1b[J":
            del self.rows[self.row + 1:]
            self.rows[self.row] = ""
        elif what != "\r" and not what.startswith("\x1b"):
            self.rows[self.row] += what

    @property
    def screen(self) -> list[str]:
        return [row for row in self.rows if row]
