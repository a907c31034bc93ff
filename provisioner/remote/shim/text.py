"""`ansible.module_utils.common.text.converters` and `ansible.module_utils._text`."""

from __future__ import annotations

import json
from typing import Any

_ERRORS = {None: "strict", "surrogate_or_strict": "surrogateescape", "surrogate_or_replace": "surrogateescape",
           "surrogate_then_replace": "surrogateescape"}


def to_text(obj: Any, encoding: str = "utf-8", errors: Any = None, nonstring: str = "simplerepr") -> Any:
    if isinstance(obj, str):
        return obj
    if isinstance(obj, bytes):
        return obj.decode(encoding, _ERRORS.get(errors, errors) if errors else "surrogateescape")
    return obj if nonstring == "passthru" else "" if nonstring == "empty" else str(obj)


def to_bytes(obj: Any, encoding: str = "utf-8", errors: Any = None, nonstring: str = "simplerepr") -> Any:
    if isinstance(obj, bytes):
        return obj
    if isinstance(obj, str):
        return obj.encode(encoding, _ERRORS.get(errors, errors) if errors else "surrogateescape")
    return obj if nonstring == "passthru" else b"" if nonstring == "empty" else str(obj).encode(encoding)


to_native = to_text


def jsonify(data: Any, **options: Any) -> str:
    return json.dumps(data, default=str, **options)


def container_to_text(d: Any, encoding: str = "utf-8", errors: str = "surrogate_or_strict") -> Any:
    """Every bytes in a structure as text."""
    if isinstance(d, dict):
        return {container_to_text(key): container_to_text(value) for key, value in d.items()}
    if isinstance(d, (list, tuple)):
        return type(d)(container_to_text(value) for value in d)
    return to_text(d, encoding, errors) if isinstance(d, bytes) else d


def container_to_bytes(d: Any, encoding: str = "utf-8", errors: str = "surrogate_or_strict") -> Any:
    if isinstance(d, dict):
        return {container_to_bytes(key): container_to_bytes(value) for key, value in d.items()}
    if isinstance(d, (list, tuple)):
        return type(d)(container_to_bytes(value) for value in d)
    return to_bytes(d, encoding, errors) if isinstance(d, str) else d
