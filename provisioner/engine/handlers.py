"""Which handlers a notification means. The table only grows, so a handler's number stays its identity."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from provisioner.diag import TemplateError
from provisioner.engine.program import Program, compile_nodes
from provisioner.lang.model import HandlerSection, Include, Task
from provisioner.values import Template, Value

Render = Callable[[Value], Value]


def _task_of(handler: Task | Include) -> Task:
    return handler.task if isinstance(handler, Include) else handler


def _names(section: HandlerSection, handler: Task | Include, render: Render) -> tuple[str, ...]:
    """What a handler is called. Its name is rendered without any host: all hosts share the handlers."""
    try:
        name = render(_task_of(handler).name)
    except TemplateError:
        return ()
    return _spelt(section, name) if isinstance(name, str) and name else ()


def _spelt(section: HandlerSection, name: str) -> tuple[str, ...]:
    """A name or topic with and without the role; the role of a collection is also called without the collection."""
    if section.role is None:
        return (name,)
    roles = dict.fromkeys([section.role.name, section.role.name.rpartition(".")[2]])
    return name, *(f"{role} : {name}" for role in roles)


def _topics(section: HandlerSection, handler: Task | Include) -> tuple[str, ...]:
    return tuple(spelt for topic in _task_of(handler).listen for spelt in _spelt(section, str(topic)))


@dataclass(slots=True)
class HandlerTable:
    """All handlers of a play in definition order, found by name or topic."""

    sections: list[HandlerSection] = field(default_factory=list)
    render: Render = lambda value: value
    """Renders names from what is known of the play."""
    _program: Program | None = None
    _looked_at: int = 0
    """Sections of which the unusable handlers were told."""

    def add(self, section: HandlerSection) -> None:
        """Append a section (a role that was included while the play ran). A role's handlers are there once,
        however often it is included."""
        if not any(known.role is not None and section.role is not None and known.role.path == section.role.path
                   and len(known.handlers) == len(section.handlers) for known in self.sections):
            self.sections.append(section)
            self._program = None

    @property
    def program(self) -> Program:
        """All handlers as a program: operation n is handler number n."""
        if self._program is None:
            self._program = compile_nodes(handler for section in self.sections for handler in section.handlers)
        return self._program

    def find(self, notification: str) -> frozenset[int]:
        """Numbers of the handlers meant: the named one, and all that listen to the topic.

        Of several with one name the last section's wins, and inside a section the first; of those that listen, too.
        """
        by_name: int | None = None
        listening: dict[str | int, int] = {}
        number = 0
        for section in self.sections:
            named_here: int | None = None
            listening_here: dict[str | int, int] = {}
            for handler in section.handlers:
                names = _names(section, handler, self.render)
                if named_here is None and notification in names:
                    named_here = number
                if notification in _topics(section, handler):
                    listening_here.setdefault(names[0] if names else number, number)
                number += 1
            by_name = by_name if named_here is None else named_here
            listening.update(listening_here)
        return frozenset({*listening.values(), *(() if by_name is None else (by_name,))})

    def newly_unusable(self) -> list[str]:
        """Warnings about handlers that nothing can notify, each told once."""
        fresh, self._looked_at = self.sections[self._looked_at:], len(self.sections)
        tasks = (_task_of(handler) for section in fresh for handler in section.handlers
                 if not _names(section, handler, self.render) and not _topics(section, handler))
        return [f"Handler '{task.name.source}' is unusable: it has no topic to listen to, and its name cannot be "
                f"rendered without a host ({task.span})" for task in tasks if isinstance(task.name, Template)]

    def known(self) -> Iterable[str]:
        """Every name and topic, for near names."""
        for section in self.sections:
            for handler in section.handlers:
                yield from _names(section, handler, self.render)
                yield from _topics(section, handler)
