"""Lookups: the pure ones are computed here, every other one is an effect; and the global functions.

`lookup('x', …)` gives one value (several are joined with commas), `query`/`q` always a list, and
`with_x:` the same list. What a lookup gives is data: braces in it are never rendered.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from jinja2.runtime import Context, Undefined
from jinja2.utils import Namespace, pass_context

from provisioner.diag import TemplateError, near
from provisioner.template.effects import Effect, EffectFailed
from provisioner.template.lazy import Variables, open_value, plain
from provisioner.template.marks import Missing, taint
from provisioner.values import Value

Options: TypeAlias = Mapping[str, Value]

#: Lookups whose answer comes from the controller; `provisioner.effects` answers them.
EFFECT_LOOKUPS = frozenset({"env", "file", "template", "pipe", "first_found", "fileglob", "lines",
                            "password", "random_choice", "unvault", "ini", "csvfile", "url"})


def scope_of(context: Context) -> Variables:
    scope: Variables = context.scope  # type: ignore[attr-defined]
    return scope


def run_lookup(context: Context, name: str, terms: Value, options: Options) -> list[Value]:
    """The list a lookup gives. `terms` that is no list counts as one term."""
    short = name.removeprefix("ansible.builtin.").removeprefix("community.general.")
    listed = list(terms) if isinstance(terms, (list, tuple)) else [terms]
    if short in _PURE:
        return _PURE[short](context, listed, options)
    if short not in EFFECT_LOOKUPS:
        raise TemplateError(f"Unknown lookup `{name}`", hint=near(short, {*_PURE, *EFFECT_LOOKUPS}))
    return _ask(context, short, listed, options)


def _ask(context: Context, name: str, terms: list[Value], options: Options) -> list[Value]:
    scope = scope_of(context)
    pairs = tuple(sorted((key, plain(value)) for key, value in options.items()))
    answer = scope.effects.ask(Effect(name, tuple(plain(terms)), pairs))
    if name != "template":
        return [open_value(item, scope, (None, name)) for item in answer]
    overrides = {key: value for key, value in options.items() if key.endswith(("_string", "_blocks"))}
    given = options.get("template_vars") or {}
    inner = scope.with_layer("template_vars", plain(given)) if given else scope
    texts = [scope.templar.render_text(found["source"], inner, name=found["path"], overrides=overrides)
             for found in answer]
    return [taint(text) if found["decrypted"] else text for text, found in zip(texts, answer, strict=True)]


# -- the pure ones ------------------------------------------------------------------------------------------


def flatten_once(terms: Iterable[Value]) -> list[Value]:
    """
    >>> flatten_once([1, [2, [3]]])
    [1, 2, [3]]
    """
    flat: list[Value] = []
    for term in terms:
        flat.extend(term) if isinstance(term, (list, tuple)) else flat.append(term)
    return flat


def _flatten_all(terms: Iterable[Value]) -> list[Value]:
    flat: list[Value] = []
    for term in terms:
        if isinstance(term, (list, tuple)):
            flat.extend(_flatten_all(term))
        elif term is not None:
            flat.append(term)
    return flat


def _items(context: Context, terms: list[Value], options: Options) -> list[Value]:
    return flatten_once(terms)


def _list(context: Context, terms: list[Value], options: Options) -> list[Value]:
    return terms


def _flattened(context: Context, terms: list[Value], options: Options) -> list[Value]:
    return _flatten_all(terms)


def _indexed_items(context: Context, terms: list[Value], options: Options) -> list[Value]:
    return [[index, item] for index, item in enumerate(flatten_once(terms))]


def _dict(context: Context, terms: list[Value], options: Options) -> list[Value]:
    pairs: list[Value] = []
    for term in terms:
        if not isinstance(term, Mapping):
            raise TemplateError("The lookup `dict` needs a dictionary", hint="for a list use `loop:`")
        pairs.extend({"key": key, "value": value} for key, value in term.items())
    return pairs


def _product(context: Context, terms: list[Value], options: Options) -> list[Value]:
    lists = [term if isinstance(term, (list, tuple)) else [term] for term in terms]
    return [_flatten_all(row) for row in itertools.product(*lists)] if lists else []


def _together(context: Context, terms: list[Value], options: Options) -> list[Value]:
    return [list(row) for row in itertools.zip_longest(*terms)]


def _subelements(context: Context, terms: list[Value], options: Options) -> list[Value]:
    if len(terms) < 2:
        raise TemplateError("The lookup `subelements` needs a list and the name of a key in its items")
    flags = terms[2] if len(terms) > 2 and isinstance(terms[2], Mapping) else options
    items = list(terms[0].values()) if isinstance(terms[0], Mapping) else terms[0]
    pairs = subelements(items, terms[1], skip_missing=bool(flags.get("skip_missing", False)))
    keys = _keys_of(terms[1])
    return [[_without(item, keys), element] for item, element in pairs]


def _keys_of(path: Value) -> list[Value]:
    return path.split(".") if isinstance(path, str) else list(path)


def _without(item: Mapping[Value, Value], keys: list[Value]) -> dict[Value, Value]:
    """A copy of the item that lacks what is at the path, as playbooks that show items expect it."""
    first, *rest = keys
    kept = {key: value for key, value in item.items() if rest or key != first}
    return {**kept, first: _without(item[first], rest)} if rest else kept


def subelements(items: Iterable[Value], path: Value, *, skip_missing: bool) -> list[Value]:
    """Each item with each element of the list at `path` (dotted, or a list of keys) inside it.

    >>> subelements([{"n": "a", "k": [1, 2]}], "k", skip_missing=False)
    [[{'n': 'a', 'k': [1, 2]}, 1], [{'n': 'a', 'k': [1, 2]}, 2]]
    """
    keys = _keys_of(path)
    pairs: list[Value] = []
    for item in items:
        inner = item
        for key in keys:
            if not isinstance(inner, Mapping) or key not in inner:
                inner = None
                break
            inner = inner[key]
        if inner is None and skip_missing:
            continue
        if not isinstance(inner, (list, tuple)):
            raise TemplateError(f"`subelements`: no list at `{'.'.join(map(str, keys))}` in an item",
                                hint="set skip_missing: true to leave such items out")
        pairs.extend([item, element] for element in inner)
    return pairs


_RANGE = re.compile(r"(?:(0?x?[0-9a-f]+)-)?(0?x?[0-9a-f]+)(?:/([+-]?0?x?[0-9a-f]+))?(?::(.+))?", re.IGNORECASE)


def _sequence(context: Context, terms: list[Value], options: Options) -> list[Value]:
    numbers: list[Value] = []
    for term in terms or [""]:
        numbers.extend(sequence(str(term), options))
    return numbers


def sequence(term: str, options: Options) -> list[str]:
    """
    >>> sequence("start=1 end=5 stride=2 format=web%02d", {})
    ['web01', 'web03', 'web05']
    >>> sequence("2-4:n%d", {})
    ['n2', 'n3', 'n4']
    >>> sequence("count=2", {})
    ['1', '2']
    """
    given: dict[str, Value] = dict(options)
    short = _RANGE.fullmatch(term.strip())
    if short:
        names = ("start", "end", "stride", "format")
        given |= {name: value for name, value in zip(names, short.groups(), strict=True) if value is not None}
    else:
        given |= dict(pair.split("=", 1) for pair in term.split() if "=" in pair)
    start, stride = _integer(given.get("start", 1)), _integer(given.get("stride", 1))
    if "count" in given:
        count = _integer(given["count"])
        end = start + (count - 1) * stride
        if not count:
            return []
    elif "end" in given:
        end = _integer(given["end"])
    else:
        raise TemplateError("`sequence` needs `end` or `count`")
    if stride == 0 or abs(end - start) // max(abs(stride), 1) > 100_000:
        raise TemplateError(f"`sequence` from {start} to {end} by {stride} has too many numbers")
    pattern = str(given.get("format", "%d"))
    return [pattern % number for number in range(start, end + (1 if stride > 0 else -1), stride)]


def _integer(value: Value) -> int:
    return value if isinstance(value, int) else int(str(value), 0 if "x" in str(value).lower() else 10)


def _vars(context: Context, terms: list[Value], options: Options) -> list[Value]:
    found = []
    for term in terms:
        value = context.resolve(str(term))
        if isinstance(value, Undefined) and "default" in options:
            value = options["default"]
        if isinstance(value, Missing):
            value.refuse()
        found.append(value)
    return found


def _varnames(context: Context, terms: list[Value], options: Options) -> list[Value]:
    patterns = [re.compile(str(term)) for term in terms]
    names = sorted(scope_of(context).names())
    return [name for pattern in patterns for name in names if pattern.search(name)]


def _inventory_hostnames(context: Context, terms: list[Value], options: Options) -> list[Value]:
    """Hosts of groups: `web:&prod:!db`, and `all`; names that are no group are hosts."""
    groups = context.resolve("groups")
    known = [*groups["all"]]

    def members(name: str) -> list[Value]:
        return list(groups[name]) if name in groups else [name] if name in known else []

    parts = [part for term in terms for part in re.split(r"[:,]", str(term)) if part]
    found = [host for part in parts if part[0] not in "&!" for host in members(part)]
    for part in parts:
        if part[0] in "&!":
            named = members(part[1:])
            found = [host for host in found if (host in named) is (part[0] == "&")]
    return list(dict.fromkeys(found))


_PURE: Mapping[str, Callable[[Context, list[Value], Options], list[Value]]] = {
    "items": _items, "list": _list, "flattened": _flattened, "indexed_items": _indexed_items,
    "dict": _dict, "nested": _product, "cartesian": _product, "together": _together,
    "subelements": _subelements, "sequence": _sequence, "vars": _vars, "varnames": _varnames,
    "inventory_hostnames": _inventory_hostnames,
}


# -- functions that templates call ---------------------------------------------------------------------------


@pass_context
def _query(context: Context, name: str, /, *terms: Value, errors: str = "strict", **options: Value) -> list[Value]:
    flat = flatten_once(terms) if name.rpartition(".")[2] in _SPREAD else list(terms)
    try:
        return run_lookup(context, name, flat, options)
    except EffectFailed:
        if errors == "strict":
            raise
        return []


#: `lookup('env', ['A', 'B'])` means two terms; for the others a list is one term.
_SPREAD = EFFECT_LOOKUPS | {"vars", "varnames"}


@pass_context
def _lookup(context: Context, name: str, /, *terms: Value, wantlist: bool = False, **options: Value) -> Value:
    found = _query(context, name, *terms, **options)
    if wantlist:
        return found
    if len(found) == 1:
        return found[0]
    return ",".join(found) if all(isinstance(item, str) for item in found) else found


@pass_context
def _now(context: Context, /, utc: bool = False, fmt: str | None = None) -> Value:
    """The time of the attempt as a `datetime`, or as text by `fmt`."""
    moment: Any = scope_of(context).effects.ask(Effect("now", (bool(utc),)))
    return moment.strftime(fmt) if fmt else moment


def _undef(hint: str = "") -> Missing:
    return Missing(hint or "this has to be given a value")


GLOBALS: Mapping[str, Any] = {
    "lookup": _lookup, "query": _query, "q": _query, "now": _now, "undef": _undef,
    "dict": dict, "namespace": Namespace,
}
