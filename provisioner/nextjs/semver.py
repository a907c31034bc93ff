"""Version ranges as package.json writes them (`>=20.9`, `^18.17 || 20.x`), read as intervals of versions. Pure.

Pre-releases are not ordered: a range that names one is not understood.
"""

from __future__ import annotations

import re

Version = tuple[int, int, int]
Interval = tuple[Version, Version]
"""From the first, up to but without the second."""

LOWEST: Version = (0, 0, 0)
BEYOND: Version = (1_000_000, 0, 0)

_PART = r"(\d+|[xX*])"
_PARTIAL = rf"v?{_PART}(?:\.{_PART}(?:\.{_PART})?)?"
_COMPARATOR = re.compile(rf"(>=|<=|>|<|=|\^|~>|~)?\s*{_PARTIAL}")
_HYPHEN = re.compile(rf"\s*({_PARTIAL})\s+-\s+({_PARTIAL})\s*")


def intervals(text: str) -> list[Interval] | None:
    """The versions a range allows; None when it is not understood (a tag, an address, a pre-release)."""
    found = []
    for alternative in text.split("||"):
        one = _alternative(alternative.strip())
        if one is None:
            return None
        if one[0] < one[1]:
            found.append(one)
    return found


def allows(text: str, version: str) -> bool | None:
    """Whether the range allows `version`, or any version that begins so where it is not complete ("22"); None when
    one of them is not understood."""
    allowed, given = intervals(text), intervals(version)
    if allowed is None or given is None or len(given) != 1:
        return None
    low, high = given[0]
    return any(start < high and low < end for start, end in allowed)


def _alternative(text: str) -> Interval | None:
    hyphen = _HYPHEN.fullmatch(text)
    if hyphen:
        return _bounds(hyphen[1])[0], _bounds(hyphen[5])[1]
    (low, high), position = (LOWEST, BEYOND), 0
    while position < len(text):
        found = _COMPARATOR.match(text, position)
        if found is None or (found.end() < len(text) and not text[found.end()].isspace()):
            return None
        start, end = _comparator(found[1] or "", text[found.start(2) :][: found.end() - found.start(2)])
        low = max(low, start)
        high = min(high, end)
        position = found.end() + len(text[found.end() :]) - len(text[found.end() :].lstrip())
    return low, high


def _comparator(sign: str, text: str) -> Interval:
    low, high = _bounds(text)
    if sign in ("", "="):
        return low, high
    if sign in (">=", ">"):
        return (low if sign == ">=" else high), BEYOND
    if sign in ("<", "<="):
        return LOWEST, (low if sign == "<" else high)
    return low, max(high, _compatible(sign, text))


def _compatible(sign: str, text: str) -> Version:
    """Where `~` and `^` end: the next minor version; the next change of the first part that is not 0."""
    major, minor, patch = _parts(text)
    if major is None:
        return BEYOND
    if sign == "^" and (major > 0 or minor is None):
        return major + 1, 0, 0
    if minor is None:
        return major + 1, 0, 0
    if sign == "^" and minor == 0 and patch is not None:
        return 0, 0, patch + 1
    return major, minor + 1, 0


def _bounds(text: str) -> Interval:
    """All versions that begin as `text` does."""
    major, minor, patch = _parts(text)
    if major is None:
        return LOWEST, BEYOND
    if minor is None:
        return (major, 0, 0), (major + 1, 0, 0)
    if patch is None:
        return (major, minor, 0), (major, minor + 1, 0)
    return (major, minor, patch), (major, minor, patch + 1)


def _parts(text: str) -> tuple[int | None, int | None, int | None]:
    """What stands behind an `x` counts as little as the `x`."""
    known: list[int | None] = []
    for word in text.lstrip("v").split("."):
        known.append(int(word) if word.isdigit() and None not in known else None)
    major, minor, patch = (*known, None, None)[:3]
    return major, minor, patch
