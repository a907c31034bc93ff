"""`Scope`: all variables one host sees for one task, looked up lazily through layers.

    scope = Scope(templar, [("task vars", {...}), ("play vars", {...})])     # highest precedence first
    scope.get("app")                        # rendered plain data; KeyError when there is none
    item = scope.with_layer("loop", {"item": 3})
    scope.reads(Template("{{ url }}"))      # Names: every variable that rendering may touch
    scope.with_effects(KnownEffects(answers))

A value is rendered when it is used, once per scope. The mappings given as layers, and the values in them,
must not be changed afterwards: make new ones instead (scopes remember what they found in them).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from provisioner.template.effects import Effects, KnownEffects
from provisioner.template.lazy import Label, LiveMapping, open_value, plain
from provisioner.template.marks import UndefinedSignal, UnknownSignal
from provisioner.template.names import NOTHING, Names
from provisioner.template.templar import Templar
from provisioner.values import Condition, Inheriting, Template, Trusted, Unknown, Value, joined

Layer: TypeAlias = tuple[str, Mapping[str, Value]]

_LEAVES = frozenset({str, Trusted, int, float, bool, type(None)})
_NO_ANSWERS = KnownEffects()

#: Labels (`precedence.LEVELS`) of layers that hold what hosts and modules said: never templates, and too
#: big to search for some before each task.
DATA_LABELS = frozenset({"facts", "set_fact or register"})


#: Labels of layers whose dictionaries are never joined with lower ones.
WHOLE_LABELS = frozenset({"loop", "magic variables"})


def _with_lower(name: str, value: Value, lower: Sequence[Layer]) -> Value:
    for _, variables in lower:
        if name in variables:
            below = variables[name]
            if not (isinstance(value, Mapping) and isinstance(below, Mapping)):
                break
            value = joined(below, value, merge=True)
    return value


class Scope:
    """Variables by name. `layers` is public for `vars.explain`; treat everything as read-only."""

    __slots__ = ("_below", "_found", "_merge", "_opened", "_reads", "_upper", "busy", "effects", "layers", "templar")

    def __init__(self, templar: Templar, layers: Sequence[Layer], effects: Effects = _NO_ANSWERS, *,
                 merge: bool = False) -> None:
        """merge: a dictionary is joined with those of the same name in lower layers."""
        self._merge = merge
        self.templar = templar
        self.layers: tuple[Layer, ...] = tuple(layers)
        self.effects = effects
        self.busy: list[tuple[Template, Label]] = []
        self._upper = self.layers
        self._below: Scope | None = None
        self._opened: dict[str, Value] = {}
        self._found: dict[str, tuple[str, Value]] = {}
        self._reads: dict[str, Names] = {}

    def __contains__(self, name: object) -> bool:
        return any(name in variables for _, variables in self.layers)

    def raw(self, name: str) -> Value:
        """The value as written, templates unrendered; KeyError when there is none."""
        return self._find(name)[1]

    def _find(self, name: str) -> tuple[str, Value]:
        """Label of the layer and raw value. Scopes made by `with_layer` share what the lower one found."""
        found = self._found.get(name)
        if found is not None:
            return found
        for position, (label, variables) in enumerate(self._upper):
            if name in variables:
                value = variables[name]
                if self._merge and label not in WHOLE_LABELS:
                    value = _with_lower(name, value, self._upper[position + 1:])
                found = (label, value)
                break
        else:
            if self._below is None:
                raise KeyError(name)
            found = self._below._find(name)
        self._found[name] = found
        return found

    def get(self, name: str) -> Value:
        """The rendered plain value. KeyError when there is none; `TemplateError` when it cannot be rendered."""
        try:
            return plain(self.resolve(name))
        except UnknownSignal as signal:
            return Unknown(signal.reason)
        except UndefinedSignal as signal:
            raise self.templar.undefined(signal, self) from None

    def resolve(self, name: str) -> Value:
        """For templates: the opened value (`template.lazy.open_value`), not made plain."""
        try:
            return self._opened[name]
        except KeyError:
            pass
        if name == "vars":
            value: Value = ScopeView(self)
        else:
            value = open_value(self.raw(name), self, (None, name))
        self._opened[name] = value
        return value

    def names(self) -> frozenset[str]:
        """All variable names."""
        return frozenset().union(*(variables.keys() for _, variables in self.layers))

    def with_layer(self, label: str, variables: Mapping[str, Value]) -> Scope:
        """A scope where `variables` win over everything else. Costs about a microsecond."""
        scope = Scope(self.templar, ((label, variables), *self.layers), self.effects)
        scope._upper, scope._below = scope.layers[:1], self
        return scope

    def with_effects(self, effects: Effects) -> Scope:
        """The same variables, rendered anew with other answers."""
        scope = Scope(self.templar, self.layers, effects)
        scope._upper, scope._below = (), self
        return scope

    def reads(self, value: Value) -> Names:
        """Every name that rendering `value` may touch, closed over the variables it mentions.

        `Names.variables` holds names that do not exist here too: a pending `register` may make them.
        `Names.dynamic` says that it may read anything, or other hosts.
        """
        direct = self._mentioned(value)
        if not direct.variables:
            return direct
        found, todo = direct, list(direct.variables)
        seen = set(todo)
        while todo:
            more = self._reads_of(todo.pop())
            if more is NOTHING:
                continue
            found = found | more
            fresh = more.variables - seen
            seen |= fresh
            todo.extend(fresh)
        return found

    def _reads_of(self, name: str) -> Names:
        """What the raw value of a variable mentions itself."""
        known = self._reads.get(name)
        if known is None:
            try:
                label, value = self._find(name)
                known = NOTHING if label in DATA_LABELS else self._mentioned(value)
            except KeyError:
                known = NOTHING
            self._reads[name] = known
        return known

    def _mentioned(self, value: Value) -> Names:
        kind = type(value)
        if kind in _LEAVES:
            return NOTHING
        if kind is Template or kind is Condition:
            return self.templar.names(value)
        if kind is Inheriting:
            return self._mentioned(value.own) | self._mentioned(value.outer)
        if isinstance(value, LiveMapping):
            return NOTHING
        found = NOTHING
        if isinstance(value, Mapping):
            for key, item in value.items():
                if type(item) not in _LEAVES:
                    found = found | self._mentioned(item)
                if type(key) is Template:
                    found = found | self.templar.names(key)
        elif isinstance(value, (list, tuple)):
            for item in value:
                if type(item) not in _LEAVES:
                    found = found | self._mentioned(item)
        return found


class ScopeView(LiveMapping):
    """A scope as the mapping `vars`, or as one host's entry of `hostvars`."""

    __slots__ = ("_hidden", "_scope")

    def __init__(self, scope: Scope, hidden: frozenset[str] = frozenset({"omit"})) -> None:
        """hidden: names that are not listed, though they are there."""
        self._scope = scope
        self._hidden = hidden

    def with_effects(self, effects: Effects) -> ScopeView:
        """The same variables, rendered anew with other answers."""
        return ScopeView(self._scope.with_effects(effects), self._hidden)

    def __getitem__(self, name: str) -> Value:
        return self._scope.resolve(name)

    def __contains__(self, name: object) -> bool:
        return name in self._scope

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._scope.names() - self._hidden))

    def __len__(self) -> int:
        return len(self._scope.names() - self._hidden)


def reads(value: Value, scope: Scope) -> Names:
    """`scope.reads(value)`."""
    return scope.reads(value)
