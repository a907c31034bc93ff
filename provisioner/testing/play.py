"""Runs a playbook through the real loader, templates and engine against hosts made of Python functions.

    result = play('''
    - hosts: all
      gather_facts: false
      tasks:
        - yum: {name: a}
          register: r
    ''', hosts=["h1"], modules={"yum": lambda host, args: {"changed": True}}, directory=tmp_path)
    result.history["h1"]   # [("yum", {"name": "a"})]
    result.statuses("h1")  # ["changed"]

The functions stand for remote modules: they get the host's name and the arguments and give the raw result.
Hosts follow the wire's rules (`group`, `last`, `stop`). With `shuffle` the order in which hosts get on is
drawn from a seed, as a network would.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provisioner.actions.registry import RETURNS_FACTS
from provisioner.answers import load_include
from provisioner.engine.batch import Options, World
from provisioner.engine.engine import Engine
from provisioner.engine.includes import LoadInclude
from provisioner.engine.modules import ModuleInfo, Modules
from provisioner.events import Event, ItemResult, TaskResult
from provisioner.inventory.model import Inventory
from provisioner.lang.load import Loader
from provisioner.lang.model import Playbook
from provisioner.messages import (
    ActionEnded,
    Answered,
    Ask,
    Become,
    CallBegan,
    CallEnded,
    Command,
    Emit,
    Fail,
    Finish,
    Input,
    RunAction,
    RunSegment,
    SegmentEnded,
    SegmentLost,
)
from provisioner.template.templar import Templar
from provisioner.values import HostName

ModuleFunction = Callable[[str, dict[str, Any]], Mapping[str, Any]]


class Unreachable(Exception):
    """Raised by a module function: the connection is lost."""


class Refused(Exception):
    """Raised by a module function: the host does not let this user do it (no sudo, no Python)."""


@dataclass(frozen=True, slots=True)
class FunctionModules:
    """Modules that are functions, beside the controller's own actions."""

    functions: Mapping[str, ModuleFunction]
    actions: Modules | None = None

    def get(self, name: str) -> ModuleInfo | None:
        if name in self.functions:
            return ModuleInfo(name, None, facts=name in RETURNS_FACTS)
        return self.actions.get(name) if self.actions else None


@dataclass(slots=True)
class Played:
    events: list[Event] = field(default_factory=list)
    history: dict[str, list[tuple[str, dict[str, Any]]]] = field(default_factory=dict)
    """What each machine was made to do, in order: (module, arguments)."""
    segments: int = 0
    world: World | None = None
    finish: Finish | None = None

    def results(self, host: str) -> list[TaskResult]:
        return [event for event in self.events if isinstance(event, TaskResult) and event.host == host]

    def items(self, host: str) -> list[ItemResult]:
        return [event for event in self.events if isinstance(event, ItemResult) and event.host == host]

    def statuses(self, host: str) -> list[str]:
        return [event.status for event in self.results(host)]

    def variables(self, host: str) -> dict[str, Any]:
        assert self.world is not None
        return self.world.memory(HostName(host)).variables

    def counts(self, host: str) -> dict[str, int]:
        assert self.world is not None
        return self.world.memory(HostName(host)).counts


@dataclass(slots=True)
class _Running:
    """A segment on its way through a fake host."""

    command: RunSegment
    at: int = 0
    failed: bool = False
    stopped: bool = False


@dataclass(slots=True)
class FakeDriver:
    """Carries out commands with Python functions. One call a turn, so that hosts interleave."""

    engine: Engine
    functions: Mapping[str, ModuleFunction]
    loader: Loader
    answers: Callable[[Any], Any] | None = None
    rng: random.Random | None = None
    played: Played = field(default_factory=Played)
    _queue: list[Input] = field(default_factory=list)
    _running: list[_Running] = field(default_factory=list)

    def run(self) -> Played:
        self._take(self.engine.start())
        while self.played.finish is None:
            if self._queue:
                self._take(self.engine.feed(self._queue.pop(0)))
            elif self._running:
                ready = self._ready()
                self._turn(self.rng.choice(ready) if self.rng else ready[0])
            else:
                raise AssertionError("the engine waits for nothing: it would hang")
        return self.played

    def _ready(self) -> list[_Running]:
        """The first segment of every machine: a session does one after the other."""
        first: dict[HostName, _Running] = {}
        for running in self._running:
            first.setdefault(running.command.target.host, running)
        return list(first.values())

    def _take(self, commands: Sequence[Command]) -> None:
        for command in commands:
            match command:
                case Emit():
                    self.played.events.append(command.event)
                case RunSegment():
                    self.played.segments += 1
                    self._running.append(_Running(command))
                case Ask():
                    self._queue.append(self._answer(command))
                case RunAction():
                    self._queue.append(self._action(command))
                case Finish():
                    self.played.finish = command
                case Fail():
                    raise command.error

    def _turn(self, running: _Running) -> None:
        command = running.command
        segment = command.segment
        if running.at >= len(segment.calls) or running.stopped:
            self._running.remove(running)
            self._queue.append(SegmentEnded(command.host, segment.id))
            return
        call = segment.calls[running.at]
        running.at += 1
        machine = command.target.host
        self._queue.append(CallBegan(command.host, segment.id, call.id))
        try:
            result = self.call(machine, call.module, dict(call.args), segment.become)
        except (Unreachable, Refused) as lost:
            self._running.remove(running)
            self._queue.append(SegmentLost(command.host, segment.id, str(lost) or "lost",
                                           unreachable=isinstance(lost, Unreachable)))
            return
        self._queue.append(CallEnded(command.host, segment.id, call.id, result, 1.0))
        running.failed = running.failed or bool(result.get("failed"))
        if call.last:
            running.stopped = running.failed and call.stop
            running.failed = False

    def call(self, machine: str, module: str, args: dict[str, Any], become: Become | None) -> Mapping[str, Any]:
        """One module on one machine; tests that care for the user override it."""
        self.played.history.setdefault(machine, []).append((module, args))
        return self.functions[module](machine, args)

    def _action(self, command: RunAction) -> ActionEnded:
        results = {share.host: self.call(share.target.host, command.action, dict(share.args), share.become)
                   for share in command.hosts}
        return ActionEnded(command.id, results)

    def _answer(self, command: Ask) -> Answered:
        effect = command.effect
        try:
            if isinstance(effect, LoadInclude):
                return Answered(command.id, load_include(self.loader, effect))
            if effect.kind == "sleep":
                return Answered(command.id, None)
            if self.answers is None:
                raise LookupError(f"no answer for {effect}")
            return Answered(command.id, self.answers(effect))
        except Exception as error:  # whatever it is, the engine must be told; tests look at what it makes of it
            return Answered(command.id, error=error)


def play(text: str, *, hosts: Sequence[str] | Mapping[str, Mapping[str, Any]], modules: Mapping[str, ModuleFunction],
         directory: Path, options: Options | None = None, actions: Modules | None = None,
         answers: Callable[[Any], Any] | None = None, shuffle: int | None = None) -> Played:
    """Write `text` as `site.yml` into `directory` and run it on fake hosts."""
    file = directory / "site.yml"
    file.write_text(text)
    loader = Loader()
    playbook, _ = loader.playbook(str(file))
    return run_playbook(playbook, loader, hosts=hosts, modules=modules, options=options, actions=actions,
                        answers=answers, shuffle=shuffle)


def run_playbook(playbook: Playbook, loader: Loader, *, hosts: Sequence[str] | Mapping[str, Mapping[str, Any]],
                 modules: Mapping[str, ModuleFunction], options: Options | None = None,
                 actions: Modules | None = None, answers: Callable[[Any], Any] | None = None,
                 shuffle: int | None = None) -> Played:
    inventory = Inventory()
    for host in hosts:
        variables = hosts[host] if isinstance(hosts, Mapping) else {}
        inventory.add_host(HostName(host), [], variables)
    world = World(inventory, options or Options())
    engine = Engine([playbook], world, Templar(), FunctionModules(modules, actions))
    rng = random.Random(shuffle) if shuffle is not None else None  # noqa: S311 - an order, not a secret
    driver = FakeDriver(engine, modules, loader, answers, rng)
    played = driver.run()
    played.world = world
    return played
