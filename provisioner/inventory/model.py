"""The inventory: hosts, groups, and the layers of variables they bring."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from provisioner.diag import Diagnostic, UsageError
from provisioner.inventory import patterns
from provisioner.values import HostName, Value

Layer = tuple[str, Mapping[str, Value]]
ALL: Final = "all"
UNGROUPED: Final = "ungrouped"
LOCALHOST: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(slots=True)
class Group:
    """hosts and children in the order they were named; vars are those of inventory files, with their labels."""

    name: str
    hosts: dict[HostName, None] = field(default_factory=dict)
    children: dict[str, None] = field(default_factory=dict)
    parents: dict[str, None] = field(default_factory=dict)
    vars: dict[str, Value] = field(default_factory=dict)
    origin: str = ""
    priority: int = 1
    """`ansible_group_priority`: among groups of one depth the highest is merged last."""


def first_groups() -> dict[str, Group]:
    """The groups that every inventory has. Hosts without a group come first in `all`, as in Ansible."""
    return {ALL: Group(ALL, children={UNGROUPED: None}), UNGROUPED: Group(UNGROUPED, parents={ALL: None})}


@dataclass(frozen=True, slots=True)
class VarsDirectory:
    """A `group_vars`/`host_vars` pair. `files(kind, name)` gives the layers of one group or host."""

    label: str
    files: Callable[[str, str], tuple[Layer, ...]]
    has_encrypted: Callable[[str, str], bool] = lambda kind, name: False
    """Whether a password is needed to read those files."""


@dataclass(slots=True)
class Inventory:
    """All hosts that are known. Changes only by `add_host`, `add_to_group` and `remove_host`, between tasks.

    beside_inventory, beside_playbook: where `group_vars` and `host_vars` are read from.
    """

    sources: tuple[str, ...] = ()
    group_table: dict[str, Group] = field(default_factory=first_groups)
    host_table: dict[HostName, dict[str, Value]] = field(default_factory=dict)
    """Variables of each host from inventory files."""
    beside_inventory: tuple[VarsDirectory, ...] = ()
    beside_playbook: tuple[VarsDirectory, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    _added: dict[HostName, dict[str, Value]] = field(default_factory=dict, repr=False)
    """Hosts that came while plays ran, and what came with them; so did the groups of `_joined`, with their parents."""
    _joined: dict[tuple[str, HostName], tuple[str, ...]] = field(default_factory=dict, repr=False)
    _members: dict[str, list[HostName]] = field(default_factory=dict, repr=False)
    _groups: dict[HostName, list[str]] = field(default_factory=dict, repr=False)
    _depths: dict[str, int] = field(default_factory=dict, repr=False)

    @property
    def groups(self) -> Mapping[str, list[HostName]]:
        """The hosts of every group, those of its children included, in inventory order."""
        if len(self._members) != len(self.group_table):
            self._members = {name: self._hosts_below(name) for name in self.group_table}
        return self._members

    def has(self, host: HostName) -> bool:
        """Whether the inventory names this host (an implicit `localhost` is not named)."""
        return host in self.host_table

    def hosts(self, pattern: str | Sequence[str], limit: str | None = None) -> list[HostName]:
        """The hosts a pattern means, in inventory order, reduced by `limit`; nothing when nothing matches.

        `localhost` means this machine even where the inventory does not name it.
        """
        selected = patterns.select(pattern, self)
        if limit is None:
            return selected
        allowed = set(patterns.select(patterns.read_limit(limit), self))
        return [host for host in selected if host in allowed]

    def unmatched(self, pattern: str | Sequence[str]) -> tuple[Diagnostic, ...]:
        """A warning for each part of `pattern` that names nothing, with the nearest name."""
        return patterns.unmatched(pattern, self)

    def check_limit(self, limit: str) -> tuple[Diagnostic, ...]:
        """A warning for each part that names nothing; raises `UsageError` when `--limit` leaves no host at all."""
        wanted = patterns.read_limit(limit)
        unmatched = patterns.unmatched(wanted, self)
        if not patterns.select(wanted, self):
            hints = [item.hint for item in unmatched if item.hint]
            known = len(self.groups[ALL])
            raise UsageError(f"`--limit {limit}` matches none of the {known} hosts of the inventory",
                             hint="; ".join(hints) or "`provision inventory --graph` shows them")
        return tuple(replace(item, detail=f"{item.detail} (`--limit {limit}`)") for item in unmatched)

    def groups_of(self, host: HostName) -> list[str]:
        """The groups a host is in, directly or not, without `all`, sorted by name."""
        if not self._groups:
            for name, members in self.groups.items():
                if name != ALL:
                    for member in members:
                        self._groups.setdefault(member, []).append(name)
            for names in self._groups.values():
                names.sort()
        return list(self._groups.get(host, ()))

    def host_layers(self, host: HostName) -> list[Layer]:
        """The host's variables from inventory and vars directories, lowest precedence first, with labels.

        Order: inventory group vars, group_vars/all (inventory's, playbook's), group_vars/* (likewise), inventory
        host vars, host_vars (likewise). Within each, parent groups come before their children.
        """
        groups = self._merge_order(self.groups_of(host))
        layers: list[Layer] = []
        for name in (ALL, *groups):
            group = self.group_table[name]
            layers.append((f"group {name} in {group.origin}" if group.origin else f"group {name}", group.vars))
        both = (self.beside_inventory, self.beside_playbook)
        for names in ([ALL], groups):
            for directories in both:
                for name in names:
                    layers.extend(_read(directories, "group_vars", name))
        layers.extend(self.own_layers(host))
        return [layer for layer in layers if layer[1]]

    def own_layers(self, host: HostName) -> list[Layer]:
        """The variables of one host without those of its groups, lowest precedence first."""
        layers: list[Layer] = [("inventory host", self._own_vars(host))]
        for directories in (self.beside_inventory, self.beside_playbook):
            layers.extend(_read(directories, "host_vars", host))
        return layers

    def group_layers(self, name: str) -> list[Layer]:
        """The variables of one group alone, lowest precedence first."""
        group = self.group_table[name]
        layers: list[Layer] = [(f"group {name}", group.vars)]
        for directories in (self.beside_inventory, self.beside_playbook):
            layers.extend(_read(directories, "group_vars", name))
        return layers

    def add_host(self, name: HostName, groups: Iterable[str], variables: Mapping[str, Value]) -> bool:
        """Add a host while a play runs; whether anything is new."""
        before = dict(self.host_table.get(name, {}))
        new = name not in self.host_table
        self.host_table.setdefault(name, {}).update(variables)
        self._added.setdefault(name, {}).update(variables)
        joined = [self.add_to_group(group, name, ()) for group in groups]
        if new and not joined:
            self.group_table[UNGROUPED].hosts[name] = None
        self._forget()
        return new or any(joined) or before != self.host_table[name]

    def refresh(self, found: Inventory) -> None:
        """Become what was read anew, `found`; hosts and groups that were added while plays ran stay."""
        self.sources, self.group_table, self.host_table = found.sources, found.group_table, found.host_table
        self.beside_inventory, self.beside_playbook = found.beside_inventory, found.beside_playbook
        for name, variables in dict(self._added).items():
            self.add_host(name, (), variables)
        for (group, host), parents in dict(self._joined).items():
            if self.has(host):
                self.add_to_group(group, host, parents)
        self._forget()

    def remove_host(self, name: HostName) -> None:
        """Forget a host; its groups stay."""
        self.host_table.pop(name, None)
        self._added.pop(name, None)
        for group in self.group_table.values():
            group.hosts.pop(name, None)
        self._forget()

    def add_to_group(self, group: str, host: HostName, parents: Iterable[str]) -> bool:
        """Put a host into a group, which is made if needed below `parents`; whether anything is new."""
        new = group not in self.group_table
        table = self.group_table
        entry = table.setdefault(group, Group(group))
        for parent in parents or (ALL,):
            above = table.setdefault(parent, Group(parent))
            if parent not in table[ALL].children and parent != ALL and not above.parents:
                self._link(ALL, parent)
            if new or parent != ALL:
                new = group not in above.children or new
                self._link(parent, group)
        changed = new or host not in entry.hosts
        self._joined[group, host] = tuple(parents)
        entry.hosts[host] = None
        table[UNGROUPED].hosts.pop(host, None)
        self._forget()
        return changed

    def _link(self, parent: str, child: str) -> None:
        self.group_table[parent].children[child] = None
        self.group_table[child].parents[parent] = None

    def _forget(self) -> None:
        self._members, self._groups, self._depths = {}, {}, {}

    def _own_vars(self, host: HostName) -> Mapping[str, Value]:
        own = self.host_table.get(host)
        if own is None and host in LOCALHOST:
            return {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        return own or {}

    def _hosts_below(self, name: str) -> list[HostName]:
        """Breadth first: the group's own hosts, its children's, theirs."""
        hosts: dict[HostName, None] = {}
        seen = {name}
        level = [name]
        while level:
            below: list[str] = []
            for group in level:
                hosts.update(self.group_table[group].hosts)
                for child in self.group_table[group].children:
                    if child not in seen:
                        seen.add(child)
                        below.append(child)
            level = below
        return list(hosts)

    def _merge_order(self, names: list[str]) -> list[str]:
        return sorted(names, key=lambda name: (self._depth(name), self.group_table[name].priority, name))

    def _depth(self, name: str) -> int:
        """How many groups are above on the longest way up (`all` is 0)."""
        if name == ALL:
            return 0
        if name not in self._depths:
            # Depth first without recursion: a chain of groups may be thousands long.
            waiting = [name]
            while waiting:
                current = waiting[-1]
                above = [parent for parent in self.group_table[current].parents if parent != ALL]
                missing = [parent for parent in above if parent not in self._depths]
                if missing:
                    waiting.extend(missing)
                else:
                    self._depths[current] = 1 + max((self._depths[parent] for parent in above), default=0)
                    waiting.pop()
        return self._depths[name]


def _read(directories: Iterable[VarsDirectory], kind: str, name: str) -> list[Layer]:
    return [layer for directory in directories for layer in directory.files(kind, name)]
