"""Lists as sets, and lists put together. Order is that of the first list; items need not be hashable."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from provisioner.diag import TemplateError
from provisioner.template.sequences import subelements as pairs_of_subelements
from provisioner.values import Value


def _contains(items: Sequence[Value], wanted: Value) -> bool:
    return any(item == wanted for item in items)


def unique(items: Iterable[Value], case_sensitive: bool | None = None, attribute: str | None = None) -> list[Value]:
    """Texts that differ in case only count as the same, unless `case_sensitive` is set or there are lists or
    dictionaries among the items: these are compared as they are.

    >>> unique([3, 1, 3, "a", "A"]), unique(["a", "A"], case_sensitive=True)
    ([3, 1, 'a'], ['a', 'A'])
    >>> unique([{"a": 1}, {"a": 1}, "a", "A"])
    [{'a': 1}, 'a', 'A']
    """
    listed = list(items)
    try:
        return _first_of_each(listed, bool(case_sensitive), attribute)
    except TypeError:
        if case_sensitive is False or attribute:
            raise ValueError("it cannot fall back to comparing lists or dictionaries with `case_sensitive: false` "
                             "or `attribute`") from None
    kept: list[Value] = []
    for item in listed:
        if not _contains(kept, item):
            kept.append(item)
    return kept


def _first_of_each(items: list[Value], case_sensitive: bool, attribute: str | None) -> list[Value]:
    """`TypeError` for items without a hash."""
    first: dict[Any, Value] = {}
    for item in items:
        key = item
        for part in attribute.split(".") if attribute else ():
            key = key[part]
        first.setdefault(key.lower() if isinstance(key, str) and not case_sensitive else key, item)
    return list(first.values())


def _listed(items: Value) -> list[Value]:
    if isinstance(items, (str, Mapping)) or not isinstance(items, Iterable):
        raise TypeError(f"needs lists, not {type(items).__name__}")
    return list(items)


def union(left: Value, right: Value) -> list[Value]:
    """
    >>> union([1, 2], [2, 3])
    [1, 2, 3]
    """
    return unique(_listed(left) + _listed(right), case_sensitive=True)


def intersect(left: Value, right: Value) -> list[Value]:
    """
    >>> intersect([1, 2, 2], [2, 3])
    [2]
    """
    others = _listed(right)
    return [item for item in unique(_listed(left), case_sensitive=True) if _contains(others, item)]


def difference(left: Value, right: Value) -> list[Value]:
    """
    >>> difference([1, 2, 3], [2])
    [1, 3]
    """
    others = _listed(right)
    return [item for item in unique(_listed(left), case_sensitive=True) if not _contains(others, item)]


def symmetric_difference(left: Value, right: Value) -> list[Value]:
    """
    >>> symmetric_difference([1, 2], [2, 3])
    [1, 3]
    """
    return difference(left, right) + difference(right, left)


def flatten(items: Value, levels: int | None = None, skip_nulls: bool = True) -> list[Value]:
    """
    >>> flatten([1, [2, [3, None]]])
    [1, 2, 3]
    >>> flatten([1, [2, [3]]], levels=1)
    [1, 2, [3]]
    """
    flat: list[Value] = []
    for item in _listed(items):
        if skip_nulls and item in (None, "None", "null"):
            continue
        if isinstance(item, (list, tuple)) and levels != 0:
            flat.extend(flatten(item, None if levels is None else levels - 1, skip_nulls))
        else:
            flat.append(item)
    return flat


def zipped(first: Value, *others: Value, strict: bool = False) -> list[Value]:
    """
    >>> zipped([1, 2], ["a", "b"])
    [[1, 'a'], [2, 'b']]
    """
    return [list(row) for row in zip(first, *others, strict=strict)]


def zip_longest(first: Value, *others: Value, fillvalue: Value = None) -> list[Value]:
    """
    >>> zip_longest([1, 2], ["a"], fillvalue="-")
    [[1, 'a'], [2, '-']]
    """
    return [list(row) for row in itertools.zip_longest(first, *others, fillvalue=fillvalue)]


def product(first: Value, *others: Value, repeat: int = 1) -> list[Value]:
    """
    >>> product([1, 2], ["a"])
    [[1, 'a'], [2, 'a']]
    """
    return _bounded("product", itertools.product(first, *others, repeat=repeat))


def permutations(items: Value, length: int | None = None) -> list[Value]:
    """
    >>> permutations([1, 2])
    [[1, 2], [2, 1]]
    """
    return _bounded("permutations", itertools.permutations(items, length))


def combinations(items: Value, length: int) -> list[Value]:
    """
    >>> combinations([1, 2, 3], 2)
    [[1, 2], [1, 3], [2, 3]]
    """
    return _bounded("combinations", itertools.combinations(items, length))


def _bounded(name: str, rows: Iterable[Iterable[Value]]) -> list[Value]:
    """At most a million rows: more would take all memory before anybody could stop it."""
    taken = [list(row) for row in itertools.islice(rows, 1_000_001)]
    if len(taken) > 1_000_000:
        raise TemplateError(f"The filter `{name}` gives more than a million combinations")
    return taken


def subelements(items: Value, path: Value, skip_missing: bool = False) -> list[Value]:
    """
    >>> subelements([{"n": "a", "k": [1]}], "k")
    [({'n': 'a', 'k': [1]}, 1)]
    """
    if not isinstance(items, (Mapping, list, tuple)):
        raise TypeError("obj must be a list of dicts or a nested dict")
    if not isinstance(path, (str, list, tuple)):
        raise TypeError("subelements must be a list or a string")
    listed = list(items.values()) if isinstance(items, Mapping) else items
    return list(map(tuple, pairs_of_subelements(listed, path, skip_missing=skip_missing)))


def powerset(items: Value) -> list[Value]:
    """
    >>> powerset([1, 2])
    [[], [1], [2], [1, 2]]
    """
    listed = list(items)
    sizes = (itertools.combinations(listed, size) for size in range(len(listed) + 1))
    return _bounded("powerset", itertools.chain.from_iterable(sizes))


FILTERS: Mapping[str, Callable[..., Any]] = {
    "unique": unique, "union": union, "intersect": intersect, "difference": difference,
    "symmetric_difference": symmetric_difference, "flatten": flatten, "zip": zipped, "zip_longest": zip_longest,
    "product": product, "permutations": permutations, "combinations": combinations, "subelements": subelements,
    "powerset": powerset,
}
