"""Tests on values: lists, words for true and false, regular expressions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from provisioner.template.checks import as_boolean
from provisioner.template.marks import Missing
from provisioner.values import OMIT, Value


def defined(value: Value) -> bool:
    """Anything is, an unknown value too, but what does not exist.

    >>> defined(None), evaluate("{}.key is defined")
    (True, False)
    """
    return not isinstance(value, Missing)


def undefined(value: Value) -> bool:
    """
    >>> evaluate("nowhere is undefined"), undefined(None)
    (True, False)
    """
    return isinstance(value, Missing)


def truthy(value: Value, convert_bool: bool = False) -> bool:
    """
    >>> truthy("no"), truthy("no", convert_bool=True)
    (True, False)
    """
    if convert_bool and (answer := as_boolean(value)) is not None:
        return answer
    return bool(value)


def falsy(value: Value, convert_bool: bool = False) -> bool:
    """
    >>> falsy(""), falsy("no"), falsy("no", convert_bool=True)
    (True, False, True)
    """
    return not truthy(value, convert_bool)


def regex(value: Value, pattern: str = "", ignorecase: bool = False, multiline: bool = False,
          match_type: str = "search") -> bool:
    """
    >>> regex("foobar", "ob"), regex("foobar", "ob", match_type="match")
    (True, False)
    """
    flags = (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)
    if match_type not in {"search", "match", "fullmatch"}:
        raise ValueError(f"match_type must be search, match or fullmatch, not {match_type!r}")
    return bool(getattr(re, match_type)(pattern, str(value), flags))


def match(value: Value, pattern: str = "", ignorecase: bool = False, multiline: bool = False) -> bool:
    """
    >>> match("foobar", "foo"), match("foobar", "bar")
    (True, False)
    """
    return regex(value, pattern, ignorecase, multiline, "match")


def subset(value: Iterable[Value], other: Iterable[Value]) -> bool:
    """
    >>> subset([1], [1, 2])
    True
    """
    listed = list(other)
    return all(item in listed for item in value)


def superset(value: Iterable[Value], other: Iterable[Value]) -> bool:
    """
    >>> superset([1, 2], [1])
    True
    """
    return subset(other, value)


def contains(value: Value, item: Value) -> bool:
    """
    >>> contains([1, 2], 1)
    True
    """
    return item in value


def any_true(value: Iterable[Value]) -> bool:
    """
    >>> any_true([False, True])
    True
    """
    return any(value)


def all_true(value: Iterable[Value]) -> bool:
    """
    >>> all_true([False, True])
    False
    """
    return all(value)


def nan(value: Value) -> bool:
    """
    >>> nan(float("nan")), nan(1.0)
    (True, False)
    """
    return bool(isinstance(value, float) and value != value)  # noqa: PLR0124 - what makes a NaN


def omitted(value: Value) -> bool:
    """
    >>> evaluate("omit is omitted", omit=OMIT), omitted("")
    (True, False)
    """
    return value is OMIT


def absolute(value: str) -> bool:
    """
    >>> absolute("/etc"), absolute("etc")
    (True, False)
    """
    return value.startswith("/")


TESTS: Mapping[str, Callable[..., Any]] = {
    "defined": defined, "undefined": undefined, "truthy": truthy, "falsy": falsy, "regex": regex, "match": match,
    "search": regex, "subset": subset, "issubset": subset, "superset": superset, "issuperset": superset,
    "contains": contains, "any": any_true, "all": all_true, "nan": nan, "isnan": nan, "abs": absolute,
    "is_abs": absolute, "omitted": omitted,
}
