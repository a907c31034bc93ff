"""A plan of machines and its steps, as text. Names and values may come from a provider: all of them are escaped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from provisioner.events import MachinesPlanned, MachineStep, PlannedChange
from provisioner.ui.escape import visible, visible_message

_DOING: Final = {"create": "creating", "update": "changing", "restart": "restarting", "replace": "replacing",
                 "delete": "deleting", "wait": "waiting for", "verify": "verifying"}
_DONE: Final = {"create": "created", "update": "changed", "restart": "restarted", "replace": "replaced",
                "delete": "deleted", "wait": "ready", "verify": "verified"}
_ANYWHERE: Final = {"0.0.0.0/0", "::/0"}
_EFFECTS: Final = {"restart": "stops the machine for it", "replace": "needs a new one", "host": "on the host, over SSH",
                   "later": "new machines only"}


def plan_lines(event: MachinesPlanned) -> Iterator[tuple[str, str]]:
    """(line, kind of colour)."""
    for account in event.accounts:
        yield visible(account), "dim"
    for change in event.changes:
        yield f"  {change.sign} {visible(change.resource)}", _colour(change)
        width = max((len(name) for name, *_ in change.fields), default=0)
        for name, before, after, effect in change.fields:
            yield f"      {name:<{width}}  {_values(change, before, after)}{_remark(change, effect)}", "plain"
        for note in change.notes:
            if not any(note.startswith(f"{name}:") for name, *_ in change.fields):
                yield f"      {visible(note)}", "plain"
    yield summary(event), "plain"
    for remark in event.remarks:
        yield visible(remark), "dim"


def summary(event: MachinesPlanned) -> str:
    """The line with the counts."""
    if not event.changes:
        return f"No changes: {event.unchanged} {_resources(event.unchanged)} as declared."
    counts = {"to create": ("create",), "to change": ("update", "restart"), "to replace": ("replace",),
              "to delete": ("delete",)}
    parts = [f"{sum(change.action in actions for change in event.changes)} {what}" for what, actions in counts.items()]
    text = f"Plan: {', '.join(parts)}; {event.unchanged} unchanged."
    return f"{text} Machines that are made or changed: ${event.monthly} a month." if event.monthly else text


def step_line(event: MachineStep) -> str:
    """`created: [machine web-1] (203.0.113.5, 12.3 s)`; what failed is told in as many lines as the error has."""
    word = {"begun": _DOING, "waiting": _DOING, "done": _DONE}.get(event.phase, {}).get(event.action, event.phase)
    more = [visible(event.text)] if event.text and event.phase != "failed" else []
    if event.ms >= 100:
        more.append(f"{event.ms / 1000:.1f} s")
    line = f"{word}: [{visible(event.resource)}]" + (f" ({', '.join(more)})" if more else "")
    return f"{line}: {visible_message(event.text)}" if event.phase == "failed" else line


def doing(event: MachineStep) -> str:
    """For the live area."""
    return f"{_DOING.get(event.action, event.action)} {visible(event.text)}".strip()


def _values(change: PlannedChange, before: Any, after: Any) -> str:
    return _value(after) if change.action == "create" else f"{_value(before)} -> {_value(after)}"


def _value(value: Any) -> str:
    if isinstance(value, str):
        return visible(value) or '""'
    if isinstance(value, list) and value and all(isinstance(each, Mapping) and "sources" in each for each in value):
        return visible("; ".join(map(_rule, value)))
    return visible(json.dumps(value))


def _rule(rule: Mapping[str, Any]) -> str:
    """`tcp 80-81 from 10.0.0.0/8`"""
    first, last = rule["from_port"], rule["to_port"]
    ports = "" if rule["protocol"] == "icmp" else f" {first}" if first == last else f" {first}-{last}"
    sources = "anywhere" if set(rule["sources"]) == _ANYWHERE else ", ".join(rule["sources"])
    return f"{rule['protocol']}{ports} from {sources}"


def _remark(change: PlannedChange, effect: str) -> str:
    return f"   ({_EFFECTS[effect]})" if effect in _EFFECTS and change.action != "create" else ""


def _colour(change: PlannedChange) -> str:
    return {"create": "ok", "delete": "failed", "replace": "failed"}.get(change.action, "changed")


def _resources(count: int) -> str:
    return "resource is" if count == 1 else "resources are"
