"""Whatever a module gives as a result, as JSON that every reader accepts."""

from __future__ import annotations

import math
from typing import Any

DEPTH = 50


def plain(value: Any, depth: int = 0) -> Any:
    """JSON data: bytes become text, lone surrogates and undecodable bytes are escaped, sets are sorted,
    NaN and infinities (which JSON has no word for) become text, keys become text, what is unknown its `repr`."""
    kind = type(value)
    if kind is str:
        return value if value.isascii() else _text(value)
    if value is None or kind is bool or kind is int:
        return value
    if depth > DEPTH:
        return "(too deep)"
    if kind is dict:
        return {_key(key): plain(item, depth + 1) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [plain(item, depth + 1) for item in value]
    return _unusual(value, depth)


def _unusual(value: Any, depth: int) -> Any:
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item, depth + 1) for item in value), key=str)
    if hasattr(value, "keys"):
        return {_key(key): plain(value[key], depth + 1) for key in value.keys()}  # noqa: SIM118 - a mapping by shape
    if hasattr(value, "__iter__"):
        return [plain(item, depth + 1) for item in value]
    return _text(repr(value))


def _text(value: str) -> str:
    errors = "surrogateescape" if _is_escaped(value) else "backslashreplace"
    return value.encode("utf-8", errors).decode("utf-8", "backslashreplace")


def _is_escaped(value: str) -> bool:
    """Whether all its surrogates stand for undecodable bytes of a file name."""
    return all(not "\ud800" <= char <= "\udfff" or "\udc80" <= char <= "\udcff" for char in value)


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key if key.isascii() else _text(key)
    if isinstance(key, bytes):
        return key.decode("utf-8", "backslashreplace")
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    return str(key)
