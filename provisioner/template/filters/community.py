"""Filters of community.general and ansible.utils that playbooks use most."""

from __future__ import annotations

import configparser
import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from provisioner.template.checks import as_mapping
from provisioner.values import Value

_SECONDS: Mapping[str, float] = {
    "ms": 0.001, "msec": 0.001, "millisecond": 0.001, "s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60,
    "h": 3600, "hour": 3600, "d": 86400, "day": 86400, "w": 604800, "week": 604800, "mo": 2592000, "month": 2592000,
    "y": 31536000, "year": 31536000,
}  # fmt: skip
_DURATION = re.compile(r"(-?\d+(?:\.\d+)?)\s*([a-z]+)", re.IGNORECASE)


def json_query(value: Value, expression: str) -> Value:
    """What a JMESPath expression finds; needs the package `jmespath` on the controller.

    >>> json_query({"hosts": [{"n": "a"}, {"n": "b"}]}, "hosts[*].n")
    ['a', 'b']
    """
    try:
        import jmespath  # noqa: PLC0415 - an extra
    except ImportError:
        raise ValueError("`json_query` needs the package `jmespath`: install provision[json-query]") from None
    try:
        return jmespath.search(expression, value)
    except jmespath.exceptions.JMESPathError as error:
        raise ValueError(f"`json_query`: {error}") from None


def pairs_to_dict(pairs: Iterable[Value]) -> dict[Value, Value]:
    """
    >>> pairs_to_dict([["a", 1], ["b", 2]])
    {'a': 1, 'b': 2}
    """
    return dict(pairs)


def dict_kv(value: Value, key: str) -> dict[str, Value]:
    """
    >>> dict_kv(5, "n")
    {'n': 5}
    """
    return {key: value}


def groupby_as_dict(sequence: Iterable[Value], attribute: str) -> dict[Value, Value]:
    """
    >>> groupby_as_dict([{"n": "a", "v": 1}, {"n": "b", "v": 2}], "n")
    {'a': {'n': 'a', 'v': 1}, 'b': {'n': 'b', 'v': 2}}
    """
    grouped: dict[Value, Value] = {}
    for item in sequence:
        key = as_mapping(item, "groupby_as_dict").get(attribute)
        if key is None:
            raise ValueError(f"an item has no `{attribute}`")
        if key in grouped:
            raise ValueError(f"two items have `{attribute}: {key}`")
        grouped[key] = item
    return grouped


def counter(sequence: Iterable[Value]) -> dict[Value, int]:
    """
    >>> counter(["a", "b", "a"])
    {'a': 2, 'b': 1}
    """
    return dict(Counter(sequence))


def lists_mergeby(*lists: Any, recursive: bool = False, list_merge: str = "replace") -> list[Value]:
    """Lists of dictionaries put together by a key, the last argument; later ones win.

    >>> lists_mergeby([{"n": "a", "x": 1}], [{"n": "a", "y": 2}, {"n": "b"}], "n")
    [{'n': 'a', 'x': 1, 'y': 2}, {'n': 'b'}]
    """
    from provisioner.template.filters.dicts import combine  # noqa: PLC0415 - families know each other seldom

    *given, index = lists
    merged: dict[Value, Value] = {}
    for item in (item for one in given for item in one):
        key = as_mapping(item, "lists_mergeby")[index]
        merged[key] = combine(merged.get(key, {}), item, recursive=recursive, list_merge=list_merge)
    return [merged[key] for key in sorted(merged)]


def _matching(target: Value, matching: str) -> Callable[[str], bool]:
    targets = [str(one) for one in (target if isinstance(target, (list, tuple)) else [target])]
    tests: Mapping[str, Callable[[str, str], bool]] = {
        "equal": lambda key, one: key == one, "starts_with": str.startswith, "ends_with": str.endswith,
        "regex": lambda key, one: re.match(one, key) is not None,
    }
    if matching not in tests:
        raise ValueError(f"`matching_parameter` is one of {', '.join(tests)}, not {matching!r}")
    return lambda key: any(tests[matching](key, one) for one in targets)


def keep_keys(data: list[Value], target: Value, matching_parameter: str = "equal") -> list[Value]:
    """
    >>> keep_keys([{"a": 1, "b": 2}], ["a"]), keep_keys([{"a1": 1, "b": 2}], "a", "starts_with")
    ([{'a': 1}], [{'a1': 1}])
    """
    wanted = _matching(target, matching_parameter)
    return [{key: value for key, value in as_mapping(item, "keep_keys").items() if wanted(str(key))} for item in data]


def remove_keys(data: list[Value], target: Value, matching_parameter: str = "equal") -> list[Value]:
    """
    >>> remove_keys([{"a": 1, "b": 2}], "a")
    [{'b': 2}]
    """
    unwanted = _matching(target, matching_parameter)
    return [{key: value for key, value in as_mapping(item, "remove_keys").items() if not unwanted(str(key))}
            for item in data]


def replace_keys(data: list[Value], target: list[Mapping[str, str]], matching_parameter: str = "equal") -> list[Value]:
    """
    >>> replace_keys([{"a": 1, "b": 2}], [{"before": "a", "after": "z"}])
    [{'z': 1, 'b': 2}]
    """
    rules = [(_matching(rule["before"], matching_parameter), rule["after"]) for rule in target]
    return [{next((after for test, after in rules if test(str(key))), key): value for key, value in item.items()}
            for item in data]


def from_csv(value: str, fieldnames: list[str] | None = None, delimiter: str = ",") -> list[Value]:
    """
    >>> from_csv("name,uid\\nroot,0\\n")
    [{'name': 'root', 'uid': '0'}]
    """
    rows = csv.DictReader(value.splitlines(keepends=True), fieldnames=fieldnames, delimiter=delimiter)
    return [dict(row) for row in rows]


def from_ini(value: str) -> dict[str, Value]:
    """
    >>> from_ini("[web]\\nport = 80\\n")
    {'web': {'port': '80'}}
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(value)
    except configparser.Error as error:
        raise ValueError(f"`from_ini`: {error.message}") from None
    sections = {name: dict(parser.items(name)) for name in parser.sections()}
    return {**sections, "DEFAULT": dict(parser.defaults())} if parser.defaults() else sections


def to_ini(value: Mapping[str, Mapping[str, Value]]) -> str:
    """
    >>> to_ini({"web": {"port": 80}})
    '[web]\\nport = 80\\n'
    """
    return "\n".join(f"[{name}]\n" + "".join(f"{key} = {item}\n" for key, item in as_mapping(section, "to_ini").items())
                     for name, section in value.items())


def unicode_normalize(value: str, form: str = "NFC") -> str:
    """
    >>> unicode_normalize("e\\u0301") == "\\u00e9"
    True
    """
    if form not in ("NFC", "NFD", "NFKC", "NFKD"):
        raise ValueError(f"there is no normal form {form!r}")
    return unicodedata.normalize(form, value)  # type: ignore[arg-type]


def version_sort(value: Iterable[Value], reverse: bool = False) -> list[Value]:
    """
    >>> version_sort(["1.10", "1.9", "1.9rc1"])
    ['1.9rc1', '1.9', '1.10']
    """
    def key(item: Value) -> list[tuple[int, int, str]]:
        parts = re.findall(r"\d+|[a-z]+", str(item).lower())
        return [*((1, int(part), "") if part.isdigit() else (-1, 0, part) for part in parts), (0, 0, "")]

    return sorted(value, key=key, reverse=reverse)


def to_seconds(value: Value, year: float = 365, month: float = 30) -> float:
    """
    >>> to_seconds("1h 30m"), to_seconds("2 days")
    (5400.0, 172800.0)
    """
    if isinstance(value, (int, float)):
        return float(value)
    total = 0.0
    if _DURATION.sub("", str(value)).strip():
        raise ValueError(f"{value!r} is no duration like `1h 30m`")
    for number, unit in _DURATION.findall(str(value)):
        name = unit.lower() if unit.lower() in _SECONDS else unit.lower().rstrip("s")
        days = {"y": year, "year": year, "mo": month, "month": month}.get(name)
        if name not in _SECONDS:
            raise ValueError(f"{unit!r} is no unit of time")
        total += float(number) * (_SECONDS[name] if days is None else days * 86400)
    return total


def to_milliseconds(value: Value, **options: float) -> float:
    """
    >>> to_milliseconds("2s")
    2000.0
    """
    return to_seconds(value, **options) / 0.001


def to_minutes(value: Value, **options: float) -> float:
    """
    >>> to_minutes("1h 30m")
    90.0
    """
    return to_seconds(value, **options) / 60


def to_hours(value: Value, **options: float) -> float:
    """
    >>> to_hours("2 days")
    48.0
    """
    return to_seconds(value, **options) / 3600


def to_days(value: Value, **options: float) -> float:
    """
    >>> to_days("36h")
    1.5
    """
    return to_seconds(value, **options) / 86400


def to_weeks(value: Value, **options: float) -> float:
    """
    >>> to_weeks("21d")
    3.0
    """
    return to_seconds(value, **options) / 604800


def get_path(value: Value, path: str, wantlist: bool = False) -> Value:
    """
    >>> get_path({"a": {"b": [{"c": 5}]}}, "a.b[0].c"), get_path({"a": {"x.y": 1}}, "a['x.y']")
    (5, 1)
    """
    found = value
    for name, number, quoted in re.findall(r"([^.\[\]]+)|\[(-?\d+)\]|\[['\"]([^'\"]+)['\"]\]", path):
        found = found[int(number)] if number else found[name or quoted]
    return [found] if wantlist and not isinstance(found, list) else found


def to_paths(value: Value, prepend: str | None = None) -> dict[str, Value]:
    """
    >>> to_paths({"a": {"b": [5]}})
    {'a.b[0]': 5}
    """
    found: dict[str, Value] = {}

    def walk(item: Value, path: str) -> None:
        if isinstance(item, Mapping) and item:
            for key, inner in item.items():
                simple = re.fullmatch(r"\w+", str(key))
                step = f".{key}" if simple and path else str(key) if simple else f"['{key}']"
                walk(inner, path + step)
        elif isinstance(item, (list, tuple)) and item:
            for number, inner in enumerate(item):
                walk(inner, f"{path}[{number}]")
        else:
            found[path] = item

    walk(value, prepend or "")
    return found


FILTERS: Mapping[str, Callable[..., Any]] = {
    "json_query": json_query, "dict": pairs_to_dict, "dict_kv": dict_kv, "groupby_as_dict": groupby_as_dict,
    "counter": counter, "lists_mergeby": lists_mergeby, "keep_keys": keep_keys, "remove_keys": remove_keys,
    "replace_keys": replace_keys, "from_csv": from_csv, "from_ini": from_ini, "to_ini": to_ini,
    "unicode_normalize": unicode_normalize, "version_sort": version_sort, "to_seconds": to_seconds,
    "to_milliseconds": to_milliseconds, "to_minutes": to_minutes, "to_hours": to_hours, "to_days": to_days,
    "to_weeks": to_weeks, "get_path": get_path, "to_paths": to_paths,
}
HOMES = ("community.general", "ansible.utils")
