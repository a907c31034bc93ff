"""Lets the engine's logic be written as plain sequences although it is driven by inputs.

A routine is a generator: it yields commands, and `WAIT` when it needs the next input of what it asked for.
Inputs are handed to the routine that sent the command they answer. No threads, no clock: the same inputs in
the same order give the same commands.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Hashable
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias, TypeVar

from provisioner.diag import ProvisionError
from provisioner.messages import (
    ActionEnded,
    Answered,
    Ask,
    CallBegan,
    CallEnded,
    CallText,
    Command,
    Emit,
    Fail,
    Input,
    RunAction,
    RunSegment,
    SegmentEnded,
    SegmentLost,
)

T = TypeVar("T")


class Wait(Enum):
    INPUT = "input"
    TURN = "turn"
    """Until the others that need no input have had theirs."""


WAIT = Wait.INPUT
TURN = Wait.TURN


@dataclass(frozen=True, slots=True)
class Together:
    """Run these routines side by side; the one that yields it goes on when all are through."""

    routines: tuple[Routine[None], ...]


@dataclass(slots=True, eq=False)
class Gate:
    """Lets at most `limit` routines be between `Enter` and `Leave`; the others wait in the order they came."""

    limit: int
    inside: int = 0
    waiting: deque[_Strand] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class Enter:
    gate: Gate


@dataclass(frozen=True, slots=True)
class Leave:
    gate: Gate


Routine: TypeAlias = Generator["Command | Wait | Together | Enter | Leave", "Input | None", T]


@dataclass(slots=True, eq=False)
class _Strand:
    routine: Routine[None]
    parent: _Strand | None = None
    children: int = 0


@dataclass(slots=True)
class Scheduler:
    """Runs routines and routes inputs. `feed` gives the commands that follow from an input."""

    _owners: dict[Hashable, _Strand] = field(default_factory=dict)
    _commands: list[Command] = field(default_factory=list)
    _ready: deque[_Strand] = field(default_factory=deque)
    """Those that let others go first."""

    def start(self, routine: Routine[None]) -> list[Command]:
        return self._after(_Strand(routine), None)

    def feed(self, given: Input) -> list[Command]:
        key = _key_of_input(given)
        strand = self._owners.get(key)
        if strand is None:
            return []
        if isinstance(given, (SegmentEnded, SegmentLost, ActionEnded, Answered)):
            del self._owners[key]
        return self._after(strand, given)

    def _after(self, strand: _Strand, given: Input | None) -> list[Command]:
        """What follows; of what goes before an error, only what is told."""
        try:
            self._advance(strand, given)
            while self._ready:
                self._advance(self._ready.popleft(), None)
        except ProvisionError as error:
            self._commands = [*(command for command in self._commands if isinstance(command, Emit)), Fail(error)]
        commands, self._commands = self._commands, []
        return commands

    def _advance(self, strand: _Strand, given: Input | None) -> None:
        while True:
            try:
                yielded = strand.routine.send(given) if given is not None else next(strand.routine)
            except StopIteration:
                self._finished(strand)
                return
            given = None
            match yielded:
                case Wait.TURN:
                    self._ready.append(strand)
                    return
                case Wait.INPUT:
                    return
                case Together():
                    if not yielded.routines:
                        continue
                    strand.children = len(yielded.routines)
                    for routine in yielded.routines:
                        self._advance(_Strand(routine, strand), None)
                    return
                case Enter(gate):
                    if gate.inside >= gate.limit:
                        gate.waiting.append(strand)
                        return
                    gate.inside += 1
                case Leave(gate):
                    if gate.waiting:
                        self._advance(gate.waiting.popleft(), None)  # takes the place that became free
                    else:
                        gate.inside -= 1
                case RunSegment() | RunAction() | Ask():
                    self._owners[_key_of_command(yielded)] = strand
                    self._commands.append(yielded)
                case _:
                    self._commands.append(yielded)

    def _finished(self, strand: _Strand) -> None:
        parent = strand.parent
        if parent is not None:
            parent.children -= 1
            if parent.children == 0:
                self._advance(parent, None)


def _key_of_command(command: RunSegment | RunAction | Ask) -> Hashable:
    if isinstance(command, RunSegment):
        return "segment", command.segment.id
    return ("action" if isinstance(command, RunAction) else "ask"), command.id


def _key_of_input(given: Input) -> Hashable:
    match given:
        case CallBegan() | CallText() | CallEnded() | SegmentEnded() | SegmentLost():
            return "segment", given.segment
        case ActionEnded():
            return "action", given.id
        case Answered():
            return "ask", given.id
