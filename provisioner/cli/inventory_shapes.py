"""An inventory in the shapes of `ansible-inventory`: a table of groups, groups within groups, a tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from provisioner.inventory.model import ALL, Inventory, Layer
from provisioner.lang.yaml_dump import Ciphertext, dump
from provisioner.ui.escape import visible
from provisioner.ui.redact import MASK
from provisioner.values import Condition, HostName, Secret, Template, Vaulted

_VAULTED: Final = "__ansible_vault"


@dataclass(slots=True)
class Shapes:
    """What is shown of an inventory. export: hosts have their own variables alone, groups have theirs."""

    found: Inventory
    chosen: frozenset[HostName]
    """The hosts that lists name."""
    export: bool = False
    _written: set[str] = field(default_factory=set)
    """Groups and hosts that `nested` has had: it writes what they hold once."""

    def table(self) -> dict[str, Any]:
        """`--list`: groups with their own hosts and children; empty groups are left out."""
        data: dict[str, Any] = {"_meta": {"profile": "inventory_legacy", "hostvars": {
            host: variables for host in self.found.groups[ALL]
            if host in self.chosen and (variables := self.host(host))}}}
        for name, group in self.found.group_table.items():
            entry = _filled(hosts=self._hosts(name), children=list(group.children), vars=self._of_group(name))
            if entry:
                data[name] = entry
        return data

    def nested(self, name: str = ALL) -> dict[str, Any]:
        """`--list --yaml`: an inventory file, groups within groups."""
        children: dict[str, Any] = {}
        for child in self.found.group_table[name].children:
            children.update({child: {}} if f"@{child}" in self._written else self.nested(child))
            self._written.add(f"@{child}")
        hosts: dict[str, Any] = {}
        for host in self._hosts(name):
            hosts[host] = {} if host in self._written else self.host(host)
            self._written.add(host)
        entry = _filled(hosts=hosts, children=children, vars=self._of_group(name))
        return {name: entry} if entry else {}

    def tree(self, name: str, depth: int, *, with_vars: bool = False) -> Iterator[str]:
        """`--graph`: a line for each group and host."""
        yield f"{_bars(depth)}@{visible(name)}:"
        for child in self.found.group_table[name].children:
            yield from self.tree(child, depth + 1, with_vars=with_vars)
        for host in self._own_hosts(name):
            yield f"{_bars(depth + 1)}{visible(host)}"
            if with_vars:
                yield from _variables(self.host(host), depth + 2)
        if with_vars:
            yield from _variables(_merged(self._group_layers(name)), depth + 1)

    def host(self, host: HostName) -> dict[str, Any]:
        """What the inventory and its vars directories say about a host, unrendered."""
        return _merged(self.found.own_layers(host) if self.export else self.found.host_layers(host))

    def _of_group(self, name: str) -> dict[str, Any]:
        return _merged(self._group_layers(name)) if self.export else {}

    def _group_layers(self, name: str) -> list[Layer]:
        priority = self.found.group_table[name].priority
        said: list[Layer] = [("priority", {"ansible_group_priority": priority})] if priority != 1 else []
        return [*self.found.group_layers(name), *said]

    def _hosts(self, name: str) -> list[HostName]:
        return [host for host in self._own_hosts(name) if host in self.chosen]

    def _own_hosts(self, name: str) -> list[HostName]:
        """Those that were put into `all` itself are shown where they are besides: at least in `ungrouped`."""
        return [] if name == ALL else list(self.found.group_table[name].hosts)


def is_vaulted(shown: Any) -> bool:
    """Whether this stands for a value that is tagged `!vault` in its file."""
    return isinstance(shown, dict) and shown.keys() == {_VAULTED}


def yaml_text(shown: Mapping[str, Any]) -> str:
    """As an inventory file: what is encrypted stays so."""
    return dump(_tagged(shown), flow=False)


def _tagged(shown: Any) -> Any:
    if is_vaulted(shown):
        return Ciphertext(shown[_VAULTED])
    if isinstance(shown, Mapping):
        return {key: _tagged(item) for key, item in shown.items()}
    return [_tagged(item) for item in shown] if isinstance(shown, list) else shown


def _filled(**members: Any) -> dict[str, Any]:
    return {key: value for key, value in members.items() if value}


def _merged(layers: list[Layer]) -> dict[str, Any]:
    return {name: _shown(value) for name, value in {k: v for _, layer in layers for k, v in layer.items()}.items()}


def _variables(variables: Mapping[str, Any], depth: int) -> Iterator[str]:
    for key, value in sorted(variables.items()):
        shown = MASK if is_vaulted(value) else visible(str(value))
        yield f"{_bars(depth)}{{{visible(key)} = {shown}}}"


def _bars(depth: int) -> str:
    return "  " + "|  " * (depth - 1) + "|--" if depth else ""


def _shown(value: Any) -> Any:
    match value:
        case Template(secret=True) | Vaulted(ciphertext=""):
            return MASK
        case Template() | Condition():
            return value.source
        case Vaulted():
            return {_VAULTED: value.ciphertext}
        case Secret():
            return MASK
        case Mapping():
            return {str(key): _shown(item) for key, item in value.items()}
        case list() | tuple():
            return [_shown(item) for item in value]
    return value
