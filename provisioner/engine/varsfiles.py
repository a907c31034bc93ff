"""`vars_files`: files that a play names for all of its hosts, and files whose names depend on the host."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from provisioner.diag import Span, UndefinedVariable
from provisioner.engine.targets import opened
from provisioner.lang.model import Play
from provisioner.template.effects import Effect
from provisioner.template.templar import Templar
from provisioner.values import Value
from provisioner.vars.scope import Layer, Scope

Load: TypeAlias = Callable[[Effect], Mapping[str, Value]]


@dataclass(frozen=True, slots=True)
class VarsFile:
    """An entry of `vars_files`: of several names the first that there is counts."""

    names: tuple[Value, ...]
    playbook: str
    span: Span

    def wanted(self, templar: Templar, scope: Scope) -> Effect:
        """What asks for its variables; raises as rendering does where `scope` does not have all of its names."""
        candidates = tuple(str(opened(templar.render(name, scope))) for name in self.names)
        return Effect("vars_file", candidates, (("playbook", self.playbook), ("span", self.span)))


Entry: TypeAlias = VarsFile | Mapping[str, Value]
"""A file whose name only a host can tell, or the variables of one that is the same for all of them."""


def entries_of(play: Play) -> tuple[VarsFile, ...]:
    return tuple(VarsFile(tuple(entry) if isinstance(entry, (tuple, list)) else (entry,), play.file, play.span)
                 for entry in play.vars_files)


def for_all(entries: Sequence[Entry]) -> tuple[Layer, ...]:
    """The layers that need no host, later files winning."""
    return tuple(("vars_files", entry) for entry in entries if isinstance(entry, Mapping))


def for_host(entries: Sequence[Entry], templar: Templar, scope: Scope, load: Load, *, has_facts: bool
             ) -> Iterator[Layer]:
    """The layers of one host, whose `scope` names its files.

    An entry with a name that is not known is left out until the host has facts, which may bring it; then it is
    a mistake.
    """
    for entry in entries:
        if isinstance(entry, Mapping):
            yield "vars_files", entry
            continue
        try:
            wanted = entry.wanted(templar, scope)
        except UndefinedVariable:
            if has_facts:
                raise
            continue
        yield "vars_files", load(wanted)
