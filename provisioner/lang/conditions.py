"""Conditions as people write them: with braces around the whole, or inside of their texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_OPEN: Final = "{{"
_CLOSE: Final = "}}"


def literals(source: str) -> Iterator[tuple[int, int]]:
    """(start, end) of the quoted texts of an expression, quotes included; one that is never closed is left out."""
    at = 0
    while at < len(source):
        quote = source[at]
        if quote not in "'\"":
            at += 1
            continue
        end = at + 1
        while end < len(source) and source[end] != quote:
            end += 2 if source[end] == "\\" else 1
        if end >= len(source):
            return
        yield at, end + 1
        at = end + 1


def unwrap(source: str) -> str | None:
    """The expression in `{{ expression }}`; None when `source` is not one pair of braces around everything."""
    text = source.strip()
    if not (text.startswith(_OPEN) and text.endswith(_CLOSE)):
        return None
    inner = text[2:-2]
    blank = _without_literals(inner)
    return None if _CLOSE in blank or _OPEN in blank or "{%" in blank else inner.strip("-+ \t\n")


def join_texts(source: str) -> str | None:
    """`source` with templates in its texts made concatenations; None when braces stand outside of texts.

        '{{ directory }}/x' in found.paths   ->   ((directory) ~ '/x') in found.paths
    """
    blank = _without_literals(source)
    if any(mark in blank for mark in (_OPEN, "{%", "{#")):
        return None
    result, position = [], 0
    for start, end in literals(source):
        literal = source[start:end]
        if _OPEN in literal:
            joined = _concatenation(literal)
            if joined is None:
                return None
            result += [source[position:start], joined]
            position = end
    return "".join([*result, source[position:]])


def _concatenation(literal: str) -> str | None:
    quote, body = literal[0], literal[1:-1]
    if "{%" in body or "{#" in body:
        return None
    parts = []
    for number, part in enumerate(re.split(r"\{\{(.*?)\}\}", body, flags=re.DOTALL)):
        if number % 2:  # an expression between braces; the literal's own quotes are escaped inside of it
            parts.append(f"({part.strip().replace(chr(92) + quote, quote)})")
        elif _OPEN in part or _CLOSE in part:
            return None
        elif part:
            parts.append(f"{quote}{part}{quote}")
    return f"({' ~ '.join(parts)} ~ '')"


def _without_literals(source: str) -> str:
    pieces, position = [], 0
    for start, end in literals(source):
        pieces.append(source[position:start])
        position = end
    return "".join([*pieces, source[position:]])
