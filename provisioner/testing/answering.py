"""Hosts that answer with what a function says, for tests of work that drives several hosts together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provisioner.actions.base import Driving
from provisioner.messages import Target
from provisioner.values import HostName

Answer = Callable[[HostName, str, Mapping[str, Any]], Mapping[str, Any]]
"""(host, module, arguments) -> the raw result; may raise what a lost connection raises."""


@dataclass(slots=True)
class AnsweringHost:
    """An `actions.base.Driving`. asked: every call that was made, in order; steps: what was shown."""

    host: HostName
    answer: Answer
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    args: Mapping[str, Any] = field(default_factory=dict)
    check: bool = False
    diff: bool = False
    become: None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    search: tuple[str, ...] = ()
    timeout: float | None = None
    cache_dir: str = ""
    state_dir: str = ""

    @property
    def target(self) -> Target:
        return Target(self.host)

    def on_controller(self) -> Driving:
        return self

    def on_host(self, name: str) -> Driving | None:
        return None

    def call(self, module: str, args: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        self.asked.append((module, args))
        return dict(self.answer(self.host, module, args))

    def step(self, name: str, result: Mapping[str, Any], *, ms: float = 0.0) -> None:
        self.steps.append(name)

    def progress(self, text: str) -> None:
        """For the live area, which is not there."""

    def warn(self, message: str) -> None:
        self.steps.append(f"warning: {message}")


def answering(names: Sequence[str], answer: Answer) -> list[AnsweringHost]:
    return [AnsweringHost(HostName(name), answer) for name in names]


def calls(hosts: Sequence[AnsweringHost]) -> Sequence[Driving]:
    """As what the work is given."""
    return hosts
