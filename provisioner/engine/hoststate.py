"""What the engine knows of a host: what lasts for the run, and where it stands in the play at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from provisioner.engine.cursor import Cursor
from provisioner.engine.once import Ran
from provisioner.events import HostStats
from provisioner.values import HostName, Value


@dataclass(slots=True)
class Memory:
    """Of one host, for the whole run."""

    facts: dict[str, Any] = field(default_factory=dict)
    facts_version: int = 0
    included: dict[str, Value] = field(default_factory=dict)
    """By `include_vars` (precedence 18)."""
    variables: dict[str, Value] = field(default_factory=dict)
    """By `set_fact` and `register` (precedence 19)."""
    predicted: dict[str, dict[str, Mapping[str, Any]]] = field(default_factory=dict)
    """Check mode: what earlier tasks would have made."""
    unreachable: bool = False
    failed: bool = False
    round_trips: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    def learn_facts(self, facts: Mapping[str, Any]) -> None:
        if facts:
            self.facts = {**self.facts, **facts}
            self.facts_version += 1

    def forget_facts(self) -> None:
        self.facts = {}
        self.facts_version += 1

    def predict(self, predictions: Any) -> None:
        """Keep what a check-mode result says would exist: [[kind, name, attributes], …]."""
        for kind, name, attributes in predictions or ():
            self.predicted.setdefault(kind, {})[name] = attributes

    def stats(self) -> HostStats:
        return HostStats(**{name: self.counts.get(name, 0) for name in HostStats.__dataclass_fields__})


@dataclass(slots=True)
class Ahead:
    """What looking ahead may assume of a host: the effects of tasks that are planned but not done.

    Values known already (a `set_fact`, the result of a `debug`, a skip) are in `variables`; names in `pending`
    will be written by a task whose result is not there yet, so nobody may read them before.
    """

    cursor: Cursor
    included: dict[str, Value] = field(default_factory=dict)
    variables: dict[str, Value] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    pending: set[str] = field(default_factory=set)
    facts_pending: bool = False
    notified: dict[int, bool] = field(default_factory=dict)
    ran: Ran = field(default_factory=dict)
    running: Ran = field(default_factory=dict)
    """Roles that count as run if a planned task is not skipped."""

    @property
    def assumes_anything(self) -> bool:
        """Whether the host's variables, as others see them, are behind what is planned."""
        known = self.pending or self.variables or self.included or self.facts
        return bool(known) or self.facts_pending

    def learn(self, name: str, value: Value) -> None:
        self.variables[name] = value
        self.pending.discard(name)


@dataclass(slots=True)
class HostState:
    """Of one host, in one play."""

    host: HostName
    memory: Memory
    cursor: Cursor
    notified: dict[int, bool] = field(default_factory=dict)
    """Handler numbers; False when only a task of unknown outcome notified it (check mode)."""
    ran: Ran = field(default_factory=dict)
    """Roles that run once, and have."""
    ended: bool = False
    """Done with the play: at its end, failed, unreachable, or told so by `meta: end_host`."""
    failing: bool = False
    """Failed, and on its way through handlers because of `force_handlers`."""

    @property
    def active(self) -> bool:
        return not self.ended

    def look_ahead(self) -> Ahead:
        return Ahead(self.cursor, notified=dict(self.notified), ran=dict(self.ran))
