"""Arguments of filters, checked with words a user understands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.values import Value

TRUE_WORDS = frozenset({"yes", "on", "true", "1", "y", "t"})
FALSE_WORDS = frozenset({"no", "off", "false", "0", "n", "f", ""})


def as_mapping(value: Value, name: str) -> Mapping[Any, Value]:
    if not isinstance(value, Mapping):
        raise TypeError(f"`{name}` needs dictionaries, not {type(value).__name__}")
    return value


def as_boolean(value: Value) -> bool | None:
    """The boolean that `value` says, or None when it says none.

    >>> as_boolean("Yes"), as_boolean(0), as_boolean("maybe")
    (True, False, None)
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return bool(value) if value in (0, 1) else None
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in TRUE_WORDS else False if word in FALSE_WORDS else None
    return None
