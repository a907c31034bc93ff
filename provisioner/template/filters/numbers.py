"""Numbers and sizes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from provisioner.values import Value

_UNITS = "BKMGTPEZY"


def logarithm(value: float, base: float = math.e) -> float:
    """
    >>> logarithm(8, 2)
    3.0
    """
    return _of_numbers("log", lambda: math.log10(value) if base == 10 else math.log(value, base))


def power(value: float, exponent: float) -> float:
    """
    >>> power(2, 8)
    256.0
    """
    return _of_numbers("pow", lambda: math.pow(value, exponent))


def root(value: float, base: float = 2) -> float:
    """
    >>> root(9), root(8, 3)
    (3.0, 2.0)
    """
    return _of_numbers("root", lambda: math.sqrt(value) if base == 2 else math.pow(value, 1.0 / float(base)))


def _of_numbers(name: str, compute: Callable[[], float]) -> float:
    try:
        return compute()
    except TypeError as error:
        raise TypeError(f"{name}() can only be used on numbers: {error}") from None


def human_readable(size: Value, isbits: bool = False, unit: str | None = None) -> str:
    """
    >>> human_readable(123456789), human_readable(2048, unit="K"), human_readable(1, isbits=True)
    ('117.74 MB', '2.00 KB', '1.00 bits')
    """
    if not isinstance(size, (int, float)):
        raise TypeError("human_readable() failed on bad input: it takes a number")
    number, word = float(size), "bits" if isbits else "Bytes"
    small = "b" if isbits else "B"
    for power_of, letter in reversed(list(enumerate(_UNITS))):
        limit = 1 << (10 * power_of)
        if unit.upper() == letter if unit else (number >= limit or power_of == 0):
            return f"{number / limit:.2f} {letter + small if power_of else word}"
    raise ValueError(f"unit must be one of {', '.join(_UNITS)}, not {unit!r}")


def human_to_bytes(size: Value, default_unit: str | None = None, isbits: bool = False) -> int:
    """
    >>> human_to_bytes("1.5 MB"), human_to_bytes(2, "K"), human_to_bytes("10")
    (1572864, 2048, 10)
    """
    found = re.fullmatch(r"\s*(\d*\.?\d+)\s*([A-Za-z]*)\s*", str(size))
    if found is None:
        raise ValueError(f"{size!r} is no size")
    unit = (found[2] or default_unit or "B").upper()
    if unit[0] not in _UNITS or unit[1:] not in {"", "B", "IB", "YTES", "YTE", "ITS", "IT"}:
        raise ValueError(f"{found[2]!r} is no unit of size")
    return round(float(found[1]) * (1 << (10 * _UNITS.index(unit[0]))))


FILTERS: Mapping[str, Callable[..., Any]] = {
    "log": logarithm, "pow": power, "root": root, "human_readable": human_readable,
    "human_to_bytes": human_to_bytes,
}
