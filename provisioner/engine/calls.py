"""An entry as module calls for the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.actions.base import HostWork
from provisioner.engine.batch import World
from provisioner.engine.entry import Entry, Item
from provisioner.engine.hoststate import Memory
from provisioner.messages import CallId, ModuleCall


def module_call(entry: Entry, item: Item, call: CallId, memory: Memory, *, directory: str, group: int = 0,
                last: bool = True, stop: bool | None = None) -> ModuleCall:
    """One item that runs on a host. `memory` is that of the host that does the work.

    directory: the playbook's, where tasks on this machine run.
    """
    work = item.work
    assert isinstance(work, HostWork)
    checks = entry.checks(item)
    predicted: Mapping[str, Mapping[str, Any]] | None = memory.predicted if checks and memory.predicted else None
    return ModuleCall(
        call, work.module, work.args, group=group, last=last,
        stop=entry.stops_segment if stop is None else stop, check=checks, diff=entry.diff,
        timeout=entry.timeout, environment=entry.environment,
        folder=directory if entry.target.connection == "local" else "", predicted=predicted, contents=work.contents,
        background=None if checks else entry.job)


def foresee(world: World, entry: Entry, result: Mapping[str, Any]) -> None:
    """Keep what a result says would exist by now, for later tasks on the host that did the work."""
    if entry.check:
        world.memory(entry.worker).predict(result.get("predictions"))
