"""Where a host stands in the program: a stack of frames, each with its open blocks.

All values are frozen and all functions pure, so that looking ahead is nothing but moving a copy. An include
pushes a frame, flushing handlers pushes one too; the frame below stays on the operation that pushed it until
the pushed frame is through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, TypeAlias

from provisioner.engine.program import Enter, Flush, Leave, Op, Program, Run, ToAlways
from provisioner.lang.model import Role

Position: TypeAlias = tuple[int, ...]


class Phase(Enum):
    BODY = "body"
    RESCUE = "rescue"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class OpenBlock:
    enter: Enter
    phase: Phase = Phase.BODY
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    program: Program
    pc: int = 0
    blocks: tuple[OpenBlock, ...] = ()
    order: int = 0
    """Tells frames apart that one operation pushed (loop items, different files): part of the position."""
    vars: Mapping[str, Any] = field(default_factory=dict)
    """Set by the include for everything inside (its loop item, `vars:`)."""
    then: tuple[Frame, ...] = ()
    """Frames that follow when this one is through (the further items of a looped include)."""
    handlers: bool = False
    """This frame runs handlers, only those the host was notified of."""


@dataclass(frozen=True, slots=True)
class Cursor:
    frames: tuple[Frame, ...]

    @property
    def top(self) -> Frame:
        return self.frames[-1]

    @property
    def position(self) -> Position:
        """Sorts hosts by progress: the smallest is the one that is furthest behind."""
        parts: list[int] = []
        for frame in self.frames:
            parts += (frame.order, frame.pc)
        return tuple(parts)

    @property
    def op(self) -> Op | None:
        """The operation to do next; None at the end of the top frame's program."""
        frame = self.top
        return frame.program.ops[frame.pc] if frame.pc < len(frame.program.ops) else None

    @property
    def done(self) -> bool:
        return len(self.frames) == 1 and self.op is None

    @property
    def in_handlers(self) -> bool:
        return any(frame.handlers for frame in self.frames)

    @property
    def frame_vars(self) -> tuple[Mapping[str, Any], ...]:
        """Variables of the includes around, outermost first."""
        return tuple(frame.vars for frame in self.frames if frame.vars)

    def _with_top(self, frame: Frame) -> Cursor:
        return Cursor((*self.frames[:-1], frame))

    def step(self) -> Cursor:
        """Behind the operation that is at hand."""
        return self._with_top(replace(self.top, pc=self.top.pc + 1))

    def push(self, frame: Frame, *then: Frame) -> Cursor:
        """Into a frame, and into the others one after the other when it is through."""
        return Cursor((*self.frames, replace(frame, then=then)))


class Halt(Enum):
    """Why `settle` stopped."""

    TASK = "task"
    FLUSH = "flush"
    RERAISE = "re-raise"
    """At the end of a block whose failure nobody rescued: the host must have confirmed everything before."""
    END = "end"


def start(program: Program) -> Cursor:
    return Cursor((Frame(program),))


def settle(cursor: Cursor) -> tuple[Cursor, Halt]:
    """Do what needs no host (enter and leave blocks, return from includes) up to the next thing that does."""
    while True:
        op = cursor.op
        match op:
            case None:
                if len(cursor.frames) == 1:
                    return cursor, Halt.END
                cursor = _returned(cursor)
            case Run():
                return cursor, Halt.TASK
            case Flush():
                return cursor, Halt.FLUSH
            case Enter():
                top = cursor.top
                cursor = cursor._with_top(replace(top, pc=top.pc + 1, blocks=(*top.blocks, OpenBlock(op))))
            case ToAlways():
                cursor = _enter_phase(cursor, Phase.ALWAYS, failed=cursor.top.blocks[-1].failed)
            case Leave():
                top = cursor.top
                if top.blocks[-1].failed:
                    return cursor, Halt.RERAISE
                cursor = cursor._with_top(replace(top, pc=top.pc + 1, blocks=top.blocks[:-1]))


def _returned(cursor: Cursor) -> Cursor:
    """Back from the top frame: into the one queued behind it, else behind the operation that pushed it."""
    waiting = cursor.top.then
    if waiting:
        return cursor._with_top(replace(waiting[0], then=waiting[1:]))
    return Cursor(cursor.frames[:-1]).step()


def _enter_phase(cursor: Cursor, phase: Phase, *, failed: bool) -> Cursor:
    top = cursor.top
    block = top.blocks[-1]
    pc = block.enter.rescue if phase is Phase.RESCUE else block.enter.always
    opened = OpenBlock(block.enter, phase, failed)
    return cursor._with_top(replace(top, pc=pc, blocks=(*top.blocks[:-1], opened)))


def reraise(cursor: Cursor) -> Cursor | None:
    """Leave the failed block at whose end `settle` halted, and unwind on."""
    top = cursor.top
    return unwind(cursor._with_top(replace(top, blocks=top.blocks[:-1])))


def unwind(cursor: Cursor) -> Cursor | None:
    """Where a failure goes: the nearest rescue, else the nearest always; None when nothing catches it.

    A handler that fails inside `meta: flush_handlers` counts as the failure of that task.
    """
    frames = list(cursor.frames)
    while frames:
        frame = frames[-1]
        blocks = list(frame.blocks)
        while blocks:
            block = blocks[-1]
            here = Cursor((*frames[:-1], replace(frame, blocks=tuple(blocks))))
            if block.phase is Phase.BODY and block.enter.has_rescue:
                return _enter_phase(here, Phase.RESCUE, failed=False)
            if block.phase is not Phase.ALWAYS:
                return _enter_phase(here, Phase.ALWAYS, failed=True)
            blocks.pop()
        frames.pop()
    return None


def behind_role(cursor: Cursor, role: Role) -> Cursor:
    """Behind the last task of `role` (`meta: end_role`), also where files that it includes are being done."""
    frames = list(cursor.frames)
    while True:
        frame = _behind_role(frames[-1], role)
        frames[-1] = frame
        below = frames[-2] if len(frames) > 1 else None
        if below is None or frame.pc < len(frame.program.ops) or not _is_of(below.program.ops[below.pc], role):
            return Cursor(tuple(frames))
        frames.pop()


def _behind_role(frame: Frame, role: Role) -> Frame:
    opened = closed = 0
    found = (frame.pc + 1, 0, 0)
    for number, op in enumerate(frame.program.ops[frame.pc + 1:], frame.pc + 1):
        match op:
            case Run():
                if not _is_of(op, role):
                    break
                found = (number + 1, opened, closed)
            case Enter():
                opened += 1
            case Leave() if opened:
                opened -= 1
            case Leave():
                closed += 1
    pc, opened, closed = found
    while opened:  # to the end of blocks of the role that begin behind this place
        opened -= isinstance(frame.program.ops[pc], Leave)
        pc += 1
    return replace(frame, pc=pc, blocks=frame.blocks[:len(frame.blocks) - closed])


def _is_of(op: Op, role: Role) -> bool:
    """Whether it is a task of the role, or of one that the role needs."""
    own = op.keywords.role if isinstance(op, Run) else None
    return own is not None and (own is role or any(parent is role for parent in own.parents))


def forgiven(cursor: Cursor) -> Cursor:
    """The same place, with no failure waiting for the end of a block (`meta: clear_host_errors`)."""
    return Cursor(tuple(replace(frame, blocks=tuple(replace(block, failed=False) for block in frame.blocks))
                        for frame in cursor.frames))


def will_be_rescued(cursor: Cursor) -> bool:
    """Whether a failure here ends in a rescue section, be it after some always sections on the way."""
    return any(block.phase is Phase.BODY and block.enter.has_rescue for frame in cursor.frames
               for block in frame.blocks)
