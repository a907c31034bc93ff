"""A play as a flat program: tasks, and the few jumps that blocks need. Shared by all hosts, never changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from provisioner.lang.model import Block, Include, Node, Task


@dataclass(frozen=True, slots=True)
class Run:
    """Execute a task or a dynamic include."""

    task: Task | Include

    @property
    def keywords(self) -> Task:
        """The task whose keywords apply: of an include, the include's own."""
        return self.task.task if isinstance(self.task, Include) else self.task


@dataclass(frozen=True, slots=True)
class Enter:
    """A block begins; the numbers are where its sections start."""

    rescue: int
    always: int
    has_rescue: bool


@dataclass(frozen=True, slots=True)
class ToAlways:
    """The body or the rescue section is through: go on with `always`."""


@dataclass(frozen=True, slots=True)
class Leave:
    """The block ends; a failure that nobody rescued goes on to the block around it."""


@dataclass(frozen=True, slots=True)
class Flush:
    """Run the handlers that were notified."""


Op: TypeAlias = Run | Enter | ToAlways | Leave | Flush


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """Compared by identity: two includes of one file are two programs."""

    ops: tuple[Op, ...]


def compile_nodes(nodes: Iterable[Node]) -> Program:
    """One section of tasks (an included file, a list of handlers) as a program."""
    ops: list[Op | None] = []
    _compile(nodes, ops)
    return Program(_finished(ops))


def compile_sections(sections: Iterable[Iterable[Node]]) -> Program:
    """Sections of a play one after the other, handlers flushed behind each."""
    ops: list[Op | None] = []
    for section in sections:
        _compile(section, ops)
        ops.append(Flush())
    return Program(_finished(ops))


def _finished(ops: list[Op | None]) -> tuple[Op, ...]:
    return tuple(op for op in ops if op is not None)


def _compile(nodes: Iterable[Node], ops: list[Op | None]) -> None:
    for node in nodes:
        if isinstance(node, Block):
            _compile_block(node, ops)
        else:
            ops.append(Run(node))


def _compile_block(block: Block, ops: list[Op | None]) -> None:
    start = len(ops)
    ops.append(None)
    _compile(block.body, ops)
    ops.append(ToAlways())
    rescue = len(ops)
    _compile(block.rescue, ops)
    ops.append(ToAlways())
    always = len(ops)
    _compile(block.always, ops)
    ops.append(Leave())
    ops[start] = Enter(rescue, always, bool(block.rescue))
