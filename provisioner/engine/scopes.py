"""The variables a host sees: puts what the engine knows into the layers of a `Scope`."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import PurePath
from typing import Any

from provisioner.engine import varsfiles
from provisioner.engine.batch import Batch
from provisioner.engine.cursor import Cursor
from provisioner.engine.hoststate import Ahead
from provisioner.engine.planner import PendingRead
from provisioner.lang.model import Role, Task
from provisioner.template.effects import Effect, Effects, KnownEffects, NeedEffect
from provisioner.template.templar import Templar
from provisioner.values import OMIT, HostName, Value
from provisioner.vars import magic
from provisioner.vars.facts import inject
from provisioner.vars.precedence import Sources, assemble, role_layers
from provisioner.vars.scope import Layer, Scope

SHARED_NAMES = frozenset({"hostvars", "groups", "group_names", "play_hosts", "ansible_play_hosts",
                          "ansible_play_batch"})
"""What other hosts' tasks can change."""


class PendingNames(Mapping[str, Value]):
    """Variables that planned tasks will write: reading one ends the plan."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __getitem__(self, name: str) -> Value:
        raise PendingRead(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class PendingFacts(PendingNames):
    """The same for facts, of which nobody knows the names before."""

    def __init__(self) -> None:
        super().__init__(frozenset({"ansible_facts"}))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.startswith("ansible_")


DRAWN = frozenset({"random", "shuffle", "salt", "random_choice"})
"""Effects that give each loop item an answer of its own."""


@dataclass(frozen=True, slots=True)
class ItemEffects:
    """Answers for one item of a loop: everything is shared with the other items but what is drawn by chance."""

    answers: Mapping[Any, Value]
    index: int

    def ask(self, effect: Effect) -> Value:
        if effect.kind not in DRAWN:
            return KnownEffects(self.answers).ask(effect)
        own = Effect(effect.kind, effect.args, (*effect.kwargs, ("item", self.index)))
        if own not in self.answers:
            raise NeedEffect(own)
        return KnownEffects(self.answers).ask(own)


@dataclass(slots=True)
class Scopes:
    """Makes scopes for one batch."""

    batch: Batch
    templar: Templar
    _facts: dict[HostName, tuple[int, Mapping[str, Value]]] = field(default_factory=dict)
    _files: dict[Effect, Mapping[str, Value]] = field(default_factory=dict)

    def of_task(self, host: HostName, task: Task, ahead: Ahead, *, shared_pending: bool = False) -> Scope:
        """What `task` sees on `host` at `ahead.cursor`."""
        layers = role_layers(self.batch.roles, task.role)
        frame_vars = ahead.cursor.frame_vars
        sources = Sources(
            role_defaults=(("defaults", self._defaults(host)), *layers.defaults),
            role_vars=layers.vars,
            role_params=layers.params,
            task_vars=task.vars,
            include_params=(*task.include_vars_, *frame_vars),
            magic={**self._magic(host), **_place(task, self.batch)},
            **self._of_host(host),
        )
        scope = self._ahead(sources, host, ahead, shared_pending)
        if len(sources.vars_files) == len(self.batch.vars_files):
            return scope
        files = varsfiles.for_host(self.batch.vars_files, self.templar, scope, partial(self._load, scope.effects),
                                   has_facts=bool(self.batch.world.memory(host).facts))
        return self._ahead(replace(sources, vars_files=tuple(files)), host, ahead, shared_pending)

    def of_host(self, host: HostName) -> Scope:
        """What connection variables of a delegate are read from."""
        layers = role_layers(self.batch.roles)
        sources = Sources(role_defaults=(("defaults", self._defaults(host)), *layers.defaults),
                          role_vars=layers.vars, magic=self._magic(host), **self._of_host(host))
        return self._scope(assemble(sources))

    def _seen_by_others(self, host: HostName) -> Scope:
        """`hostvars[host]`: what belongs to the host itself, and nothing of the play at hand."""
        own = {**self._of_host(host), "play_vars": {}, "vars_prompt": {}, "vars_files": ()}
        return self._scope(assemble(Sources(magic=self._magic(host), **own)))

    def effects(self, host: HostName, cursor: Cursor) -> Effects:
        return KnownEffects(self.batch.answers.get((host, cursor.position), {}))

    def of_item(self, scope: Scope, host: HostName, cursor: Cursor, index: int,
                variables: Mapping[str, Value]) -> Scope:
        """`scope` for one item of a loop: its variables on top, and dice of its own."""
        answers = self.batch.answers.get((host, cursor.position), {})
        return scope.with_layer("loop", variables).with_effects(ItemEffects(answers, index))

    def with_delegate(self, scope: Scope, delegate: HostName) -> Scope:
        """`scope` with `ansible_delegated_vars`, where a delegated task reads the variables of who does it."""
        found = magic.HostVars((delegate,), lambda name: self.of_host(HostName(name)))
        return scope.with_layer("delegate", {"ansible_delegated_vars": found})

    def of_play(self) -> Scope:
        """What the play's own keywords see: no host."""
        sources = Sources(play_vars=self.batch.play.vars, vars_prompt=self.batch.prompted,
                          extra_vars=self.batch.world.options.extra_vars,
                          magic={"omit": OMIT, "playbook_dir": absolute_directory(self.batch)})
        return self._scope(assemble(sources))

    def _defaults(self, host: HostName) -> Mapping[str, Value]:
        return magic.default_variables(host, self.batch.world.options.managed)

    # -- parts ----------------------------------------------------------------------------------------------

    def _ahead(self, sources: Sources, host: HostName, ahead: Ahead, shared_pending: bool) -> Scope:
        return self._scope(self._with_ahead(assemble(sources), ahead, shared_pending), self.effects(host, ahead.cursor))

    def _scope(self, layers: Sequence[Layer], effects: Effects | None = None) -> Scope:
        return Scope(self.templar, layers, effects or KnownEffects(), merge=self.batch.world.options.merge_variables)

    def _load(self, effects: Effects, wanted: Effect) -> Mapping[str, Value]:
        """The variables of a file; each is read once in a play."""
        if wanted not in self._files:
            self._files[wanted] = effects.ask(wanted)
        return self._files[wanted]

    def _of_host(self, host: HostName) -> dict[str, Any]:
        world, play = self.batch.world, self.batch.play
        memory = world.memory(host)
        return {
            "inventory": world.inventory.host_layers(host),
            "facts": self._injected(host),
            "play_vars": play.vars,
            "vars_prompt": self.batch.prompted,
            "vars_files": varsfiles.for_all(self.batch.vars_files),
            "include_vars": memory.included,
            "set_facts": memory.variables,
            "extra_vars": world.options.extra_vars,
        }

    def _injected(self, host: HostName) -> Mapping[str, Value]:
        memory = self.batch.world.memory(host)
        known = self._facts.get(host)
        if known is None or known[0] != memory.facts_version:
            known = (memory.facts_version, inject(memory.facts).variables)
            self._facts[host] = known
        return known[1]

    def _magic(self, host: HostName) -> dict[str, Value]:
        batch, world = self.batch, self.batch.world
        options, inventory = world.options, world.inventory
        alive = [name for name in batch.play_hosts if name not in batch.left
                 and not (memory := world.memory(name)).failed and not memory.unreachable]
        in_batch = [name for name in batch.states if name in alive]
        every_host = list(dict.fromkeys([*inventory.groups.get("all", ()), *batch.play_hosts]))
        return {
            **magic.run_variables(
                check=options.check, diff=options.diff, verbosity=options.verbosity, limit=options.limit,
                run_tags=sorted(options.tags.wanted), skip_tags=sorted(options.tags.skipped),
                python=options.python, inventory_dir=options.inventory.directory,
                inventory_file=options.inventory.file, inventory_sources=options.inventory.sources),
            **magic.play_variables(
                name=batch.play_name, playbook_dir=absolute_directory(batch),
                hosts_all=batch.matched, hosts=alive,
                batch=in_batch, role_names=_role_names(batch, dependencies=False),
                dependencies=_role_names(batch, dependencies=True)),
            **magic.host_variables(
                host=host, group_names=_group_names(batch, host), groups=inventory.groups,
                hostvars=magic.HostVars(every_host, lambda name: self._seen_by_others(HostName(name)))),
        }

    def _with_ahead(self, layers: tuple[Layer, ...], ahead: Ahead, shared_pending: bool) -> tuple[Layer, ...]:
        """Put what is known or pending ahead directly above the layer it belongs to."""
        above: dict[str, list[Layer]] = {
            "facts": [("pending facts", PendingFacts())] if ahead.facts_pending else [],
            "include_vars": [("include_vars", ahead.included)] if ahead.included else [],
            "set_fact or register": [
                *([("pending", PendingNames(frozenset(ahead.pending)))] if ahead.pending else []),
                *([("set_fact or register", ahead.variables)] if ahead.variables else [])],
            "magic variables": [("other hosts", PendingNames(SHARED_NAMES))] if shared_pending else [],
        }
        if ahead.facts:
            above["facts"].append(("facts", inject(ahead.facts).variables))
        if not any(above.values()):
            return layers
        return tuple(_insert(layers, above))


_ORDER = ("loop", "magic variables", "-e", "include parameters", "role parameters", "set_fact or register",
          "include_vars", "block and task vars", "role vars", "vars_files", "vars_prompt", "play vars", "facts")


def _insert(layers: tuple[Layer, ...], above: Mapping[str, list[Layer]]) -> Iterator[Layer]:
    """`layers` with further ones put in front of the level they go with, also where that level is empty."""
    waiting = [level for level in _ORDER if above.get(level)]
    for layer in layers:
        rank = _rank(layer[0])
        while waiting and _ORDER.index(waiting[0]) <= rank:
            yield from above[waiting.pop(0)]
        yield layer
    for level in waiting:
        yield from above[level]


def _rank(label: str) -> int:
    """Where a layer stands in `_ORDER`; inventory and defaults come behind all of it."""
    if label in _ORDER:
        return _ORDER.index(label)
    for prefix, level in (("vars of role", "role vars"), ("parameters of role", "role parameters")):
        if label.startswith(prefix):
            return _ORDER.index(level)
    return len(_ORDER)


def _group_names(batch: Batch, host: HostName) -> list[str]:
    inventory = batch.world.inventory
    return sorted(name for name in inventory.groups_of(host) if name != "all") if inventory.has(host) else []


def _included_from(role: Role) -> tuple[Role, ...]:
    """The roles around a role, unless it is there as their dependency."""
    return () if role.dependency else role.parents


def _role_names(batch: Batch, *, dependencies: bool) -> list[str]:
    return list(dict.fromkeys(role.name for role in batch.roles if role.dependency is dependencies))


def playbook_dir(batch: Batch) -> str:
    """As the user named the playbook; may be relative."""
    return str(PurePath(batch.play.file).parent)


def absolute_directory(batch: Batch) -> str:
    """The playbook's directory, from the root on."""
    return _absolute(batch, playbook_dir(batch))


def _absolute(batch: Batch, path: str) -> str:
    """For variables: what is made of them may be used elsewhere, on a host too."""
    return posixpath.normpath(posixpath.join(batch.world.options.cwd, path))


def search_path(task: Task, batch: Batch) -> list[str]:
    """Directories where a task's local files are looked for, in Ansible's order; absolute, because what is found
    there may be looked for again (`include_vars` of what `first_found` gives)."""
    role = task.role
    found = magic.search_path(
        playbook_dir=playbook_dir(batch), task_dir=str(PurePath(task.file).parent) if task.file else "",
        role_path=role.path if role else "", parent_paths=[parent.path for parent in role.parents] if role else ())
    return list(dict.fromkeys(_absolute(batch, path) for path in found))


def _place(task: Task, batch: Batch) -> dict[str, Value]:
    place: dict[str, Value] = {"ansible_search_path": search_path(task, batch)}
    if task.role is not None:
        place.update(magic.role_variables(name=task.role.name, path=_absolute(batch, task.role.path),
                                          parents=[(role.name, _absolute(batch, role.path))
                                                   for role in _included_from(task.role)]))
    return place
