"""Lookups: the pure ones are computed here, every other one is an effect; and the global functions.

`lookup('x', …)` gives one value (several are joined with commas), `query`/`q` always a list, and
`with_x:` the same list. What a lookup gives is data: braces in it are never rendered.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import translate
from typing import Any, TypeAlias

from jinja2.runtime import Context, Undefined
from jinja2.utils import Namespace, pass_context

from provisioner.diag import TemplateError, near
from provisioner.template import sequences
from provisioner.template.effects import OWN_LOOKUP, Effect, EffectFailed
from provisioner.template.guard import describe_type, first_mark, takes_marks
from provisioner.template.lazy import Variables, open_value, plain
from provisioner.template.marks import Absent, Missing, UndefinedSignal, UnknownMark, taint
from provisioner.values import Value

Options: TypeAlias = Mapping[str, Value]

#: What `undef()` says when it is given no words.
NO_VALUE = "Mandatory variable has not been overridden"
#: Lookups whose answer comes from the controller; `provisioner.effects` answers them.
EFFECT_LOOKUPS = frozenset({"config", "file", "template", "pipe", "first_found", "fileglob", "lines",
                            "password", "random_choice", "unvault", "ini", "csvfile", "url"})
#: Those of them that are asked anew wherever a template has them, however often.
_ANEW = frozenset({"lines", "password", "pipe", "random_choice"})


def scope_of(context: Context) -> Variables:
    scope: Variables = context.scope  # type: ignore[attr-defined]
    return scope


def run_lookup(context: Context, name: str, terms: Value, options: Options) -> list[Value]:
    """The list a lookup gives. `terms` that is no list counts as one term."""
    short = name.removeprefix("ansible.builtin.").removeprefix("community.general.")
    listed = list(terms) if isinstance(terms, (list, tuple)) else [terms]
    of_the_user = scope_of(context).templar.lookups
    if name.removeprefix("ansible.legacy.") in of_the_user:
        return _ask_own(context, name.removeprefix("ansible.legacy."), listed, options)
    if short in OWN:
        return OWN[short](context, listed, options)
    if short not in EFFECT_LOOKUPS:
        known = {*OWN, *EFFECT_LOOKUPS, *of_the_user}
        raise TemplateError(f"lookup plugin `{name}` not found", hint=near(short, known))
    return _ask(context, short, listed, options)


def _ask_own(context: Context, name: str, terms: list[Value], options: Options) -> list[Value]:
    """What a lookup of the user's own gives. It may look at all variables, and is told what is undefined."""
    scope = scope_of(context)
    pairs = tuple(sorted((key, _handed(value)) for key, value in options.items()))
    answer = scope.effects.ask(Effect(OWN_LOOKUP, (name, *map(_handed, terms)), pairs, scope.resolve("vars")))
    if isinstance(answer, Absent):
        answer.missing.refuse()
    return [open_value(item, scope, (None, name)) for item in answer]


def _handed(value: Value) -> Value:
    """As `plain`, with `Absent` where something is undefined."""
    if isinstance(value, Missing):
        return Absent(value)
    if isinstance(value, Mapping):
        return {plain(key): _handed(value[key]) for key in value}
    return [_handed(item) for item in value] if isinstance(value, (list, tuple)) else plain(value)


def _ask(context: Context, name: str, terms: list[Value], options: Options) -> list[Value]:
    scope = scope_of(context)
    given = {**options, "at": occurrence(context)} if name in _ANEW else options
    pairs = tuple(sorted((key, plain(value)) for key, value in given.items()))
    answer = scope.effects.ask(Effect(name, tuple(plain(terms)), pairs))
    if name != "template":
        return [open_value(item, scope, (None, name)) for item in answer]
    overrides = {key: value for key, value in options.items() if key.endswith(("_string", "_blocks"))}
    more = options.get("template_vars") or {}
    inner = scope.with_layer("template_vars", plain(more)) if more else scope
    values = [scope.templar.render_text(found["source"], inner, name=found["path"], overrides=overrides, native=True)
              for found in answer]
    return [taint(value) if found["decrypted"] else value for value, found in zip(values, answer, strict=True)]


def occurrence(context: Context) -> str:
    """Tells apart the questions of one rendering that have an answer each, though they are the same."""
    context.draws += 1  # type: ignore[attr-defined]
    return f"{context.origin}#{context.draws}"  # type: ignore[attr-defined]


# -- those made here -------------------------------------------------------------------------------------


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
    """
    >>> evaluate("query('items', [1, [2, 3]], 4)")
    [1, [2, 3], 4]
    """
    return flatten_once(terms)


def _list(context: Context, terms: list[Value], options: Options) -> list[Value]:
    """
    >>> evaluate("query('list', [1, [2]])")
    [[1, [2]]]
    """
    return terms


def _flattened(context: Context, terms: list[Value], options: Options) -> list[Value]:
    """
    >>> evaluate("query('flattened', [1, [2, [3]]])")
    [1, 2, 3]
    """
    return _flatten_all(terms)


def _indexed_items(context: Context, terms: list[Value], options: Options) -> list[Value]:
    """
    >>> evaluate("query('indexed_items', ['a', 'b'])")
    [[0, 'a'], [1, 'b']]
    """
    return [[index, item] for index, item in enumerate(flatten_once(terms))]


def _dict(context: Context, terms: list[Value], options: Options) -> list[Value]:
    """
    >>> evaluate("query('dict', {'a': 1})")
    [{'key': 'a', 'value': 1}]
    """
    pairs: list[Value] = []
    for term in terms:
        if not isinstance(term, Mapping):
            raise TemplateError(f"The 'dict' lookup plugin expects a dictionary, not {describe_type(term)}",
                                hint="for a list use `loop:`")
        pairs.extend({"key": key, "value": value} for key, value in term.items())
    return pairs


def _product(context: Context, terms: list[Value], options: Options) -> list[Value]:
    """
    >>> evaluate("query('nested', ['a', 'b'], [1, 2])")
    [['a', 1], ['a', 2], ['b', 1], ['b', 2]]
    """
    lists = [term if isinstance(term, (list, tuple)) else [term] for term in terms]
    return [_flatten_all(row) for row in itertools.product(*lists)] if lists else []


def _together(context: Context, terms: list[Value], options: Options) -> list[Value]:
    """
    >>> evaluate("query('together', ['a', 'b'], [1])")
    [['a', 1], ['b', None]]
    """
    if not terms:
        raise TemplateError("with_together requires at least one element in each list")
    return [list(row) for row in itertools.zip_longest(*terms)]


def _subelements(context: Context, terms: list[Value], options: Options) -> list[Value]:
    """
    >>> evaluate("query('subelements', [{'n': 'ann', 'keys': ['k1', 'k2']}], 'keys')")
    [[{'n': 'ann'}, 'k1'], [{'n': 'ann'}, 'k2']]
    """
    return sequences.subelements_of_terms(terms, options)


def _sequence(context: Context, terms: list[Value], options: Options) -> list[Value]:
    """
    >>> evaluate("query('sequence', 'start=1 end=3 format=web%02d')")
    ['web01', 'web02', 'web03']
    """
    if not terms and not options:
        return []
    return [number for term in terms or [""] for number in sequences.sequence(str(term), options)]


def _vars(context: Context, terms: list[Value], options: Options) -> list[Value]:
    """
    >>> evaluate("lookup('vars', 'port_' ~ site)", site="eu", port_eu=80), evaluate("lookup('vars', 'no', default=1)")
    (80, 1)
    """
    found = []
    for term in terms:
        if not isinstance(term, str):
            raise TemplateError(f"Variable name must be 'str' not {type(term).__name__!r}")
        value = context.resolve(term)
        if isinstance(value, Undefined) and "default" in options:
            value = options["default"]
        elif isinstance(value, Missing) and term not in (known := scope_of(context).names()):
            raise TemplateError(f"No variable named {term!r} was found", hint=near(term, known))
        if isinstance(value, Missing):
            value.refuse()
        found.append(value)
    return found


def _varnames(context: Context, terms: list[Value], options: Options) -> list[Value]:
    """
    >>> evaluate("query('varnames', '^port_')", port_shop=80, port_blog=81, host="web1")
    ['port_blog', 'port_shop']
    """
    patterns = [_pattern(term) for term in terms]
    names = sorted(scope_of(context).names())
    return [name for pattern in patterns for name in names if pattern.search(name)]


def _pattern(term: Value) -> re.Pattern[str]:
    if not isinstance(term, str):
        raise TemplateError(f"Invalid setting identifier, {term!r} is not a string but {type(term).__name__}")
    try:
        return re.compile(term)
    except re.error as error:
        raise TemplateError(f"Unable to use {term!r} as a search parameter: {error}") from None


def _inventory_hostnames(context: Context, terms: list[Value], options: Options) -> list[Value]:
    """Hosts of groups: `web:&prod:!db`, and `all`; names that are no group are hosts. Also `db*` and `~db[0-9]+`.

    >>> evaluate("query('inventory_hostnames', 'web:!w2')", groups={"all": ["w1", "w2", "d1"], "web": ["w1", "w2"]})
    ['w1']
    """
    groups = context.resolve("groups")
    known = [*groups["all"]]

    def members(name: str) -> list[Value]:
        if name in groups:
            return list(groups[name])
        if name.startswith("~"):
            matches = re.compile(name[1:]).match
        elif any(mark in name for mark in "*?["):
            matches = re.compile(translate(name)).match
        else:
            return [name] if name in known else []
        of_groups = [host for group in groups if matches(group) for host in groups[group]]
        return [*of_groups, *(host for host in known if matches(host))]

    parts = [part for term in terms for part in re.split(r"[:,]", str(term)) if part]
    found = [host for part in parts if part[0] not in "&!" for host in members(part)]
    for part in parts:
        if part[0] in "&!":
            named = members(part[1:])
            found = [host for host in found if (host in named) is (part[0] == "&")]
    return list(dict.fromkeys(found))


def _env(context: Context, terms: list[Value], options: Options) -> list[Value]:
    """Variables of the controller's environment; the default is looked at only for one that is not set.

    >>> evaluate("lookup('env', 'NOT_SET_ANYWHERE', default='none')")
    'none'
    """
    scope = scope_of(context)
    answer = scope.effects.ask(Effect("env", tuple(plain(terms))))
    return [_unset(name, options) if text is None else open_value(text, scope, (None, "env"))
            for name, text in zip(terms, answer, strict=True)]


def _unset(name: Value, options: Options) -> Value:
    default = options.get("default", "")
    if isinstance(default, Missing) and default.hint == NO_VALUE:
        return Missing(f"The environment variable {name!r} is not set.")
    return default


OWN: Mapping[str, Callable[[Context, list[Value], Options], list[Value]]] = {
    "items": _items, "list": _list, "flattened": _flattened, "indexed_items": _indexed_items,
    "dict": _dict, "nested": _product, "cartesian": _product, "together": _together,
    "subelements": _subelements, "sequence": _sequence, "vars": _vars, "varnames": _varnames,
    "inventory_hostnames": _inventory_hostnames, "env": _env,
}


# -- functions that templates call ---------------------------------------------------------------------------


@takes_marks
@pass_context
def _query(context: Context, name: str, /, *terms: Value, errors: str = "strict",
           **options: Value) -> list[Value] | UnknownMark | Missing:
    """All results as a list. Of what is undefined among the arguments the result is undefined as well.

    >>> evaluate("query('items', 'a')"), evaluate("query('items', nothing) | default('no')")
    (['a'], 'no')
    """
    if (mark := first_mark((name, errors))) is not None:
        return mark
    own = name.removeprefix("ansible.legacy.") in scope_of(context).templar.lookups
    if not own and name.rpartition(".")[2] != "env" and (mark := first_mark((*terms, *options.values()))) is not None:
        return mark
    flat = flatten_once(terms) if name.rpartition(".")[2] in _SPREAD else list(terms)
    try:
        return run_lookup(context, name, flat, options)
    except UndefinedSignal as signal:
        return signal.missing
    except EffectFailed:
        if errors == "strict":
            raise
        return []


#: `lookup('env', ['A', 'B'])` means two terms; for the others a list is one term.
_SPREAD = EFFECT_LOOKUPS | {"env", "vars", "varnames"}


@takes_marks
@pass_context
def _lookup(context: Context, name: str, /, *terms: Value, wantlist: bool = False, errors: str = "strict",
            **options: Value) -> Value:
    """One result as it is, texts with commas between them, and no result as an empty list.

    >>> evaluate("lookup('items', ['a', 'b'])"), evaluate("lookup('items', ['a'])"), evaluate("lookup('items', [])")
    ('a,b', 'a', [])
    """
    try:
        found = _query(context, name, *terms, **options)
    except EffectFailed:
        if errors == "strict":
            raise
        return [] if wantlist else None
    if wantlist or not isinstance(found, list):
        return found
    if len(found) == 1:
        return found[0]
    return ",".join(found) if found and all(isinstance(item, str) for item in found) else found


@pass_context
def _now(context: Context, /, utc: bool = False, fmt: str | None = None) -> Value:
    """The time of the attempt as a `datetime`, or as text by `fmt`.

    >>> evaluate("now(utc=true, fmt='%Y') | int > 2020")
    True
    """
    moment: Any = scope_of(context).effects.ask(Effect("now", (bool(utc),)))
    return moment.strftime(fmt) if fmt else moment


def _undef(hint: str = "") -> Missing:
    """
    >>> evaluate("undef('say where') | default('nowhere')")
    'nowhere'
    """
    return Missing(hint or NO_VALUE)


GLOBALS: Mapping[str, Any] = {
    "lookup": _lookup, "query": _query, "q": _query, "now": _now, "undef": _undef,
    "dict": dict, "namespace": Namespace,
}
