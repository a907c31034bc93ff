"""The engine: a playbook and an inventory in, commands out, inputs in. No I/O, no clock, no threads.

    engine = Engine(playbook, world, templar, modules)
    commands = engine.start()
    while commands: …carry them out…; commands = engine.feed(input)

The last command is `Finish`. Errors that end the whole run (an unknown handler) are raised by `feed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from provisioner.diag import Diagnostic, InputError, TemplateError, UndefinedVariable, UsageError
from provisioner.engine import varsfiles
from provisioner.engine.batch import Batch, World
from provisioner.engine.cursor import start
from provisioner.engine.handlers import HandlerTable
from provisioner.engine.hoststate import HostState
from provisioner.engine.modules import Modules
from provisioner.engine.program import Program, Run, compile_sections
from provisioner.engine.resolve import TaskResolver
from provisioner.engine.routines import WAIT, Routine, Scheduler
from provisioner.engine.scopes import Scopes
from provisioner.engine.starting import starting_at
from provisioner.engine.strategy import BatchRun
from provisioner.engine.targets import opened
from provisioner.events import NoHosts, PlayStarted, Warned
from provisioner.lang.model import Node, Play, Playbook, Task
from provisioner.messages import Answered, Ask, Command, Emit, Finish, Input
from provisioner.remote.spec import to_bool
from provisioner.template.effects import Effect, NeedEffect
from provisioner.template.templar import Templar
from provisioner.values import OMIT, HostName, Value, drop_omitted
from provisioner.vars.scope import Scope

STRATEGIES = ("linear", "lockstep", "free", "host_pinned")


@dataclass(slots=True)
class Engine:
    playbooks: Sequence[Playbook]
    world: World
    templar: Templar
    modules: Modules
    _scheduler: Scheduler = field(default_factory=Scheduler)

    def start(self) -> list[Command]:
        return self._scheduler.start(self._run())

    def feed(self, given: Input) -> list[Command]:
        return self._scheduler.feed(given)

    # -- plays ------------------------------------------------------------------------------------------------

    def _run(self) -> Routine[None]:
        number = 0
        for playbook in self.playbooks:
            for play in playbook.plays:
                number += 1
                goes_on = yield from self._play(play, number)
                if not goes_on:
                    yield self._finish()
                    return
        yield self._finish()

    def _finish(self) -> Finish:
        wanted = self.world.options.start_at_task
        if wanted is not None and not self.world.started:
            raise UsageError(f"no task of these playbooks is called `{wanted}` (`--start-at-task`)",
                             hint="`--list-tasks` shows their names")
        memories = self.world.memories.items()
        return Finish(frozenset(host for host, memory in memories if memory.failed),
                      frozenset(host for host, memory in memories if memory.unreachable))

    def _play(self, play: Play, number: int) -> Routine[bool]:
        """One play; False when the playbook must end here: nobody of a batch is left."""
        prompted = yield from self._prompts(play)
        context = _PlayKeywords(play, self.templar, self.world, prompted)
        pattern = context.pattern()
        name = context.name()
        matched = self.world.inventory.hosts(pattern, self.world.options.limit)
        hosts = context.ordered(host for host in matched if not self._is_out(host))
        if context.is_shuffled():
            hosts = [hosts[index] for index in (yield from self._asked(Effect("shuffle", (len(hosts),))))]
        everybody = tuple(context.ordered(matched))
        yield Emit(PlayStarted(name, tuple(hosts), f"{play.span.file}:{play.span.line}"))
        for warning in self.world.inventory.unmatched(pattern):
            yield Emit(Warned(warning.words, str(play.span)))
        if not hosts:
            yield Emit(NoHosts(name, "" if not matched else "all of them failed before"))
            return True
        vars_files = yield from self._vars_files(play, context.scope)
        program = self._program(play, context)
        for slice_ in context.batches(hosts):
            batch = Batch(play, self.world, number, name, tuple(hosts), everybody,
                          handlers=HandlerTable(list(play.handlers), context.render),
                          force_handlers=self.world.options.force_handlers if play.force_handlers is None
                          else context.flag(play.force_handlers),
                          vars_files=vars_files, prompted=prompted, roles=list(play.used_roles))
            for host in slice_:
                memory = self.world.memory(host)
                cursor = start(program)
                if context.knows_enough(memory.facts) and _begins_with_gathering(program):
                    cursor = cursor.step()
                batch.states[host] = HostState(host, memory, cursor)
            resolver = TaskResolver(batch, Scopes(batch, self.templar), self.templar, self.modules)
            yield from BatchRun(batch, resolver, context.strategy(), context.flag(play.any_errors_fatal),
                                context.percentage()).run()
            if all(self._is_out(host) for host in slice_):
                return False
            if batch.ends_play:
                break
        return True

    def _is_out(self, host: HostName) -> bool:
        memory = self.world.memory(host)
        return memory.failed or memory.unreachable

    def _program(self, play: Play, context: _PlayKeywords) -> Program:
        options = self.world.options
        gathering: tuple[Node, ...] = (_gather(play),) if context.gathers() else ()
        sections: list[tuple[Node, ...]] = [play.pre_tasks, (*play.roles, *play.tasks), play.post_tasks]
        if options.start_at_task is not None and not self.world.started:
            rest = starting_at(sections, options.start_at_task)
            self.world.started = rest is not None
            sections, gathering = rest or [(), (), ()], gathering if rest else ()
        return compile_sections(options.tags.select(nodes) for nodes in (
            (*gathering, *sections[0]), *sections[1:]))

    def _prompts(self, play: Play) -> Routine[Mapping[str, Value]]:
        """What somebody types for `vars_prompt`; who gave a variable with `-e` is not asked for it."""
        context = _PlayKeywords(play, self.templar, self.world)
        typed: dict[str, Value] = {}
        for prompt in play.vars_prompt:
            if prompt.name in self.world.options.extra_vars:
                continue
            text, default = context.render(prompt.text), context.render(prompt.default)
            asked = Effect("prompt", (prompt, str(text or prompt.name), None if default is None else str(default)))
            typed[prompt.name] = yield from self._asked(asked)
        return typed

    def _asked(self, effect: Effect) -> Routine[Any]:
        yield Ask(self.world.number(), effect)
        answered = yield WAIT
        assert isinstance(answered, Answered)
        if answered.error is not None:
            raise answered.error
        return answered.value

    def _vars_files(self, play: Play, scope: Scope) -> Routine[tuple[varsfiles.Entry, ...]]:
        """The variables of `vars_files`; where only a host can tell which file it is, the entry as it stands."""
        found: list[varsfiles.Entry] = []
        for entry in varsfiles.entries_of(play):
            try:
                wanted = entry.wanted(self.templar, scope)
            except (UndefinedVariable, NeedEffect):
                found.append(entry)
            else:
                found.append((yield from self._asked(wanted)))
        return tuple(found)


def _begins_with_gathering(program: Program) -> bool:
    first = program.ops[0]
    return isinstance(first, Run) and first.keywords.implicit


def _gather(play: Play) -> Task:
    """The task that gathers facts, with the play's own keywords."""
    args: dict[str, Any] = {}
    if play.gather_subset is not None:
        args["gather_subset"] = play.gather_subset
    if play.gather_timeout is not None:
        args["gather_timeout"] = play.gather_timeout
    if play.fact_path is not None:
        args["fact_path"] = play.fact_path
    plain = play.template or Task("setup", {}, play.span, file=play.file)
    return replace(plain, module="setup", args=args, name="Gathering Facts", span=play.span,
                   tags=play.tags | {"always"}, implicit=True)


@dataclass(slots=True)
class _PlayKeywords:
    """Renders the keywords of a play; they see extra variables and the play's own."""

    play: Play
    templar: Templar
    world: World
    prompted: Mapping[str, Value] = field(default_factory=dict)
    scope: Scope = field(init=False)

    def __post_init__(self) -> None:
        batch = Batch(self.play, self.world, 0, "", (), prompted=self.prompted)
        self.scope = Scopes(batch, self.templar).of_play()

    def render(self, value: Value) -> Value:
        """The value; None and shorter lists where it comes out as `omit`."""
        rendered = drop_omitted(self.templar.render(value, self.scope))
        return None if rendered is OMIT else opened(rendered)

    def flag(self, value: Value, default: bool = False) -> bool:
        rendered = self.render(value)
        try:
            return default if rendered is None else to_bool(rendered)
        except ValueError as error:
            raise self._wrong(str(error)) from None

    def _wrong(self, detail: str) -> InputError:
        return InputError([Diagnostic("Wrong keyword of a play", detail, self.play.span)])

    def name(self) -> str:
        if self.play.name is None:
            hosts = self.render(self.play.hosts)
            return ",".join(map(str, hosts)) if isinstance(hosts, (list, tuple)) else str(hosts)
        try:
            return str(self.render(self.play.name))
        except TemplateError:
            return str(getattr(self.play.name, "source", self.play.name))

    def pattern(self) -> str:
        try:
            hosts = self.render(self.play.hosts)
        except TemplateError as error:
            raise InputError([Diagnostic("The hosts of a play are not known", error.message,
                                         error.span or self.play.span, error.hint)]) from None
        return ",".join(map(str, hosts)) if isinstance(hosts, (list, tuple)) else str(hosts)

    def gathers(self) -> bool:
        return self.flag(self.play.gather_facts, default=self.world.options.gathering != "explicit")

    def knows_enough(self, facts: Mapping[str, Any]) -> bool:
        """Whether gathering would bring nothing new, in the manner called `smart`."""
        return self.world.options.gathering == "smart" and "ansible_gather_subset" in facts

    def strategy(self) -> str:
        name = str(self.render(self.play.strategy) or self.world.options.strategy or "linear")
        return name.rpartition(".")[2]

    def percentage(self) -> float | None:
        value = self.render(self.play.max_fail_percentage)
        try:
            return None if value is None else float(value)
        except (TypeError, ValueError):
            raise self._wrong(f"`max_fail_percentage` must be a number, not {value!r}") from None

    def ordered(self, hosts: Iterable[HostName]) -> list[HostName]:
        found = list(hosts)
        match self.render(self.play.order):
            case "sorted":
                return sorted(found)
            case "reverse_sorted":
                return sorted(found, reverse=True)
            case "reverse_inventory":
                return found[::-1]
        return found

    def is_shuffled(self) -> bool:
        return bool(self.render(self.play.order) == "shuffle")

    def batches(self, hosts: Sequence[HostName]) -> Iterator[Sequence[HostName]]:
        """`serial`: numbers or percentages of all hosts; the last one repeats."""
        rendered = self.render(list(self.play.serial))
        sizes = [size for entry in rendered for size in (entry if isinstance(entry, list) else [entry])]
        left, turn = list(hosts), 0
        while left:
            try:
                size = _size(sizes[min(turn, len(sizes) - 1)], len(hosts)) if sizes else len(left)
            except ValueError:
                raise self._wrong(f"`serial` must be numbers or percentages, not {sizes!r}") from None
            yield left[:size]
            left, turn = left[size:], turn + 1


def _size(serial: Value, total: int) -> int:
    text = str(serial).strip()
    number = int(float(text[:-1]) / 100 * total) if text.endswith("%") else int(text)
    if number == 0 and not text.endswith("%"):
        return total
    return max(1, number)
