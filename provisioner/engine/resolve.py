"""Makes a task ready for a host: renders everything, decides `when`, finds the target. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from provisioner.actions.base import Done, HostWork
from provisioner.diag import TemplateError, UndefinedVariable, near
from provisioner.engine.batch import Batch
from provisioner.engine.entry import Broken, Drive, Enclose, Entry, Item, Later, Meta, NotKnowable, Skip, Work
from provisioner.engine.expansion import TaskExpansion
from provisioner.engine.hoststate import Ahead
from provisioner.engine.includes import include_work
from provisioner.engine.judge import Evaluate, Judged, aggregate, broken, cannot_break, failure, judge, skipped
from provisioner.engine.loops import loop_items
from provisioner.engine.modules import ModuleInfo, Modules, arguments
from provisioner.engine.program import Run
from provisioner.engine.reading import Reading
from provisioner.engine.resources import resource
from provisioner.engine.scopes import Scopes
from provisioner.engine.targets import LOCAL_NAMES, become_of, keywords_of, target_of
from provisioner.lang.model import WHOLE, Include, Task, is_from_template
from provisioner.messages import Become, Delegate, Target
from provisioner.remote.spec import ArgumentError
from provisioner.template.marks import Signal
from provisioner.template.templar import Templar
from provisioner.values import OMIT, Condition, HostName, Secret, Template, Unknown, contains_unknown, drop_omitted
from provisioner.vars.scope import Scope

RETRIES = 3
DELAY = 5.0
POLL = 15.0
"""Seconds between two looks at an `async` job, where the task does not say."""
KEEPS_UNKNOWN = frozenset({"set_fact"})
"""Modules that may be given values nobody knows yet: they only pass them on."""


@dataclass(slots=True)
class TaskResolver:
    batch: Batch
    scopes: Scopes
    templar: Templar
    modules: Modules

    # -- the planner's interface ----------------------------------------------------------------------------

    def resolve(self, host: HostName, ahead: Ahead, *, others_pending: bool) -> Entry:
        entry = self._resolve(host, ahead, others_pending=others_pending)
        if not self.batch.world.options.fixes:
            return entry
        return replace(entry, items=tuple(self._fixed(host, item) for item in entry.items))

    def _fixed(self, host: HostName, item: Item) -> Item:
        fixes = (host, item.resource) in self.batch.world.options.fixes
        return replace(item, fixes=True) if fixes else item

    def _resolve(self, host: HostName, ahead: Ahead, *, others_pending: bool) -> Entry:
        op = ahead.cursor.op
        assert isinstance(op, Run)
        task = op.keywords
        scope = self.scopes.of_task(host, task, ahead, shared_pending=others_pending)
        reading = Reading(self.templar, task, scope)
        name = reading.name()
        if is_from_template(task.module):
            task = replace(task, module=reading.module())
            reading = replace(reading, task=task)
        shell = Entry(host, ahead.cursor, task, op.task, self.batch.number, name, (), task.loop is not None,
                      Target(host))
        if ahead.cursor.top.handlers and not ahead.notified.get(ahead.cursor.top.pc, True):
            reason = "notified only by tasks of which check mode cannot tell whether they change anything"
            return replace(shell, items=(Item(NotKnowable(reason)),), looped=False)
        try:
            shell = self._with_protection(shell, reading)
            found = loop_items(task.loop, scope, self.templar, task.module) if task.loop is not None else None
            return self._with_items(shell, reading, ahead, found)
        except TemplateError as error:
            return replace(shell, items=(Item(self._unless_skipped(reading, error)),), looped=False)

    def _with_items(self, shell: Entry, reading: Reading, ahead: Ahead, found: list[Any] | Unknown | None) -> Entry:
        if found is None:
            entry = self._with_keywords(shell, reading)
            return replace(entry, items=(Item(self._work(entry, reading, {})),))
        if isinstance(found, Unknown):
            return replace(self._with_keywords(shell, reading), items=(Item(NotKnowable(found.reason)),))
        if not reading.keywords_see_items():
            entry = self._with_keywords(shell, reading)
            if found and self._goes_item_by_item(entry, reading):
                first = self._item(entry, reading, found, 0)
                return replace(entry, listed=tuple(found), items=(first, *(Item(Later()) for _ in found[1:])))
            return replace(entry, items=tuple(self._items(entry, reading, ahead, found)))
        # Keywords that name the item are rendered for each; the task then does its items one by one.
        return self._with_own_keywords(shell, reading, ahead, found)

    def _goes_item_by_item(self, entry: Entry, reading: Reading) -> bool:
        """Whether an item is rendered when the one before it is done."""
        info = self.modules.get(entry.task.module)
        if isinstance(entry.source, Include) or (info is not None and info.batch):
            return False
        return entry.patient or reading.reads_own_result()

    def item_at(self, entry: Entry, number: int, before: Sequence[tuple[Item, Judged]]) -> Item:
        """An item that was left for later, with what is to be seen of those before it. Raises `NeedEffect`."""
        variables: dict[str, Any] = {}
        for item, judged in before:
            if isinstance(item.work, Done):
                variables.update(item.work.variables)
            if entry.task.register:
                variables[entry.task.register] = judged.registered
        ahead = Ahead(entry.cursor, variables=variables)
        reading = Reading(self.templar, entry.task, self.scopes.of_task(entry.host, entry.task, ahead))
        return self._fixed(entry.host, self._item(entry, reading, entry.listed, number))

    def with_label(self, entry: Entry, item: Item, judged: Judged) -> tuple[Item, Judged]:
        """A label that names the task's result is made of it; one that can't be makes the item fail."""
        task = entry.task
        if task.loop is None or task.register is None or not entry.listed:
            return item, judged
        scope = self.scopes.of_task(entry.host, task, Ahead(entry.cursor))
        if task.register not in scope.reads(task.loop.control.label).variables:
            return item, judged
        known = {**item.variables, task.register: judged.registered}
        try:
            label = self.templar.render(task.loop.control.label, scope.with_layer("loop", known))
        except TemplateError as error:
            return item, Judged("failed", {**judged.result, **broken(error)})
        return item if isinstance(label, Unknown) else replace(item, label=str(label)), judged

    def _with_own_keywords(self, shell: Entry, reading: Reading, ahead: Ahead, found: list[Any]) -> Entry:
        owners: list[Entry] = []
        for index in range(len(found)):
            variables = reading.item_variables(found, index)
            scope = self.scopes.of_item(reading.scope, shell.host, shell.cursor, index, variables)
            owners.append(self._with_keywords(shell, replace(reading, scope=scope)))
        if not owners:
            return shell
        items = self._items(owners[0], reading, ahead, found)
        return replace(owners[0], delegate=None, items=tuple(
            replace(item, own=owner) for item, owner in zip(items, owners, strict=True)))

    def known(self, entry: Entry, ahead: Ahead) -> Judged | None:
        if any(isinstance(item.work, (HostWork, Drive, Meta, Enclose)) for item in entry.items):
            return None
        judged = self.judge_nothing_done(entry, ahead)
        return aggregate(judged) if entry.looped else judged[0]

    def writes_facts(self, entry: Entry) -> bool:
        info = self.modules.get(entry.task.module)
        return info is not None and info.facts

    # -- after a result -------------------------------------------------------------------------------------

    def judge_nothing_done(self, entry: Entry, ahead: Ahead | None = None) -> list[Judged]:
        """The results of an entry none of whose items needs anybody."""
        return [self.judge_item(entry, item, raw, ahead or Ahead(entry.cursor)) for item in entry.items
                if (raw := raw_result(item.work)) is not None]

    def evaluator(self, entry: Entry, item: Item, ahead: Ahead | None = None) -> Evaluate:
        """Evaluates the task's own conditions about a result (`changed_when`, `until` …)."""
        scope: Scope | None = None

        def evaluate(condition: Condition, variables: Mapping[str, Any]) -> bool | Unknown:
            nonlocal scope
            if scope is None:
                scope = self.scopes.of_task(entry.host, entry.task, ahead or Ahead(entry.cursor))
            return self.templar.condition(condition, scope.with_layer("loop", {**item.variables, **variables}))

        return evaluate

    def all_hold(self, conditions: Sequence[Condition], entry: Entry, item: Item, judged: Judged) -> bool:
        """Whether all conditions hold for the result (`break_when`)."""
        evaluate = self.evaluator(entry, item)
        variables = {entry.task.register: judged.result} if entry.task.register else {}
        return all(evaluate(condition, variables) is True for condition in conditions)

    def judge_item(self, entry: Entry, item: Item, raw: Mapping[str, Any], ahead: Ahead) -> Judged:
        """A raw result under the task's conditions; loop variables become part of it."""
        loop_var = item.variables.get("ansible_loop_var")
        extra = {str(loop_var): item.variables[str(loop_var)], "ansible_loop_var": loop_var} if loop_var else {}
        task = entry.task
        if isinstance(item.work, (Skip, Broken, NotKnowable)):
            task = replace(task, changed_when=None, failed_when=None)
        return judge({**raw, **extra}, task, self.evaluator(entry, item, ahead))

    def notifications(self, entry: Entry, items: Sequence[Item], ahead: Ahead | None = None) -> list[str]:
        """The names that `notify` means for these items, each once. Raises TemplateError."""
        scope = self.scopes.of_task(entry.host, entry.task, ahead or Ahead(entry.cursor))
        names: dict[str, None] = {}
        for item in items:
            for value in entry.task.notify:
                rendered = self.templar.render(value, scope.with_layer("loop", item.variables))
                for name in rendered if isinstance(rendered, (list, tuple)) else [rendered]:
                    names[str(name)] = None
        return list(names)

    def may_fail_unseen(self, entry: Entry, ahead: Ahead) -> bool:
        """Whether the controller may call the task failed although the host does not, and so would go on."""
        if any(isinstance(item.work, Broken) or (isinstance(item.work, Done) and item.work.result.get("failed"))
               for item in entry.items):
            return True
        info = self.modules.get(entry.task.module)
        fields = frozenset(info.spec.returns) if info is not None and info.spec is not None else frozenset[str]()
        if any(not cannot_break(condition, entry.task.register, fields) for condition in entry.task.changed_when or ()):
            return True
        try:
            names = self.notifications(entry, entry.items, ahead) if entry.task.notify else []
        except (TemplateError, Signal):
            return True
        return not all(self.batch.handlers.find(name) for name in names)

    # -- keywords -------------------------------------------------------------------------------------------

    def _with_protection(self, entry: Entry, reading: Reading) -> Entry:
        """What must hold even when another keyword turns out to be wrong."""
        if entry.task.loop is not None and reading.keywords_see_items():
            return entry
        return replace(entry, no_log=reading.boolean(entry.task.no_log, "no_log", False),
                       ignore_errors=reading.boolean(entry.task.ignore_errors, "ignore_errors", False),
                       run_once=self._is_once(entry.task, reading))

    def _is_once(self, task: Task, reading: Reading) -> bool:
        info = self.modules.get(task.module)
        return reading.boolean(task.run_once, "run_once", False) or (info is not None and info.once)

    def _with_keywords(self, entry: Entry, reading: Reading) -> Entry:
        task, options = entry.task, self.batch.world.options
        delegate = reading.text(task.delegate_to)
        if delegate == entry.host:
            delegate = None
        by_default = options.check and not (options.fixes and entry.cursor.in_handlers)  # only what is fixed notifies
        check = reading.boolean(task.check_mode, "check_mode", by_default)
        target, become = self._reach(entry.host, HostName(delegate) if delegate else None, task, reading)
        retries = 0
        if task.until is not None or task.retries is not None:
            retries = max(int(reading.number(task.retries, RETRIES)), 0)
        pause = reading.number(task.loop.control.pause, 0.0) if task.loop else 0.0
        return replace(
            entry, target=target, become=become, environment=reading.environment(), check=check,
            diff=reading.boolean(task.diff, "diff", options.diff), no_log=reading.boolean(task.no_log, "no_log", False),
            ignore_errors=reading.boolean(task.ignore_errors, "ignore_errors", False),
            ignore_unreachable=reading.boolean(task.ignore_unreachable, "ignore_unreachable", False),
            any_errors_fatal=reading.boolean(task.any_errors_fatal, "any_errors_fatal", False),
            run_once=self._is_once(task, reading),
            delegate=HostName(delegate) if delegate else None,
            delegate_facts=reading.boolean(task.delegate_facts, "delegate_facts", False),
            throttle=int(reading.number(task.throttle, 0.0)), job=reading.job(),
            poll=reading.number(task.poll, options.poll_interval or POLL),
            timeout=reading.timeout(), retries=retries, delay=reading.number(task.delay, DELAY), pause=pause)

    def _reach(self, host: HostName, delegate: HostName | None, task: Task,
               reading: Reading) -> tuple[Target, Become | None]:
        keywords = dict(keywords_of(task, reading.render))
        scope, machine = reading.scope, host
        if delegate is not None:
            scope, machine = self.scopes.of_host(delegate), delegate
            keywords.pop("port", None)
        defaults = self.batch.world.options.connection

        def lookup(name: str) -> Any:
            try:
                value = scope.get(name)
            except KeyError:
                return None
            return None if value is OMIT else value

        target = target_of(machine, lookup, keywords.get, defaults, local=machine in LOCAL_NAMES)
        return target, become_of(lookup, keywords.get, defaults, target)

    # -- items ----------------------------------------------------------------------------------------------

    def _items(self, entry: Entry, reading: Reading, ahead: Ahead, found: Sequence[Any]) -> Iterator[Item]:
        """One after the other: a `set_fact` of one item is seen by the next."""
        for index in range(len(found)):
            item = self._item(entry, reading, found, index)
            yield item
            if isinstance(item.work, Done) and item.work.variables:
                ahead = replace(ahead, variables={**ahead.variables, **item.work.variables})
                reading = replace(reading, scope=self.scopes.of_task(entry.host, entry.task, ahead))

    def _unless_skipped(self, reading: Reading, error: TemplateError) -> Work:
        """A loop or a keyword that has something undefined does no harm where `when` does not hold anyway."""
        try:
            if isinstance(error, UndefinedVariable) and isinstance(skip := reading.skip(), Skip):
                return skip
        except TemplateError:
            pass
        return Broken(failure(error))

    def _item(self, entry: Entry, reading: Reading, items: Sequence[Any], index: int) -> Item:
        assert entry.task.loop is not None
        variables = reading.item_variables(items, index)
        scope = self.scopes.of_item(reading.scope, entry.host, entry.cursor, index, variables)
        work = self._work(entry, replace(reading, scope=scope), variables)
        label = entry.task.loop.control.label
        try:
            shown = items[index] if label is None else self.templar.render(
                label, scope)
        except TemplateError:
            shown = items[index]
        return Item(work, variables, str(items[index] if isinstance(shown, Unknown) else shown))

    def _work(self, entry: Entry, reading: Reading, variables: Mapping[str, Any]) -> Work:
        try:
            skip = reading.skip()
            if skip is not None:
                return skip
            if entry.delegate is not None:
                reading = replace(reading, scope=self.scopes.with_delegate(reading.scope, entry.delegate))
            if isinstance(entry.source, Include):
                return include_work(self.batch, entry, entry.source, reading.scope, self.templar, variables)
            return self._module_work(entry, reading.scope)
        except TemplateError as error:
            return Broken(failure(error))

    def _module_work(self, entry: Entry, scope: Scope) -> Work:
        task = entry.task
        if task.module == "meta":
            return Meta(str(task.args.get("_raw_params", "")))
        info = self.modules.get(task.module)
        if info is None and is_from_template(task.module):
            return Broken({"changed": False, "failed": True, "msg": f"no module's name: {task.module}"})
        if info is None:
            return Broken({"changed": False, "failed": True, "msg": (
                f"the module `{task.module}` is known, but provision does not have it")})
        written = {self._argument_name(name, task, scope): value for name, value in task.args.items() if name != WHOLE}
        given = {**self._from_template(task, scope), **written}
        args = drop_omitted({name: self._argument(value, scope) for name, value in
                             arguments(info.spec, given).items()})
        unknown = contains_unknown(args)
        if unknown is not None and task.module not in KEEPS_UNKNOWN:
            return NotKnowable(unknown.reason)
        problems = info.spec.problems(args, _is_plain) if info.spec is not None else []
        if problems:
            wrong = ArgumentError(problems)
            hint = {"hint": wrong.hint} if wrong.hint else {}
            return Broken({"changed": False, "failed": True, "msg": str(wrong), **hint})
        if entry.job is not None and entry.check and not entry.poll:
            return NotKnowable("jobs of `async` are not started in check mode")
        work = self._hand_over(entry, info, args, scope)
        if entry.job is not None and not (isinstance(work, HostWork) and not work.contents):
            return Broken({"changed": False, "failed": True, "msg": f"`{info.name}` can't be run with `async`",
                           "hint": "`async` is for modules that need nothing but the host"})
        return work

    def _argument_name(self, name: str, task: Task, scope: Scope) -> str:
        """Names of arguments may be templates: `set_fact: {"{{ name }}_port": 80}`."""
        if "{{" not in name and "{%" not in name:
            return name
        rendered = self.templar.render(Template(name, task.span), scope)
        if not isinstance(rendered, str):
            raise TemplateError(f"Invalid variable name '{rendered}' of type '{type(rendered).__name__}'",
                                hint="the name of an argument must be a text", span=task.span)
        return rendered

    def _from_template(self, task: Task, scope: Scope) -> Mapping[str, Any]:
        """The arguments of `copy: "{{ arguments }}"`."""
        rendered = self.templar.render(task.args.get(WHOLE), scope)
        if rendered is None or rendered is OMIT:
            return {}
        if isinstance(rendered, Mapping):
            return {str(name): value for name, value in rendered.items()}
        raise TemplateError(f"Finalization of task args failed: they must be a mapping, not {rendered!r}",
                            span=task.span)

    def _argument(self, value: Any, scope: Scope) -> Any:
        """Rendered, but conditions (`that` of assert) stay conditions: the action evaluates them."""
        if isinstance(value, (list, tuple)) and any(isinstance(part, Condition) for part in value):
            return value
        return value if isinstance(value, Condition) else self.templar.render(value, scope)

    def _hand_over(self, entry: Entry, info: ModuleInfo, args: Mapping[str, Any], scope: Scope) -> Work:
        work: Work = HostWork(info.name, args)
        if info.drives:
            work = Drive(info.name, args, info.batch, delegates=self._delegates(entry, info, args, scope))
        elif info.expand is not None:
            work = info.expand(TaskExpansion(self.batch, self.templar, entry, args, scope))
        key = self.batch.world.options.resource_key
        if key and isinstance(work, (HostWork, Drive)) and info.spec is not None and info.spec.identity:
            where = f"{entry.target.address}:{entry.target.port or ''}"
            sent = work if isinstance(work, HostWork) else HostWork(info.name, args)
            return replace(work, resource=resource(where, info.spec, args, sent, key))
        return work

    def _delegates(self, entry: Entry, info: ModuleInfo, args: Mapping[str, Any],
                   scope: Scope) -> Mapping[HostName, Delegate]:
        """How to reach the hosts outside of the play that an action works with, whom to become as the task says."""
        found: dict[HostName, Delegate] = {}
        named = info.delegates(args) if info.delegates is not None else {}
        for argument, name in named.items():
            host, inventory = HostName(name), self.batch.world.inventory
            if host in self.batch.play_hosts:
                continue
            if not inventory.has(host) and host not in LOCAL_NAMES:
                raise TemplateError(f"`{argument}` names {name}, which is no host of the inventory",
                                    hint=near(name, inventory.groups.get("all", ())))  # fmt: skip
            found[host] = Delegate(*self._reach(entry.host, host, entry.task, Reading(self.templar, entry.task, scope)))
        return found


def _is_plain(value: Any) -> bool:
    return not isinstance(value, (Unknown, Secret, Condition))


def raw_result(work: Work) -> Mapping[str, Any] | None:
    """The result of work that needs nobody; None when somebody must do it."""
    match work:
        case Skip():
            return skipped(work.false_condition)
        case Broken():
            return work.result
        case NotKnowable():
            return {"changed": False, "unknown": work.reason}
        case Done():
            return work.result
        case Enclose():
            return {"changed": False, "include": work.path}
        case _:
            return None
