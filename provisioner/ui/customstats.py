"""What `set_stats` keeps about a run, host by host and for all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from provisioner.events import ItemResult, TaskResult
from provisioner.ui.escape import visible
from provisioner.ui.lines import to_json


@dataclass(slots=True)
class CustomStats:
    """Fed with results in the order of the run."""

    _of_run: dict[str, Any] = field(default_factory=dict)
    _of_hosts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def feed(self, event: ItemResult | TaskResult) -> None:
        stats = event.result.get("ansible_stats")
        if event.task.module != "set_stats" or not isinstance(stats, Mapping):
            return
        kept = self._of_hosts.setdefault(event.host, {}) if stats["per_host"] else self._of_run
        for name, value in stats["data"].items():
            kept[name] = _added(kept[name], value) if stats["aggregate"] and name in kept else value

    def lines(self) -> Iterator[str]:
        """One line for each host, then one for the run."""
        for host, values in sorted(self._of_hosts.items()):
            yield f"\t{visible(host)}: {to_json(values)}"
        if self._of_run:
            yield f"\tRUN: {to_json(self._of_run)}"


def _added(old: Any, new: Any) -> Any:
    """`new` on top of `old`; values that can't be added leave the old one, as in Ansible."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return {**old, **{name: _added(old[name], value) if isinstance(value, Mapping) and name in old else value
                          for name, value in new.items()}}
    if type(old) is not type(new) or isinstance(old, Mapping):
        return old
    return old + new if isinstance(old, (int, float, str, list, tuple)) else old
