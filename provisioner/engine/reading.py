"""Renders the keywords of a task: each to the type it must have, with the place of the task where it has not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.diag import TemplateError, UndefinedVariable
from provisioner.engine.entry import NotKnowable, Skip
from provisioner.engine.loops import item_variables
from provisioner.engine.modules import plain_name
from provisioner.engine.targets import opened
from provisioner.lang.model import Task
from provisioner.messages import Job
from provisioner.remote.spec import to_bool
from provisioner.template.templar import Templar
from provisioner.values import OMIT, Secret, Template, Unknown, drop_omitted
from provisioner.vars.scope import Scope

GATHERS = frozenset({"setup", "gather_facts"})
"""Modules that gather facts."""
JOBS = "~/.ansible_async"
"""Where a host keeps its jobs, where `ansible_async_dir` does not say; people look for them there."""

MAX_TIMEOUT = 100_000_000
"""Seconds that `timeout` may be at most; the same playbook is refused everywhere."""


@dataclass(slots=True)
class Reading:
    """Renders the keywords of one task in its scope."""

    templar: Templar
    task: Task
    scope: Scope

    def render(self, value: Any) -> Any:
        return self.templar.render(value, self.scope)

    def name(self) -> str:
        """For people: a name that cannot be rendered is shown as it is written."""
        if self.task.name is None:
            return ""
        try:
            rendered = self.render(self.task.name)
        except TemplateError:
            rendered = None
        if rendered is None or isinstance(rendered, Unknown):
            return str(getattr(self.task.name, "source", self.task.name))
        return str(rendered)

    def module(self) -> str:
        """The module that a template names. One that cannot be rendered stays as written: no module is called so."""
        try:
            rendered = self.render(Template(self.task.module, self.task.span))
        except TemplateError:
            return self.task.module
        return plain_name(rendered) if isinstance(rendered, str) else self.task.module

    def text(self, value: Any) -> str | None:
        rendered = opened(self.render(value))
        return None if rendered is None or rendered is OMIT else str(rendered)

    def boolean(self, value: Any, keyword: str, default: bool) -> bool:
        rendered = self.render(value)
        if rendered is None or rendered is OMIT:
            return default
        try:
            return to_bool(opened(rendered))
        except ValueError as error:
            raise TemplateError(f"`{keyword}`: {error}", span=self.task.span) from None

    def number(self, value: Any, default: float) -> float:
        rendered = self.render(value)
        if rendered is None or rendered is OMIT:
            return default
        try:
            return float(opened(rendered))
        except (TypeError, ValueError):
            raise TemplateError(f"a number is expected, not {rendered!r}", span=self.task.span) from None

    def timeout(self) -> float | None:
        """Seconds that the task may take; None for as long as it likes, which is 0 where it is written."""
        seconds = self.number(self.task.timeout, 0.0)
        if not 0 <= seconds <= MAX_TIMEOUT:
            raise TemplateError(f"Timeout {seconds:.12g} is invalid, it must be between 0 and {MAX_TIMEOUT}",
                                span=self.task.span)
        return seconds or None

    def job(self) -> Job | None:
        seconds = self.number(self.task.async_, 0.0)
        if seconds <= 0:
            return None
        try:
            folder = opened(self.scope.get("ansible_async_dir"))
        except KeyError:
            folder = None
        return Job(seconds, str(folder or JOBS))

    def environment(self) -> dict[str, str | Secret]:
        merged: dict[str, str | Secret] = {}
        for layer in self.task.environment:
            rendered = drop_omitted(self._environment_layer(layer))
            if rendered is OMIT or rendered in (None, ""):
                continue
            if not isinstance(rendered, Mapping):
                raise TemplateError("`environment` must be a mapping", span=self.task.span)
            merged.update((str(name), value if isinstance(value, Secret) else str(value))
                          for name, value in rendered.items())
        return merged

    def _environment_layer(self, layer: Any) -> Any:
        """Rendered; before facts are gathered a play's variables that are made of `ansible_env` are left out."""
        if self.task.module not in GATHERS or not isinstance(layer, Mapping):
            return self.render(layer)
        known: dict[Any, Any] = {}
        for name, value in layer.items():
            try:
                known[name] = self.render(value)
            except UndefinedVariable as error:
                if error.name not in ("ansible_env", "env"):
                    raise
        return known

    def item_variables(self, items: Sequence[Any], index: int) -> dict[str, Any]:
        assert self.task.loop is not None
        return item_variables(self.task.loop, items, index, self.render)

    def keywords_see_items(self) -> bool:
        """Whether keywords (not arguments) name what the loop sets."""
        task = self.task
        if task.loop is None:
            return False
        control = task.loop.control
        mentioned = self.scope.reads([
            task.delegate_to, task.delegate_facts, task.environment, task.become.enabled, task.become.user,
            task.become.method, task.become.flags, task.become.exe, task.connection, task.remote_user, task.port,
            task.check_mode, task.diff, task.no_log, task.ignore_errors, task.ignore_unreachable, task.timeout,
            task.delay, task.retries]).variables
        return bool(mentioned & {str(control.loop_var), str(control.index_var), "ansible_loop"})

    def reads_own_result(self) -> bool:
        """Whether an item may go by the one before it, or be shown by its own result."""
        label = self.task.loop.control.label if self.task.loop is not None else None
        return self.task.register is not None and (
            self.task.register in self.scope.reads([self.task.args, list(self.task.when), label]).variables)

    def skip(self) -> Skip | NotKnowable | None:
        """What `when` says: None to go on."""
        for condition in self.task.when:
            held = self.templar.condition(condition, self.scope)
            if isinstance(held, Unknown):
                return NotKnowable(held.reason)
            if not held:
                return Skip(condition.source)
        return None
