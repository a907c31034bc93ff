"""`--start-at-task`: a play without what stands before a task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from provisioner.lang.model import Block, Include, Node


def starting_at(sections: Sequence[Iterable[Node]], pattern: str) -> list[tuple[Node, ...]] | None:
    """The sections from the first task on that is called like `pattern`; None when there is none.

    A task inside a block is looked for in its body: its `rescue` and `always` stay. Names are compared as they are
    written, with or without the role's (`role : name`); what dynamic includes bring is not known yet.
    """
    left = [tuple(section) for section in sections]
    for number, section in enumerate(left):
        rest = _from(section, pattern)
        if rest is not None:
            return [*[()] * number, rest, *left[number + 1:]]
    return None


def _from(nodes: Sequence[Node], pattern: str) -> tuple[Node, ...] | None:
    for number, node in enumerate(nodes):
        if isinstance(node, Block):
            body = _from(node.body, pattern)
            if body is not None:
                return (replace(node, body=body), *nodes[number + 1:])
        elif _is_called(node, pattern):
            return tuple(nodes[number:])
    return None


def _is_called(node: Node, pattern: str) -> bool:
    if isinstance(node, Block):
        return False
    task = node.task if isinstance(node, Include) else node
    name = str(getattr(task.name, "source", task.name or task.module))
    names = (name, f"{task.role.name} : {name}") if task.role else (name,)
    return any(one == pattern or fnmatchcase(one, pattern) for one in names)
