"""Expands an action's task without engine or playbook, and runs what it gives in this very process.

work = expand(copy, {"src": "a.txt", "dest": "/tmp/x"}, search=[playbook_directory])
result = run(work)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from provisioner.actions.base import Done, HostWork
from provisioner.effects import answer
from provisioner.lang.model import Task
from provisioner.messages import Content
from provisioner.template.effects import EffectFailed, EffectFailure
from provisioner.template.templar import Templar
from provisioner.testing.inprocess import run_module
from provisioner.values import Condition, HostName, Unknown, Value
from provisioner.vars.scope import Scope

if TYPE_CHECKING:
    from provisioner.actions.base import Expansion


@dataclass(frozen=True)
class LocalExpansion:
    """An `Expansion` whose effects are answered at once."""

    args: Mapping[str, Any]
    search: tuple[str, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    check: bool = False
    diff: bool = True
    verbosity: int = 0
    host: HostName = HostName("h1")
    templar: Templar = field(default_factory=Templar)
    managed: str = ""

    @property
    def task(self) -> Task:
        raise NotImplementedError("these tests have no task")

    @property
    def scope(self) -> Scope:
        return Scope(self.templar, [("variables", self.variables)])

    def ask(self, effect: Any) -> Any:
        found = answer(effect, search_paths=self.search)
        if isinstance(found, EffectFailure):
            raise EffectFailed(found.message)
        return found

    def render(self, value: Value) -> Value:
        return self.templar.render(value, self.scope)

    def render_text(
        self,
        source: str,
        *,
        name: str,
        variables: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> str | Unknown:
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


def expand(
    action: ModuleType, args: Mapping[str, Any], *, search: Sequence[str | Path] = (), **options: Any
) -> HostWork | Done:
    """What `action.expand` makes of the arguments. `options` are fields of `LocalExpansion`."""
    work = action.expand(LocalExpansion(args, tuple(map(str, search)), **options))
    assert isinstance(work, (HostWork, Done))
    return work


def run(work: HostWork | Done, **options: Any) -> dict[str, Any]:
    """The result of the host's half, in this process; `options` are those of `run_module`."""
    if isinstance(work, Done):
        return dict(work.result)
    contents = [Content(c.sha256, c.size, data=c.path.read_bytes() if c.path else c.data) for c in work.contents]
    return run_module(work.module, work.args, contents=contents, **options)


if TYPE_CHECKING:

    def _is_expansion(value: LocalExpansion) -> Expansion:
        return value
