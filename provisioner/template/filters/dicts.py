"""Dictionaries: combining, to lists of pairs and back, picking out of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2.runtime import Context
from jinja2.utils import pass_context

from provisioner.template.filters.sets import flatten
from provisioner.template.marks import Missing
from provisioner.values import Value

_LIST_MERGES = ("replace", "keep", "append", "prepend", "append_rp", "prepend_rp")


def combine(*terms: Value, recursive: bool = False, list_merge: str = "replace",
            **others: Value) -> dict[Value, Value]:
    """Dictionaries put together, later ones winning; nulls are left out.

    >>> combine({"a": {"x": 1}, "b": 1}, {"a": {"y": 2}})
    {'a': {'y': 2}, 'b': 1}
    >>> combine({"a": {"x": 1}, "l": [1]}, {"a": {"y": 2}, "l": [2]}, recursive=True, list_merge="append")
    {'a': {'x': 1, 'y': 2}, 'l': [1, 2]}
    """
    if others:
        raise TypeError("'recursive' and 'list_merge' are the only valid keyword arguments")
    if list_merge not in _LIST_MERGES:
        raise ValueError(f"list_merge must be one of {', '.join(_LIST_MERGES)}, not {list_merge!r}")
    result: dict[Value, Value] = {}
    for layer in flatten(list(terms), levels=1):
        if not isinstance(layer, Mapping):
            raise TypeError(f"failed to combine variables, expected dicts but got {type(layer).__name__}")
        result = _merge(result, layer, recursive, list_merge)
    return result


def _merge(low: Mapping[Value, Value], high: Mapping[Value, Value], recursive: bool, lists: str) -> dict[Value, Value]:
    merged = dict(low.items())
    for key, value in high.items():
        old = merged.get(key)
        if recursive and isinstance(old, Mapping) and isinstance(value, Mapping):
            merged[key] = _merge(old, value, recursive, lists)
        elif isinstance(old, list) and isinstance(value, list):
            merged[key] = _merge_lists(list(old), list(value), lists)
        else:
            merged[key] = value
    return merged


def _merge_lists(old: list[Value], new: list[Value], how: str) -> list[Value]:
    if how == "keep":
        return old
    if how == "append":
        return old + new
    if how == "prepend":
        return new + old
    if how == "append_rp":
        return [item for item in old if item not in new] + new
    if how == "prepend_rp":
        return new + [item for item in old if item not in new]
    return new


def dict2items(value: Value, key_name: str = "key", value_name: str = "value") -> list[Value]:
    """
    >>> dict2items({"a": 1})
    [{'key': 'a', 'value': 1}]
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"dict2items requires a dictionary, not {type(value).__name__}")
    return [{key_name: key, value_name: item} for key, item in value.items()]


def items2dict(items: Value, key_name: str = "key", value_name: str = "value") -> dict[Value, Value]:
    """
    >>> items2dict([{"key": "a", "value": 1}])
    {'a': 1}
    """
    if not isinstance(items, (list, tuple)):
        raise TypeError(f"items2dict requires a list, not {type(items).__name__}")
    for item in items:
        if not isinstance(item, Mapping):
            raise TypeError(f"items2dict requires a list of dictionaries, and one of it is {type(item).__name__}")
        if key_name not in item or value_name not in item:
            raise KeyError("items2dict requires each dictionary in the list to contain the keys "
                           f"'{key_name}' and '{value_name}'")
    return {item[key_name]: item[value_name] for item in items}


@pass_context
def extract(context: Context, key: Value, container: Value, morekeys: Value = None) -> Value:
    """The item of `container` at `key`, then at each of `morekeys`: for `map('extract', hostvars, 'x')`.

    >>> evaluate("['a', 'b'] | map('extract', {'a': {'x': 1}, 'b': {'x': 2}}, 'x')")
    [1, 2]
    """
    keys = [] if morekeys is None else morekeys if isinstance(morekeys, list) else [morekeys]
    value = container
    for step in (key, *keys):
        value = context.environment.getitem(value, step)
    return value


def rekey_on_member(data: Value, key: str, duplicates: str = "error") -> dict[Value, Value]:
    """
    >>> rekey_on_member([{"n": "a", "v": 1}], "n")
    {'a': {'n': 'a', 'v': 1}}
    """
    if duplicates not in ("error", "overwrite"):
        raise ValueError(f"duplicates parameter to rekey_on_member has unknown value {duplicates!r}: "
                         "it is error or overwrite")
    if isinstance(data, str) or not isinstance(data, Iterable):
        raise TypeError("Type is not a valid list, set, or dict")
    result: dict[Value, Value] = {}
    for item in data.values() if isinstance(data, Mapping) else data:
        if not isinstance(item, Mapping):
            raise TypeError(f"List item is not a valid dict: {type(item).__name__}")
        if key not in item:
            raise ValueError(f"Key {key} was not found in an item")
        name = item[key]
        if name in result and duplicates != "overwrite":
            raise ValueError(f"Key {name} is not unique, cannot convert to dict")
        result[name] = item
    return result


def default(value: Value, default_value: Value = "", boolean: bool = False) -> Value:
    """`value`, or `default_value` when it is undefined (with `boolean`: also when it is empty or false).

    >>> default("", "x", True)
    'x'
    """
    if isinstance(value, Missing) or (boolean and not value):
        return default_value
    return value


def mandatory(value: Value, msg: str | None = None) -> Value:
    """`value`; an error with `msg` when it is undefined.

    >>> evaluate("5 | mandatory"), evaluate("nowhere | mandatory('say where')")
    Traceback (most recent call last):
    provisioner.diag.UndefinedVariable: say where
    """
    if isinstance(value, Missing) and value.cause is None:
        Missing(msg or f"Mandatory variable '{value.name}' not defined.", name=value.name).refuse()
    return value


def ternary(value: Value, true_val: Value, false_val: Value, none_val: Value = None) -> Value:
    """
    >>> ternary(True, "yes", "no"), ternary(None, "yes", "no", "none")
    ('yes', 'none')
    """
    if value is None and none_val is not None:
        return none_val
    return true_val if value else false_val


FILTERS: Mapping[str, Callable[..., Any]] = {
    "combine": combine, "dict2items": dict2items, "items2dict": items2dict, "extract": extract,
    "rekey_on_member": rekey_on_member, "default": default, "d": default, "mandatory": mandatory,
    "ternary": ternary,
}
