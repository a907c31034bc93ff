"""What an expanding action is given: the real `actions.base.Expansion`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provisioner.engine.batch import Batch
from provisioner.engine.entry import Entry
from provisioner.engine.scopes import search_path
from provisioner.lang.model import Task
from provisioner.template.templar import Templar
from provisioner.values import Condition, HostName, Unknown, Value
from provisioner.vars.scope import Scope

if TYPE_CHECKING:
    from provisioner.actions.base import Expansion


@dataclass(frozen=True, slots=True)
class TaskExpansion:
    batch: Batch
    templar: Templar
    entry: Entry
    args: Mapping[str, Any]
    scope: Scope

    @property
    def task(self) -> Task:
        return self.entry.task

    @property
    def host(self) -> HostName:
        return self.entry.host

    @property
    def check(self) -> bool:
        return self.entry.check

    @property
    def diff(self) -> bool:
        return self.entry.diff

    @property
    def verbosity(self) -> int:
        return self.batch.world.options.verbosity

    @property
    def managed(self) -> str:
        return self.batch.world.options.managed

    @property
    def search(self) -> tuple[str, ...]:
        return tuple(search_path(self.entry.task, self.batch))

    def ask(self, effect: Any) -> Any:
        return self.scope.effects.ask(effect)

    def render(self, value: Value) -> Value:
        return self.templar.render(value, self.scope)

    def render_text(self, source: str, *, name: str, variables: Mapping[str, Any] | None = None,
                    options: Mapping[str, Any] | None = None) -> str | Unknown:
        scope = self.scope.with_layer("template", variables) if variables else self.scope
        text: str | Unknown = self.templar.render_text(source, scope, name=name, overrides=options)
        return text

    def condition(self, condition: Condition) -> bool | Unknown:
        return self.templar.condition(condition, self.scope)

    def evaluate(self, expression: Condition) -> Value:
        return self.templar.evaluate(expression, self.scope)

    def show(self, expression: Condition) -> tuple[Value, list[str]]:
        return self.templar.show(expression, self.scope)

    def variable(self, name: str) -> Value:
        return self.scope.get(name)


if TYPE_CHECKING:
    def _is_expansion(value: TaskExpansion) -> Expansion:
        return value
