"""The types of Ansible's argument specifications: what each makes of a value, and in which words it refuses one."""

from __future__ import annotations

import json
import os
from typing import Any, Callable, Mapping

from provisioner.remote.spec import to_size

TRUE = frozenset(["y", "yes", "on", "1", "true", "t", 1, 1.0, True])
FALSE = frozenset(["n", "no", "off", "0", "false", "f", 0, 0.0, False])


def type_name(value: Any) -> str:
    """As messages have it."""
    return type(value).__name__


def _to_str(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _to_bool(value: Any) -> bool:
    word = value.strip().lower() if isinstance(value, str) else value
    if not isinstance(word, (list, dict)) and word in TRUE | FALSE:
        return word in TRUE
    raise TypeError('"%r" cannot be converted to a bool' % (value,))


def _to_int(value: Any) -> int:
    if isinstance(value, (bool, list, dict)):
        raise TypeError('"%r" cannot be converted to an int' % (value,))
    if isinstance(value, float) and not value.is_integer():
        raise TypeError('"%r" cannot be converted to an int' % (value,))
    try:
        return int(value)
    except (TypeError, ValueError):
        raise TypeError('"%r" cannot be converted to an int' % (value,)) from None


def _to_float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError('"%r" cannot be converted to a float' % (value,)) from None


def _to_list(value: Any) -> "list[Any]":
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    if isinstance(value, (int, float)):
        return [str(value)]
    raise TypeError('"%r" cannot be converted to a list' % (value,))


def _to_dict(value: Any) -> "dict[str, Any]":
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, str):
        if value.startswith("{"):
            try:
                found = json.loads(value)
            except ValueError:
                raise TypeError("unable to evaluate string as dictionary") from None
            if isinstance(found, dict):
                return found
        elif "=" in value:
            pairs = [part.partition("=") for part in value.replace(",", " ").split()]
            return {name.strip(): text for name, _, text in pairs}
        raise TypeError("dictionary requested, could not parse JSON or key=value")
    raise TypeError('"%r" cannot be converted to a dict' % (value,))


def _to_path(value: Any) -> str:
    return os.path.expanduser(os.path.expandvars(_to_str(value)))


def _to_json(value: Any) -> str:
    return value.strip() if isinstance(value, str) else json.dumps(value)


def _to_bits(value: Any) -> int:
    return to_size(str(value).strip().removesuffix("it").removesuffix("b"))


def _as_it_is(value: Any) -> Any:
    return value


_CONVERTERS: "Mapping[str, Callable[[Any], Any]]" = {
    "str": _to_str, "bool": _to_bool, "int": _to_int, "float": _to_float, "list": _to_list, "dict": _to_dict,
    "path": _to_path, "raw": _as_it_is, "json": _to_json, "jsonarg": _to_json, "bytes": to_size, "bits": _to_bits,
}  # fmt: skip


def convert(value: Any, wanted: Any) -> Any:
    """`value` as the type `wanted`: a name or a function. Raises TypeError or ValueError."""
    if callable(wanted):
        return wanted(value)
    if wanted not in _CONVERTERS:
        raise TypeError("there is no type %r" % (wanted,))
    return _CONVERTERS[wanted](value)
