"""The composition root: the only place where loaders, engine, sessions and sinks are put together."""

from __future__ import annotations

import os
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from provisioner import __version__
from provisioner.actions.base import Driving
from provisioner.actions.library import Library, find_library, folders_of
from provisioner.actions.registry import Registry
from provisioner.answers import ControllerAnswers
from provisioner.baseline.keeper import Keeper
from provisioner.baseline.key import site_key
from provisioner.baseline.signed import Record
from provisioner.cloud.touch import Confirm, Touch
from provisioner.diag import Collector, Diagnostic, InputError, Interrupted, ProvisionError, Span, UsageError
from provisioner.drift.watchlist import read_watches
from provisioner.driver import Driver
from provisioner.engine.batch import InventoryPlace, World
from provisioner.engine.batch import Options as EngineOptions
from provisioner.engine.engine import Engine
from provisioner.engine.foresight import unknown_tags, unreadable
from provisioner.engine.tags import TagSelection
from provisioner.engine.targets import ConnectionDefaults, opened
from provisioner.events import Resource, RunEnded, RunStarted, Warned
from provisioner.factcache import FactCache
from provisioner.history import db
from provisioner.history.writer import Recorder
from provisioner.inventory.constructed import Evaluate
from provisioner.inventory.load import load_inventory
from provisioner.inventory.model import LOCALHOST, Inventory
from provisioner.lang.load import Loader, Options
from provisioner.lang.model import Play, Playbook, Task
from provisioner.lang.modules import known_modules
from provisioner.lang.yaml import DUPLICATE_KEY
from provisioner.messages import Finish
from provisioner.ownlookups import OwnLookups
from provisioner.parting import Parting
from provisioner.plugins import Plugins, find_plugins, homes
from provisioner.settings import Settings, by_ansibles_names
from provisioner.template.filters import FILTERS
from provisioner.template.templar import Templar
from provisioner.template.tests import TESTS
from provisioner.ui.redact import Redactor
from provisioner.ui.sinks import Fanout, Sink
from provisioner.values import HostName, Template, Value
from provisioner.vars.scope import Scope
from provisioner.vault.keyring import Keyring

if TYPE_CHECKING:
    from provisioner.machines import Site
    from provisioner.staging import Staged

SUCCESS, ERROR, HOST_FAILED, HOST_UNREACHABLE = 0, 1, 2, 4


@dataclass(frozen=True, slots=True)
class Request:
    """Everything that says what a run is: the command line, made into values."""

    playbooks: tuple[str, ...]
    inventories: tuple[str, ...] = ()
    check: bool = False
    fixes: frozenset[tuple[HostName, Resource]] = frozenset()
    """As in the engine's options."""
    diff: bool = False
    limit: str | None = None
    tags: frozenset[str] = frozenset(["all"])
    skip_tags: frozenset[str] = frozenset()
    extra_vars: Mapping[str, Value] = field(default_factory=dict)
    forks: int = 5
    verbosity: int = 0
    force_handlers: bool = False
    connection: ConnectionDefaults = ConnectionDefaults()
    settings: Settings = Settings()
    flush_cache: bool = False
    """Forget the facts of earlier runs."""
    start_at_task: str | None = None
    step: bool = False
    """Ask before each task."""
    vault: Keyring = field(default_factory=Keyring)
    state_dir: Path = Path()
    cache_dir: Path = Path()
    record: bool = False
    """Whether the run is kept in the history under `state_dir`."""
    watch: bool = False
    """Whether hosts are looked at as the watch list beside the playbooks says; only if the run is recorded."""
    command: tuple[str, ...] = ()
    """As in `RunStarted`."""
    touch: Touch = Touch()
    confirm: Confirm = field(default=lambda question: False, compare=False)
    """Asked before machines are changed."""
    on_record: Callable[[HostName, Record], None] | None = field(default=None, compare=False)
    """Hears, in a check, what hosts that differ have kept of what was applied to them."""
    partings: tuple[Parting, ...] = field(default=(), compare=False)
    """Sinks of the run, too."""


@dataclass(frozen=True, slots=True)
class Loaded:
    playbooks: tuple[Playbook, ...]
    inventory: Inventory
    loader: Loader
    library: Library
    plugins: Plugins
    warnings: tuple[Diagnostic, ...]
    sites: tuple[Site, ...] = ()
    read: Callable[[], Inventory] = Inventory
    """Reads the inventory once more, as it is by then."""


def load(request: Request, *, to_run: bool = True) -> Loaded:
    """Read playbooks and inventory; raises `InputError` with the mistakes of all of them.

    to_run: False if they are only looked at, for which encrypted variables of hosts need no password.
    """
    settings = request.settings
    folders = folders_of(request.playbooks, settings.roles_path)
    plugins = find_plugins(homes(folders, settings.roles_path), filters=map(Path, settings.filter_plugins),
                           tests=map(Path, settings.test_plugins),
                           lookups=map(Path, settings.lookup_plugins))  # fmt: skip
    templar = templar_of(plugins)

    def render(template: Template, variables: Mapping[str, Value]) -> Value:
        return opened(templar.render(template, Scope(templar, [("known at load", variables)])))

    library = find_library(folders, map(Path, settings.library))
    loader = Loader(Options(request.extra_vars, settings.roles_path, settings.collections_path, render, request.vault,
                            settings.private_role_vars),
                    known_modules() | library.modules.keys())
    found = Collector()
    found.items += plugins.warnings
    playbooks: list[Playbook] = []
    inventory: Inventory | None = None
    for path in request.playbooks:
        try:
            playbook, warnings = loader.playbook(path)
        except InputError as error:
            found.items += error.items
        else:
            playbooks.append(playbook)
            found.items += warnings
    first = Path(request.playbooks[0]).parent if request.playbooks else None
    sources = _needed(request.inventories, playbooks, found)
    read = partial(load_inventory, sources, first, request.state_dir, request.vault,
                   only_plain=not to_run, evaluate=expressions(templar),
                   merge=settings.merges_variables)
    try:
        inventory = read()
    except InputError as error:
        found.items += error.items
    sites: tuple[Site, ...] = ()
    if any(playbook.machines for playbook in playbooks):
        # 20 ms that most runs don't need. Not `staging`: it imports what a thread is importing now, see `_loaded`.
        from provisioner.machines import sites_of  # noqa: PLC0415

        sites = sites_of(playbooks, found)
    found.items = _with_duplicates(found.items, settings.duplicate_dict_key)
    found.raise_errors()
    assert inventory is not None
    for site in sites:  # names are known before machines are there, for patterns and limits
        for host in site.hosts:
            inventory.add_host(HostName(host.name), host.groups, host.variables)
    if request.limit:
        found.items += inventory.check_limit(request.limit)
    found.items += unreadable(playbooks, templar)
    found.items += unknown_tags(playbooks, request.tags)
    if request.watch and request.record and (watches := read_watches(request.playbooks)):
        from provisioner.watching import watch_plays  # noqa: PLC0415 - few have one

        found.items += [warning for watch in watches for warning in inventory.unmatched(watch.hosts)]
        playbooks += watch_plays(watches, playbooks, inventory, check=request.check)
    return Loaded(tuple(playbooks), inventory, loader, library, plugins, found.warnings, sites, read)


def templar_of(plugins: Plugins, on_loose: Callable[[Diagnostic], None] | None = None) -> Templar:
    return Templar(on_loose=on_loose, filters={**FILTERS, **plugins.filters}, tests={**TESTS, **plugins.tests},
                   lookups=frozenset(plugins.lookups))


def inventory_place(sources: Sequence[str]) -> InventoryPlace:
    """The sources, and the directory and file of the first one, as magic variables tell them."""
    absolute = tuple(source if "," in source else str(Path(source).absolute()) for source in sources)
    if not sources or "," in sources[0]:
        return InventoryPlace(absolute)
    first = Path(absolute[0])
    return InventoryPlace(absolute, str(first)) if first.is_dir() else InventoryPlace(
        absolute, str(first.parent), str(first))


def _with_duplicates(items: Sequence[Diagnostic], policy: str) -> list[Diagnostic]:
    """Keys that are twice in a mapping are warnings, but where the settings say otherwise."""
    if policy == "ignore":
        return [item for item in items if item.summary != DUPLICATE_KEY]
    if policy == "error":
        return [replace(item, severity="error") if item.summary == DUPLICATE_KEY else item for item in items]
    return list(items)


def _needed(inventories: Sequence[str], playbooks: Sequence[Playbook], found: Collector) -> list[str]:
    """The inventories to read: one that does not exist is a mistake, but where all plays are for this machine alone."""
    plays = [play for playbook in playbooks for play in playbook.plays]
    if not plays or not all(play.hosts in LOCALHOST for play in plays):
        return list(inventories)
    there = [source for source in inventories if "," in source or os.path.exists(source)]
    for source in inventories:
        if source not in there:
            found.warning("Inventory not found", f"`{source}` does not exist; only localhost is needed")
    return there


def expressions(templar: Templar) -> Evaluate:
    """Evaluates what inventories construct variables and groups from."""
    return lambda expression, variables: opened(
        templar.evaluate(expression, Scope(templar, [("inventory", variables)])))


def apply(request: Request, sinks: Sequence[Sink]) -> int:
    """Make the playbooks true (or show what would be done, in check mode). Gives the exit code."""
    loaded = _loaded(request)
    if not request.inventories and not loaded.sites:
        loaded = replace(loaded, warnings=(*loaded.warnings, _NO_INVENTORY))
    return _run(request, loaded, Registry(library=loaded.library), sinks)


_NO_INVENTORY: Final = Diagnostic("no inventory given with -i and no directory ./inventories",
                                  "there is only the implicit localhost, which `all` does not mean", severity="warning")


def destroy(request: Request, sinks: Sequence[Sink]) -> int:
    """Delete all machines that the playbooks' sites have. Gives the exit code."""
    loaded = _loaded(request)
    if not loaded.sites:
        raise UsageError("these playbooks declare no machines", hint="there is nothing that could be destroyed")
    return _run(request, replace(loaded, playbooks=()), Registry(), sinks)


def carry_out(request: Request, playbook: Playbook, sinks: Sequence[Sink]) -> int:
    """Make a playbook of the program's own true on the hosts of the request. Gives the exit code."""
    loaded = _loaded(replace(request, playbooks=()))
    return _run(request, replace(loaded, playbooks=(playbook,)), Registry(), sinks)


Work = Callable[[Sequence[Driving]], Mapping[HostName, Mapping[str, Any]]]
"""Something to do on hosts, all of them together: gives each one's result, as a `run_batch` does."""


def on_hosts(request: Request, name: str, work: Work, sinks: Sequence[Sink], *, patient: bool = True) -> int:
    """Do `work` on all hosts of the request, without a playbook: as the one task of a play, so that connections,
    privileges, masking, lost hosts and exit codes are those of a run. An error that `work` raises is raised here.
    patient: the first Ctrl-C lets end what runs on hosts."""

    def guarded(calls: Sequence[Driving]) -> Mapping[HostName, Mapping[str, Any]]:
        try:
            return work(calls)
        except ProvisionError as error:
            raise _Refused(error) from error

    module = ModuleType(name)
    module.__dict__["run_batch"] = guarded
    place = Span(name, 1)
    play = Play("all", place, name, gather_facts=False, tasks=(Task(name, {}, place, name),))
    loaded = replace(_loaded(replace(request, playbooks=())), playbooks=(Playbook((play,), name),))
    try:
        return _run(request, loaded, Registry({name: module}), sinks, patient=patient)
    except _Refused as refused:
        raise refused.error from None


class _Refused(Exception):
    """What `work` raised: it concerns the whole command and no host, so no result may be made of it on the way."""

    def __init__(self, error: ProvisionError) -> None:
        super().__init__(error.message)
        self.error = error


def _loaded(request: Request) -> Loaded:
    """`load`, while what connections need is imported."""
    # 170 ms that loading hides. The same module that sessions import: two ways into one circle of imports
    # at the same time break it.
    warm_up = threading.Thread(target=import_module, args=("provisioner.transport.ssh",), daemon=True)
    warm_up.start()
    loaded = load(request)
    warm_up.join()
    return loaded


def _run(request: Request, loaded: Loaded, registry: Registry, sinks: Sequence[Sink], *, patient: bool = True) -> int:
    redactor = Redactor()
    request.vault.tell(redactor.learn)
    recorder, key, partings = None, b"", request.partings
    if request.record:
        recorder = Recorder(request.state_dir / db.FILE)
        key = site_key(request.state_dir, request.inventories, request.vault)
        keeper = _keeper(request, key, lambda words, host: run.sinks.handle(Warned(words, host=host)))
        sinks = [*sinks, recorder]
        partings = (*([keeper] if keeper else []), *partings)
    fanout = Fanout([*sinks, *partings], redactor)
    run = _Run(request, loaded, redactor, fanout, registry, patient, recorder, key, partings)
    try:
        return run.run()
    finally:
        run.sinks.close()


def _keeper(request: Request, key: bytes, warn: Callable[[str, HostName], None]) -> Keeper | None:
    """None for a check that nobody wants to judge, and where there is no key."""
    if not key or (request.check and request.on_record is None):
        return None
    return Keeper(key, request.state_dir / db.FILE, warn, request.on_record)


@dataclass(slots=True)
class _Run:
    request: Request
    loaded: Loaded
    redactor: Redactor
    sinks: Fanout
    registry: Registry
    patient: bool
    recorder: Recorder | None
    key: bytes
    partings: Sequence[Parting]
    started: float = field(default_factory=time.monotonic)

    def run(self) -> int:
        request = self.request
        name = uuid.uuid4().hex[:12]
        self.sinks.handle(RunStarted(
            name, request.playbooks, request.check and not request.fixes, request.diff, __version__, request.command,
            bool(request.fixes), tuple(len(playbook.plays) for playbook in self.loaded.playbooks)))
        for warning in (*request.settings.warnings, *self.loaded.warnings):
            self.sinks.handle(Warned(warning.words, str(warning.span or "")))
        staged = self._staged()
        first = staged.first if staged else ()
        world = self._world()
        templar = templar_of(self.loaded.plugins, self._warn_once() if request.settings.loose_conditions else None)
        engine = Engine((*first, *self.loaded.playbooks), world, templar, self.registry)
        answers = ControllerAnswers(self.loaded.loader, self.loaded.read, by_ansibles_names(request.settings),
                                    OwnLookups(self.loaded.plugins.lookups))
        driver = Driver(engine, self.registry, answers, self.sinks.handle, self.redactor.learn,
                        str(request.cache_dir), str(request.state_dir), request.forks, self.patient, self.partings)
        code = ERROR
        try:
            code = exit_code(driver.run())
            if staged:
                staged.remember({host: memory.stats() for host, memory in world.memories.items()})
        except Interrupted as error:
            code = error.exit_code
            raise
        finally:
            self._end(world, code)
        return code

    def _warn_once(self) -> Callable[[Diagnostic], None]:
        told: set[Diagnostic] = set()

        def warn(about: Diagnostic) -> None:
            if about not in told:
                told.add(about)
                self.sinks.handle(Warned(about.words, str(about.span or "")))

        return warn

    def _staged(self) -> Staged | None:
        """Make the declared machines exist, and hosts of the inventory."""
        if not self.loaded.sites:
            return None
        from provisioner.staging import stage  # noqa: PLC0415 - 20 ms that most runs don't need

        try:
            return stage(self.request, self.loaded.sites, self.loaded.inventory, self.sinks.handle,
                         resource_key=self.key)
        except ProvisionError as error:
            self.sinks.handle(RunEnded(error.exit_code, {}, (time.monotonic() - self.started) * 1000))
            raise

    def _world(self) -> World:
        request = self.request
        self.redactor.learn(request.connection)
        self.redactor.learn(request.extra_vars)
        sources, settings = request.inventories, request.settings
        options = EngineOptions(
            check=request.check, fixes=request.fixes, diff=request.diff, limit=request.limit,
            tags=TagSelection(request.tags, request.skip_tags), extra_vars=request.extra_vars,
            connection=request.connection, strategy=settings.strategy, force_handlers=request.force_handlers,
            start_at_task=request.start_at_task, step=request.step,
            missing_handlers_allowed=not settings.error_on_missing_handler, managed=settings.ansible_managed,
            gathering=settings.gathering, poll_interval=settings.poll_interval,
            resource_key=self.key,
            verbosity=request.verbosity, version=__version__, cwd=str(Path.cwd()),
            python=sys.executable, inventory=inventory_place(sources),
            merge_variables=settings.merges_variables)
        world = World(self.loaded.inventory, options)
        cache, hosts = _fact_cache(settings), list(self.loaded.inventory.host_table)
        if cache is not None and request.flush_cache:
            cache.forget(hosts)
        elif cache is not None:
            for host, facts in cache.read(hosts).items():
                world.memory(host).facts = facts
        return world

    def _keep_facts(self, world: World) -> None:
        """For the next run, of every host whose facts are other ones now."""
        cache = _fact_cache(self.request.settings)
        if cache is not None:
            for host, memory in world.memories.items():
                if memory.facts_version:
                    cache.write(host, memory.facts)

    def _end(self, world: World, code: int) -> None:
        self._keep_facts(world)
        hosts = {host: memory for host, memory in world.memories.items() if memory.counts}
        if self.recorder is not None:
            self.recorder.flush()
            if self.recorder.problem:
                self.sinks.handle(Warned(f"this run is not recorded: {self.recorder.problem}"))
        self.sinks.handle(RunEnded(
            code, {host: memory.stats() for host, memory in hosts.items()},
            (time.monotonic() - self.started) * 1000,
            {host: memory.round_trips for host, memory in hosts.items()}))


def _fact_cache(settings: Settings) -> FactCache | None:
    if settings.fact_caching != "jsonfile" or settings.fact_caching_connection is None:
        return None
    return FactCache(Path(settings.fact_caching_connection), settings.fact_caching_timeout,
                     settings.fact_caching_prefix)


def exit_code(finish: Finish) -> int:
    """2 when a host failed, 4 when one was unreachable; both together as bits."""
    code = SUCCESS
    if finish.failed:
        code |= HOST_FAILED
    if finish.unreachable:
        code |= HOST_UNREACHABLE
    return code
