"""Dynamic includes: which file or role a host includes, and the program it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.engine.batch import Batch
from provisioner.engine.entry import Enclose, Entry
from provisioner.engine.program import Program, compile_nodes
from provisioner.engine.targets import opened
from provisioner.lang.model import HandlerSection, Include, Node, Role
from provisioner.template.marks import Signal
from provisioner.template.templar import Templar
from provisioner.values import drop_omitted
from provisioner.vars.scope import Scope


@dataclass(frozen=True, slots=True, eq=False)
class LoadInclude:
    """Asked of the driver: load what `include` names. `key` tells loads apart."""

    include: Include
    args: Mapping[str, Any]
    key: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """The answer: tasks, and for a role its handlers and the roles everybody sees from now on."""

    nodes: tuple[Node, ...]
    sections: tuple[HandlerSection, ...] = ()
    roles: tuple[Role, ...] = ()


class NeedInclude(Signal):
    """The task cannot be made ready before this is loaded."""

    def __init__(self, request: LoadInclude) -> None:
        super().__init__(request.key)
        self.request = request


def include_work(batch: Batch, entry: Entry, include: Include, scope: Scope, templar: Templar,
                 variables: Mapping[str, Any]) -> Enclose:
    """The work of an include for one item; raises `NeedInclude` until its file is loaded."""
    args = drop_omitted({name: opened(templar.render(value, scope)) for name, value in include.task.args.items()})
    path = str(args.get("_raw_params") if include.kind == "tasks" else args.get("name", args.get("role")))
    key = f"{id(include)}:{sorted(args.items(), key=str)}"
    program = batch.programs.get(key)
    if program is None:
        raise NeedInclude(LoadInclude(include, args, key))
    if isinstance(program, Exception):
        raise program
    return Enclose(program, _order(batch, entry, key, variables), path, variables)


def _order(batch: Batch, entry: Entry, key: str, variables: Mapping[str, Any]) -> int:
    """A number for this file and item at this position, the same for every host that includes it."""
    orders = batch.orders.setdefault(entry.cursor.position, {})
    loop_var = variables.get("ansible_loop_var")
    item = repr(variables.get(str(loop_var))) if loop_var else ""
    return orders.setdefault((key, item), len(orders) + 1)


def accept(batch: Batch, request: LoadInclude, loaded: Loaded) -> None:
    """Make a program of what was loaded."""
    nodes = batch.world.options.tags.select(loaded.nodes)
    program: Program = compile_nodes(nodes)
    batch.programs[request.key] = program
    for section in loaded.sections:
        batch.handlers.add(section)
    batch.roles += [role for role in loaded.roles if not any(role is known for known in batch.roles)]
