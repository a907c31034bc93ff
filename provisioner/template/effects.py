"""What a template may ask of the world: lookups, the clock, random numbers.

A rendering is pure, so it never does these itself. It asks `scope.effects`; when the answer is not there
yet `NeedEffect` ends the rendering. The engine hands the effect to the driver, keeps the answer for this
task attempt, and renders again with it. Answers are plain data and never become templates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from provisioner.diag import TemplateError
from provisioner.template.marks import Absent, Signal
from provisioner.values import Value

#: The kind of an effect whose answer a lookup of the user's own gives; its first argument is that lookup's name.
OWN_LOOKUP = "own lookup"


def _frozen(value: Value) -> Any:
    if isinstance(value, Mapping):
        return ("{", *sorted((str(key), _frozen(item)) for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        return ("[", *map(_frozen, value))
    if isinstance(value, Absent):
        return ("undefined", value.name)
    return (type(value).__name__, value)


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """A question to the controller's world; equal questions have one answer within a task attempt.

    kind:   "env", "file", "pipe", "password" … (a lookup's name), "now", "random", "salt", "stat".
    args:   plain values, `Secret`s included.
    kwargs: as pairs sorted by name. `at` tells apart the random draws of one template.
    variables: what the answer may look at besides; tells no questions apart.
    """

    kind: str
    args: tuple[Value, ...] = ()
    kwargs: tuple[tuple[str, Value], ...] = ()
    variables: Mapping[str, Value] | None = field(default=None, repr=False)
    _key: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_key", (self.kind, _frozen(self.args), _frozen(dict(self.kwargs))))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Effect) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def changes_world(self) -> bool:
        """Whether answering may change something on the controller (must happen in order, and once)."""
        return self.kind in {"pipe", "password", OWN_LOOKUP}


    @property
    def sees_files(self) -> bool:
        """Whether the answer may depend on the controller's files (a task on this machine may have to come first)."""
        return self.kind not in {"env", "now", "random", "salt"}


@dataclass(frozen=True, slots=True)
class EffectFailure:
    """An answer that says the effect failed; `lookup(…, errors='ignore')` makes it None."""

    message: str


class NeedEffect(Signal):
    """The rendering needs this answer first. Not an error: render again once it is known."""

    def __init__(self, effect: Effect) -> None:
        super().__init__(effect.kind)
        self.effect = effect


class Effects(Protocol):
    """Where a rendering gets answers. Two implementations: `KnownEffects` and tests' own."""

    def ask(self, effect: Effect) -> Value:
        """The answer; raises `NeedEffect` when it is not known yet, `EffectFailed` when it failed."""
        ...


class EffectFailed(TemplateError):
    """A lookup could not be answered; the message is for the user."""


@dataclass(frozen=True, slots=True)
class KnownEffects:
    """Answers known so far; everything else is asked for."""

    answers: Mapping[Effect, Value] = field(default_factory=dict)

    def ask(self, effect: Effect) -> Value:
        try:
            answer = self.answers[effect]
        except KeyError:
            raise NeedEffect(effect) from None
        if isinstance(answer, EffectFailure):
            raise EffectFailed(answer.message)
        return answer
