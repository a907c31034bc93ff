"""Asks the driver for effects that come up while a plan is made or carried out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeVar

from provisioner.engine.batch import Batch
from provisioner.engine.cursor import Cursor
from provisioner.engine.program import Run
from provisioner.engine.routines import WAIT, Routine
from provisioner.engine.scopes import search_path
from provisioner.messages import Answered, Ask, Input
from provisioner.template.effects import Effect, EffectFailure, NeedEffect
from provisioner.values import HostName

T = TypeVar("T")


def ask(batch: Batch, host: HostName, cursor: Cursor, effect: Effect, others: deque[Input] | None = None,
        ) -> Routine[None]:
    """Keep the answer for this attempt at the task at `cursor`. others: gets the inputs that come meanwhile."""
    op, number = cursor.op, batch.world.number()
    assert isinstance(op, Run)
    yield Ask(number, effect, tuple(search_path(op.keywords, batch)))
    while True:
        given = yield WAIT
        if isinstance(given, Answered) and given.id == number:
            break
        assert given is not None
        assert others is not None
        others.append(given)
    value = given.value if given.error is None else EffectFailure(str(given.error))
    batch.answers.setdefault((host, cursor.position), {})[effect] = value


def asking(batch: Batch, host: HostName, cursor: Cursor, compute: Callable[[], T], others: deque[Input] | None = None,
           ) -> Routine[T]:
    """What `compute` gives. It is called again with each answer that it needs."""
    while True:
        try:
            return compute()
        except NeedEffect as need:
            yield from ask(batch, host, cursor, need.effect, others)
