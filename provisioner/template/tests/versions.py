"""`x is version('1.2', '>=')`: how two versions compare."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from provisioner.values import Value

Key: TypeAlias = tuple[Any, ...]

_OPERATORS: Mapping[str, frozenset[int]] = {
    name: frozenset(signs)
    for signs, names in (((0,), ("==", "=", "eq")), ((-1, 1), ("!=", "<>", "ne")), ((-1,), ("<", "lt")),
                         ((-1, 0), ("<=", "le")), ((1,), (">", "gt")), ((0, 1), (">=", "ge")))
    for name in names
}


def version(value: Value, other: Value, operator: str = "eq", strict: bool | None = None,
            version_type: str | None = None) -> bool:
    """
    >>> version("1.10", "1.9", ">="), version("1.2", "1.2.0", "=="), version("12.4", 12, "gt")
    (True, False, True)
    >>> version("1.0.0-rc.1", "1.0.0", "<", version_type="semver"), version("1.0a1", "1.0", "<", strict=True)
    (True, True)
    """
    kind = version_type or ("strict" if strict else "loose")
    if kind not in _KEYS:
        raise ValueError(f"version_type must be one of {', '.join(_KEYS)}, not {kind!r}")
    if operator not in _OPERATORS:
        raise ValueError(f"operator must be one of {', '.join(_OPERATORS)}, not {operator!r}")
    if not str(value) or not str(other):
        raise ValueError("an empty version cannot be compared")
    left, right = _KEYS[kind](str(value)), _KEYS[kind](str(other))
    return (left > right) - (left < right) in _OPERATORS[operator]


def _loose(text: str) -> Key:
    """Numbers and words in turn; a number is greater than a word, and more parts than fewer."""
    parts = re.findall(r"\d+|[a-z]+|[^\w.]+|_", text.lower())
    return tuple((1, int(part)) if part.isdigit() else (0, part) for part in parts)


def _strict(text: str) -> Key:
    found = re.fullmatch(r"(\d+)\.(\d+)(?:\.(\d+))?([ab]\d+)?", text)
    if found is None:
        raise ValueError(f"{text!r} is no strict version (like 1.2 or 1.2.3)")
    return (*(int(part or 0) for part in found.groups()[:3]), found[4] or "z")


def _semantic(text: str) -> Key:
    found = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?", text)
    if found is None:
        raise ValueError(f"{text!r} is no semantic version (like 1.2.3 or 1.2.3-rc.1)")
    before = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in (found[4] or "").split("."))
    return (int(found[1]), int(found[2]), int(found[3]), found[4] is None, before)


def _python(text: str) -> Key:
    """PEP 440 as far as people write it: epoch, release, a/b/rc, post, dev."""
    found = re.fullmatch(r"v?(?:(\d+)!)?(\d+(?:\.\d+)*)[-_.]?(?:(a|b|c|rc|alpha|beta|pre|preview)[-_.]?(\d*))?"
                         r"(?:[-_.]?(?:post|rev|r)[-_.]?(\d*))?(?:[-_.]?dev[-_.]?(\d*))?(?:\+.*)?", text.lower())
    if found is None:
        raise ValueError(f"{text!r} is no Python version")
    release = [int(part) for part in found[2].split(".")]
    trimmed = tuple(reversed(list(itertools.dropwhile(lambda part: part == 0, reversed(release)))))
    rank = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}
    only_dev = found[3] is None and found[5] is None and found[6] is not None
    stage = -1 if only_dev else 3 if found[3] is None else rank[found[3]]
    post = -1 if found[5] is None else int(found[5] or 0)
    dev = float("inf") if found[6] is None else int(found[6] or 0)
    return (int(found[1] or 0), trimmed, stage, int(found[4] or 0), post, dev)


_KEYS: Mapping[str, Callable[[str], Key]] = {
    "loose": _loose, "strict": _strict, "semver": _semantic, "semantic": _semantic, "pep440": _python,
}

TESTS: Mapping[str, Callable[..., Any]] = {"version": version, "version_compare": version}
