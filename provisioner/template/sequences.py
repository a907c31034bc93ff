"""The lookups `sequence` and `subelements`: lists made of numbers, and of lists inside of items."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from provisioner.diag import TemplateError
from provisioner.values import Value

Options: TypeAlias = Mapping[str, Value]

MOST = 100_000
_RANGE = re.compile(r"(?:(0?x?[0-9a-f]+)-)?(0?x?[0-9a-f]+)(?:/([+-]?0?x?[0-9a-f]+))?(?::(.+))?", re.IGNORECASE)
_NAMES = ("start", "end", "stride", "format")
_NUMBERS = frozenset({"start", "end", "stride", "count"})


def sequence(term: str, options: Options) -> list[str]:
    """
    >>> sequence("start=1 end=5 stride=2 format=web%02d", {})
    ['web01', 'web03', 'web05']
    >>> sequence("2-4:n%d", {})
    ['n2', 'n3', 'n4']
    >>> sequence("count=2", {"start": 7})
    ['7', '8']
    """
    given = {**options, **_parsed(term)}
    unknown = sorted(set(given) - {*_NAMES, "count"})
    if unknown:
        raise TemplateError(f"unrecognized arguments to with_sequence: {', '.join(unknown)}",
                            hint="it takes start, end, count, stride and format")
    numbers = {name: _integer(name, value) for name, value in given.items() if name in _NUMBERS}
    start, stride = numbers.get("start", 1), numbers.get("stride", 1)
    if not stride or numbers.get("count") == 0:
        return []
    end = _end(numbers, start, stride)
    if abs(end - start) // abs(stride) > MOST:
        raise TemplateError(f"`sequence` from {start} to {end} by {stride} has too many numbers")
    pattern = str(given.get("format", "%d"))
    if pattern.count("%") != 1:
        raise TemplateError(f"bad formatting string: {pattern}", hint="one `%d` stands for the number, as in `web%02d`")
    try:
        return [pattern % number for number in range(start, end + (1 if stride > 0 else -1), stride)]
    except (TypeError, ValueError) as error:
        raise TemplateError(f"bad formatting string: {pattern} ({error})") from None


def _parsed(term: str) -> dict[str, Value]:
    short = _RANGE.fullmatch(term.strip())
    if short:
        return {name: value for name, value in zip(_NAMES, short.groups(), strict=True) if value is not None}
    return dict(pair.split("=", 1) for pair in term.split() if "=" in pair)


def _end(numbers: Mapping[str, int], start: int, stride: int) -> int:
    if "count" in numbers and "end" in numbers:
        raise TemplateError("can't specify both count and end in with_sequence")
    if "count" in numbers:
        return start + numbers["count"] * stride - 1  # as playbooks know it, which is not `count` numbers back
    if "end" not in numbers:
        raise TemplateError("must specify count or end in with_sequence")
    if stride > 0 and numbers["end"] < start:
        raise TemplateError("to count backwards make stride negative")
    if stride < 0 and numbers["end"] > start:
        raise TemplateError("to count forward don't make stride negative")
    return numbers["end"]


def _integer(name: str, value: Value) -> int:
    try:
        return value if isinstance(value, int) else int(str(value), 0 if "x" in str(value).lower() else 10)
    except ValueError:
        raise TemplateError(f"`{name}` of `sequence` has an invalid value: {value!r} is no integer") from None


def subelements_of_terms(terms: list[Value], options: Options) -> list[Value]:
    """Terms: items, path and maybe options. Each item comes without what is at the path, as playbooks that show
    items expect it."""
    if not 2 <= len(terms) <= 3:
        raise TemplateError("the lookup `subelements` expects a list of two or three terms: items, a key, options")
    items, path, *rest = terms
    if not isinstance(items, (Mapping, list, tuple)):
        raise TemplateError("the lookup `subelements` expects first a dict or a list, then a key: " + _called(items))
    if not isinstance(path, str):
        raise TemplateError("the lookup `subelements` expects second a string, the key: " + _called(path))
    if rest and not isinstance(rest[0], Mapping):
        raise TemplateError("of `subelements` the optional third item must be a dict: " + _called(rest[0]))
    if isinstance(items, Mapping) and items.get("skipped", False) is not False:  # what was registered by a skipped task
        return []
    flags = rest[0] if rest else options
    keys = path.split(".")
    pairs = subelements(items.values() if isinstance(items, Mapping) else items, path,
                        skip_missing=bool(flags.get("skip_missing", False)))
    return [[_without(item, keys), element] for item, element in pairs]


def _called(value: Value) -> str:
    return f"{reprlib.repr(value)} is of type {type(value).__name__}"


def _without(item: Mapping[Value, Value], keys: list[Value]) -> dict[Value, Value]:
    first, *rest = keys
    kept = {key: value for key, value in item.items() if rest or key != first}
    return {**kept, first: _without(item[first], rest)} if rest else kept


def subelements(items: Iterable[Value], path: Value, *, skip_missing: bool) -> list[Value]:
    """Each item with each element of the list at `path` (dotted, or a list of keys) inside it.

    >>> subelements([{"n": "a", "k": [1, 2]}], "k", skip_missing=False)
    [[{'n': 'a', 'k': [1, 2]}, 1], [{'n': 'a', 'k': [1, 2]}, 2]]
    """
    keys = path.split(".") if isinstance(path, str) else list(path)
    pairs: list[Value] = []
    for item in items:
        if isinstance(item, Mapping) and item.get("skipped", False) is not False:
            continue
        inner = _at(item, keys, skip_missing)
        if inner is None:
            continue
        if not isinstance(inner, (list, tuple)):
            raise TemplateError(f"the key {'.'.join(map(str, keys))} should point to a list: {_called(inner)}")
        pairs.extend([item, element] for element in inner)
    return pairs


def _at(item: Value, keys: list[Value], skip_missing: bool) -> Value:
    """None where a key is missing and that is fine."""
    inner = item
    for key in keys:
        if not isinstance(inner, Mapping):
            if skip_missing:
                return None
            raise TemplateError(f"on the way to {'.'.join(map(str, keys))} each key should point to a dictionary: "
                                f"{_called(inner)}")
        if key not in inner:
            if skip_missing:
                return None
            raise TemplateError(f"could not find {key!r} key in iterated item {reprlib.repr(inner)}",
                                hint="set skip_missing: true to leave such items out")
        inner = inner[key]
    return inner
