"""How tasks are referred to in events, and what is told of those that are `meta`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from provisioner.engine.entry import Entry
from provisioner.events import MetaResult, TaskRef
from provisioner.values import HostName

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "flush_handlers": ("triggered running handlers for {host}", "not running handlers for {host}"),
    "end_host": ("ending play for {host}", "continuing execution for {host}"),
    "end_batch": ("ending batch", "continuing current batch"),
    "end_play": ("ending play", "continuing play"),
    "end_role": ("ending role {role} for {host}", "continuing role {role} for {host}"),
    "clear_facts": ("facts cleared", "not clearing facts of {host}"),
    "clear_host_errors": ("cleared host errors", "not clearing host error state for {host}"),
    "reset_connection": ("reset connection", "keeping the connection to {host}"),
    "refresh_inventory": ("inventory successfully refreshed", "keeping the inventory"),
}
"""What a `meta` task has done, and what goes on where its `when` does not hold."""


def reference(entry: Entry) -> TaskRef:
    """The same for every host at the same position of the same play."""
    task = entry.task
    position = "-".join(str(part) for part in entry.cursor.position)
    return TaskRef(f"{entry.play}.{position}", entry.name or task.module, task.module,
                   f"{task.span.file}:{task.span.line}", task.role.name if task.role else "",
                   entry.cursor.in_handlers)


def meta_result(entry: Entry, *, skipped: bool = False) -> MetaResult:
    """What is told of a `meta` task, in the words that people grep."""
    action = str(entry.task.args.get("_raw_params"))
    done, left = _WORDS.get(action, (action, f"no {action}"))
    text = f"{action} conditional evaluated to False, {left}" if skipped else done
    role = entry.task.role.name if entry.task.role else ""
    return MetaResult(entry.host, reference(entry), text.format(host=entry.host, role=role), skipped)


def handlers_flushed(host: HostName) -> MetaResult:
    """At the end of a section; what `meta: flush_handlers` is where a playbook says it."""
    task = TaskRef("flush", "flush_handlers", "meta")
    return MetaResult(host, task, _WORDS["flush_handlers"][0].format(host=host), implicit=True)
