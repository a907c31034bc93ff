"""How a task is referred to in events."""

from __future__ import annotations

from provisioner.engine.entry import Entry
from provisioner.events import TaskRef


def reference(entry: Entry) -> TaskRef:
    """The same for every host at the same position of the same play."""
    task = entry.task
    position = "-".join(str(part) for part in entry.cursor.position)
    return TaskRef(f"{entry.play}.{position}", entry.name or task.module, task.module,
                   f"{task.span.file}:{task.span.line}", task.role.name if task.role else "",
                   entry.cursor.in_handlers)
