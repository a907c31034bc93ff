"""The hosts that go through a play together, and what they share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from provisioner.diag import Diagnostic, PlayError
from provisioner.engine import varsfiles
from provisioner.engine.cursor import Position
from provisioner.engine.handlers import HandlerTable
from provisioner.engine.hoststate import HostState, Memory
from provisioner.engine.planner import Cuts
from provisioner.engine.program import Program
from provisioner.engine.routines import Gate
from provisioner.engine.tags import TagSelection
from provisioner.engine.targets import ConnectionDefaults
from provisioner.events import Resource
from provisioner.lang.model import Play, Role
from provisioner.values import HostName, Value


class Hosts(Protocol):
    """What the engine needs of an inventory (`provisioner.inventory.model.Inventory` is the real one)."""

    @property
    def groups(self) -> Mapping[str, list[HostName]]: ...
    def hosts(self, pattern: str, limit: str | None = None) -> list[HostName]: ...
    def unmatched(self, pattern: str) -> tuple[Diagnostic, ...]: ...
    def groups_of(self, host: HostName) -> list[str]: ...
    def host_layers(self, host: HostName) -> list[tuple[str, Mapping[str, Value]]]: ...
    def has(self, host: HostName) -> bool: ...
    def add_host(self, name: HostName, groups: list[str], variables: Mapping[str, Any]) -> bool: ...
    def add_to_group(self, group: str, host: HostName, parents: list[str]) -> bool: ...
    def refresh(self, found: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class InventoryPlace:
    """Where the inventory is, for magic variables; file: None if it is a directory."""

    sources: tuple[str, ...] = ()
    directory: str | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says about the whole run."""

    check: bool = False
    fixes: frozenset[tuple[HostName, Resource]] = frozenset()
    """In check mode: what is done for real all the same, and the handlers that it notifies."""
    diff: bool = False
    limit: str | None = None
    tags: TagSelection = TagSelection()
    extra_vars: Mapping[str, Value] = field(default_factory=dict)
    connection: ConnectionDefaults = ConnectionDefaults()
    strategy: str | None = None
    """Of plays that name none."""
    gathering: str = "implicit"
    """`implicit`: facts are gathered unless a play says no; `explicit`: only where it says yes; `smart`: of hosts
    whose facts are not known."""
    poll_interval: float | None = None
    start_at_task: str | None = None
    """Leave out everything before the first task that is called like this."""
    step: bool = False
    """Ask before each task."""
    force_handlers: bool = False
    """Of plays that say nothing about it."""
    missing_handlers_allowed: bool = False
    """A task may notify what no handler is called."""
    managed: str = ""
    """What `ansible_managed` says in templates, as the setting of that name has it."""
    resource_key: bytes = b""
    """Key of the hashes in `events.Resource`; without one there are none."""
    verbosity: int = 0
    version: str = ""
    cwd: str = "/"
    """Where relative paths of the command line begin."""
    python: str = ""
    """The interpreter that runs this program."""
    inventory: InventoryPlace = InventoryPlace()
    merge_variables: bool = False
    """Dictionaries of one name are joined, whatever levels of precedence they are at."""
    cuts: Cuts = Cuts()


@dataclass(slots=True)
class World:
    """Everything that lasts for the whole run."""

    inventory: Hosts
    options: Options
    memories: dict[HostName, Memory] = field(default_factory=dict)
    started: bool = False
    """Whether the task of `start_at_task` was met."""
    unasked: bool = False
    """Somebody said, before a task, that all others shall run too."""
    _numbers: int = 0

    def memory(self, host: HostName) -> Memory:
        known = self.memories.get(host)
        if known is None:
            known = self.memories[host] = Memory()
        return known

    def number(self) -> int:
        """A number that was not given before in this run."""
        self._numbers += 1
        return self._numbers


@dataclass(slots=True)
class Batch:
    """One pass through a play: all its hosts, or one slice of them under `serial`."""

    play: Play
    world: World
    number: int
    play_name: str
    play_hosts: tuple[HostName, ...]
    """The hosts that the play began with."""
    matched: tuple[HostName, ...] = ()
    """Those and what its pattern means besides: hosts that earlier plays lost (`ansible_play_hosts_all`)."""
    states: dict[HostName, HostState] = field(default_factory=dict)
    handlers: HandlerTable = field(default_factory=HandlerTable)
    vars_files: tuple[varsfiles.Entry, ...] = ()
    prompted: Mapping[str, Value] = field(default_factory=dict)
    """What somebody typed for `vars_prompt`."""
    roles: list[Role] = field(default_factory=list)
    """Roles whose defaults and vars every task sees; grows with public includes."""
    answers: dict[tuple[HostName, Position], dict[Any, Value]] = field(default_factory=dict)
    programs: dict[str, Program | Exception] = field(default_factory=dict)
    """What dynamic includes brought in, by include and arguments; an error where loading failed."""
    orders: dict[Position, dict[tuple[str, str], int]] = field(default_factory=dict)
    """At each include, in which order its files and items were first met."""

    gates: dict[Position, Gate] = field(default_factory=dict)
    """Of tasks with `throttle`: how many hosts do them now."""
    apart: bool = False
    """Every host goes its own way (`free`): there is no task that they do together."""
    warned_of: set[str] = field(default_factory=set)
    """What was told once and need not be told again."""
    force_handlers: bool = False
    left: set[HostName] = field(default_factory=set)
    """Hosts that `meta: end_host` took out of the play."""
    ends_play: bool = False
    mistake: PlayError | None = None
    """Of the playbook, found while a plan was carried out: ends the run when that is told."""
    """`meta: end_play` was met: no further batch of this play."""

    def active(self) -> Iterator[HostState]:
        return (state for state in self.states.values() if state.active)

    def forget_answers(self, host: HostName, position: Position) -> None:
        """The task is done; the next time it comes up its effects are asked for anew."""
        self.answers.pop((host, position), None)
