"""Untrusted text made safe to show: what a terminal would obey is shown as an escape instead.

Hosts, files and task names may hold colour codes, cursor movements, clipboard writes (OSC 52), carriage returns,
direction marks or broken Unicode. Every character that is not printable is written as `\\x1b`, `\\u202e` and so on.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_ELLIPSIS: Final = "…"


def visible(text: str) -> str:
    """One line of text: newlines and tabs are escaped like everything else that is not printable."""
    return text if text.isprintable() else "".join(map(_shown, text))


def visible_lines(text: str) -> list[str]:
    """The lines of a text, each safe to show. Line ends may be of any system; tabs stay."""
    lines = text.replace("\r\n", "\n").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return [line if line.isprintable() else "".join(c if c == "\t" else _shown(c) for c in line) for line in lines]


def visible_message(text: str) -> str:
    """A message of ours, which may quote others: its further lines are indented, so that no quoted one passes for the
    beginning of another message."""
    return "\n  ".join(map(visible, text.rstrip("\n").split("\n")))


def visible_json(text: str) -> str:
    """JSON text that stays the same JSON: escapes are those of a JSON string."""
    return text if text.isprintable() else "".join(_shown_in_json(c) for c in text)


def columns(text: str) -> int:
    """Columns on a terminal: East Asian wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def crop(text: str, width: int) -> str:
    """`text` in at most `width` columns, with an ellipsis where something was cut."""
    if columns(text) <= width:
        return text
    kept, used = [], 0
    for character in text:
        used += _columns(character)
        if used > width - 1:
            break
        kept.append(character)
    return "".join(kept) + _ELLIPSIS if width > 0 else ""


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _is_safe(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _shown(character: str) -> str:
    if _is_safe(character):
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _shown_in_json(character: str) -> str:
    """Newlines stay: `json.dumps` writes them only between values, never inside a string."""
    if _is_safe(character) or character == "\n":
        return character
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
