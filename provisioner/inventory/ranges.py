"""Host ranges: `web[01:10:2]`, `db-[a:f]`, several in one name."""

from __future__ import annotations

import re
import string
from itertools import product
from math import prod
from typing import Final

#: Hosts one name may stand for; a bigger number is a slip of the finger.
MAX_HOSTS: Final = 100_000
_RANGE: Final = re.compile(r"\[([A-Za-z0-9]+):([A-Za-z0-9]+)(?::(\d+))?\]")


class RangeError(ValueError):
    """A range that cannot be expanded; the message says why."""


def expand(name: str) -> list[str]:
    """The names that `name` stands for, in order; just itself when it holds no range."""
    parts = _RANGE.split(name)
    if len(parts) == 1:
        if name.count("[") != name.count("]"):
            raise RangeError(f"a bracket of `{name}` is not closed; a range is written `web[1:3]`")
        return [name]
    fixed = parts[0::4]
    spans = [_span(*parts[at : at + 3]) for at in range(1, len(parts), 4)]
    count = prod(len(span) for span, _ in spans)
    if count > MAX_HOSTS:
        raise RangeError(f"`{name}` stands for {count} hosts, more than {MAX_HOSTS} are not supported")
    names = []
    for choice in product(*(span for span, _ in spans)):
        words = [_word(number, form) for number, (_, form) in zip(choice, spans, strict=True)]
        names.append("".join(part + word for part, word in zip(fixed, [*words, ""], strict=True)))
    return names


def _span(first: str, last: str, step: str | None) -> tuple[range, str | int]:
    """The numbers of one range, and how to write them: a width in digits, or the alphabet."""
    width = int(step) if step else 1
    if width < 1:
        raise RangeError("the step of a range must be at least 1")
    if first.isdigit() and last.isdigit():
        if len(first) > 12 or len(last) > 12:
            raise RangeError(f"`[{first}:{last}]` is too large")
        if first.startswith("0") and len(first) > 1 and len(first) != len(last):
            raise RangeError(f"both ends of `[{first}:{last}]` must have as many digits")
        start, end = int(first), int(last)
        form: str | int = len(first) if first.startswith("0") else 0
    elif len(first) == len(last) == 1 and first in string.ascii_letters and last in string.ascii_letters:
        start, end = string.ascii_letters.index(first), string.ascii_letters.index(last)
        form = string.ascii_letters
    else:
        raise RangeError(f"`[{first}:{last}]` must have two numbers or two letters")
    if end < start:
        raise RangeError(f"`[{first}:{last}]` ends before it starts")
    return range(start, end + 1, width), form


def _word(number: int, form: str | int) -> str:
    return form[number] if isinstance(form, str) else f"{number:0{form}d}" if form else str(number)
