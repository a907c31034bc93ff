"""Roles that run once: which uses of them a host has gone through, and whose tasks it passes over.

A use counts when one of its own tasks ran on the host (was not skipped) and no failure took the host out of it. So a
role that was skipped, or was left half-way, runs where it is named next.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, MutableMapping
from typing import TypeAlias

from provisioner.engine.cursor import Cursor, Frame
from provisioner.engine.program import Run
from provisioner.lang.model import Role

Use: TypeAlias = tuple[int, ...]
"""One use of a role: the role as it was loaded, and where it was included."""

Ran: TypeAlias = MutableMapping[Hashable, Use]
"""By `Role.identity`, the use of which a task ran on the host."""


def note(cursor: Cursor, ran: Ran) -> None:
    """The task at `cursor` ran."""
    role = _role_of(cursor.top)
    if role is None or cursor.in_handlers:
        return
    if isinstance(cursor.op, Run) and cursor.op.keywords.module != "meta":
        ran.setdefault(role.identity, _use(cursor, role))


def has_run(cursor: Cursor, ran: Mapping[Hashable, Use]) -> bool:
    """Whether the task at `cursor` is of a role that ran already, where it was named before."""
    if not ran:
        return False
    role = _role_of(cursor.top)
    if role is None or not role.once or cursor.in_handlers:
        return False
    use = ran.get(role.identity)
    return use is not None and use != _use(cursor, role)


def break_off(before: Cursor, after: Cursor, ran: Ran) -> None:
    """A failure took the host from `before` to `after`: the uses that it was taken out of do not count."""
    still = dict(_around(after))
    for identity, use in _around(before):
        if ran.get(identity) == use and still.get(identity) != use:
            del ran[identity]


def _around(cursor: Cursor) -> Iterator[tuple[Hashable, Use]]:
    role = _role_of(cursor.top)
    for one in () if role is None else (role, *role.parents):
        yield one.identity, _use(cursor, one)


def _role_of(frame: Frame) -> Role | None:
    """The role of the task at hand; between tasks, of the one before."""
    ops = frame.program.ops
    for number in range(min(frame.pc, len(ops) - 1), -1, -1):
        op = ops[number]
        if isinstance(op, Run):
            return op.keywords.role
    return None


def _use(cursor: Cursor, role: Role) -> Use:
    """The first frame with tasks of `role`, and what is below it, tell its uses apart that share what was loaded;
    equal items of a loop by how many follow."""
    place: list[int] = [id(role)]
    for frame in cursor.frames:
        place += (frame.order, len(frame.then))
        own = _role_of(frame)
        if own is not None and (own is role or any(parent is role for parent in own.parents)):
            break
        place.append(frame.pc)
    return tuple(place)
