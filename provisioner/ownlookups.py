"""Answers the lookups of the user's own: `lookup_plugins/NAME.py` with a class `LookupModule`, as Ansible takes them.

A lookup is the user's program and runs in this process. It is given its terms and options as plain data and may look at
all variables; what it makes of a secret is secret.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from provisioner.diag import ProvisionError, UndefinedVariable
from provisioner.lookupbase import Files
from provisioner.plugins import load_module
from provisioner.template.effects import Effect, EffectFailed, EffectFailure
from provisioner.template.lazy import LiveMapping, plain
from provisioner.template.marks import Absent, UndefinedSignal, holds_secret, taint
from provisioner.values import Secret, Unknown, Value, contains_unknown
from provisioner.vars.scope import ScopeView

Answer: TypeAlias = Callable[[Effect], Value]


@dataclass(slots=True)
class OwnLookups:
    """paths: by the lookup's name."""

    paths: Mapping[str, Path] = field(default_factory=dict)
    _loaded: dict[str, type[Any]] = field(default_factory=dict, repr=False)

    def answer(self, effect: Effect, search: Sequence[str], ask: Answer) -> Value:
        """The list that the lookup gives. ask: answers what the variables need that it looks at.

        Given something undefined, a lookup without `accept_args_markers` isn't asked: the answer is that
        `Absent`. One inside a list or a dictionary is handed on: using it fails.
        """
        name, *terms = effect.args
        unknown = contains_unknown([terms, dict(effect.kwargs)])
        if unknown is not None:
            return [unknown]
        secret = holds_secret([terms, dict(effect.kwargs)])
        seen: list[Value] = []
        variables = Looked(effect.variables or {}, AtOnce(ask), seen)
        try:
            made = self._class(str(name))
            undefined = [given for given in (*terms, *dict(effect.kwargs).values()) if isinstance(given, Absent)]
            if undefined and not made.accept_args_markers:
                return undefined[0]
            lookup = made(loader=Files(search))
            given = {key: opened(value) for key, value in effect.kwargs}
            found = plain(lookup.run(opened(terms), variables=variables, **given))
        except NotKnown as error:
            return [error.unknown]
        except Exception as error:
            told = error.message if isinstance(error, ProvisionError) else str(error) or type(error).__name__
            return EffectFailure(f"The lookup `{name}` failed" if secret else f"The lookup `{name}` failed: {told}")
        if not isinstance(found, list):
            return EffectFailure(f"The lookup `{name}` has to give a list, not {type(found).__name__}")
        return plain(taint(found)) if secret or holds_secret(seen) else found

    def _class(self, name: str) -> type[Any]:
        if name not in self._loaded:
            module = load_module(self.paths[name])
            made = getattr(module, "LookupModule", None)
            if made is None:
                raise ValueError(f"{self.paths[name]} has no class `LookupModule`")
            made.documentation = str(getattr(module, "DOCUMENTATION", ""))
            self._loaded[name] = made
        return self._loaded[name]


class NotKnown(Exception):
    """The lookup looked at a variable that check mode cannot know."""

    def __init__(self, unknown: Unknown) -> None:
        super().__init__(unknown.reason)
        self.unknown = unknown


@dataclass(frozen=True, slots=True)
class AtOnce:
    """Effects that are answered where they are asked for: a lookup can't be run anew for each until all are known."""

    answer: Answer

    def ask(self, effect: Effect) -> Value:
        given = self.answer(effect)
        if isinstance(given, EffectFailure):
            raise EffectFailed(given.message)
        return given


class Looked(Mapping[str, Any]):
    """Variables as a lookup sees them: rendered when it looks at them, secrets as their text.

    seen: what it has looked at, for others to see whether a secret was among it.
    """

    def __init__(self, variables: Mapping[str, Value], effects: AtOnce, seen: list[Value]) -> None:
        self._variables = variables.with_effects(effects) if isinstance(variables, ScopeView) else variables
        self._effects, self._seen = effects, seen

    def __getitem__(self, name: str) -> Any:
        try:
            value = self._variables[name]
            if isinstance(value, LiveMapping):
                return Looked(value, self._effects, self._seen)
            value = plain(value)
        except UndefinedSignal as signal:
            missing = signal.missing
            raise missing.cause or UndefinedVariable(f"{missing.name!r} is undefined", name=missing.name) from None
        unknown = contains_unknown(value)
        if unknown is not None:
            raise NotKnown(unknown)
        self._seen.append(value)
        return opened(value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)


def opened(value: Value) -> Value:
    """`value` with the text of every secret in it."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {key: opened(item) for key, item in value.items()}
    return [opened(item) for item in value] if isinstance(value, (list, tuple)) else value
