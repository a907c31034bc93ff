"""What the parsers of inventory files fill: hosts and groups, from several sources into one inventory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from provisioner.diag import Collector, Span
from provisioner.inventory.model import ALL, UNGROUPED, Group, Inventory, first_groups
from provisioner.inventory.ranges import RangeError, expand
from provisioner.values import HostName, Value, joined

MAX_HOSTS: Final = 500_000


@dataclass(slots=True)
class Builder:
    """Collects what the sources say, later ones over earlier ones; `finish` makes it an inventory."""

    found: Collector
    groups: dict[str, Group] = field(default_factory=first_groups)
    hosts: dict[HostName, dict[str, Value]] = field(default_factory=dict)
    links: dict[tuple[str, str], Span] = field(default_factory=dict)
    """Where a group was made the child of another."""
    merge: bool = False
    """Mappings that several sources have are joined; else the later wins."""

    def add(self, variables: dict[str, Value], more: Mapping[str, Value]) -> None:
        """Put `more` over `variables`."""
        variables.update(joined(variables, more, merge=self.merge))

    def group(self, name: str, span: Span) -> Group:
        """The group of that name, made if needed."""
        group = self.groups.get(name)
        if group is None:
            if not _is_clean(name):
                self.found.error("Wrong group name", f"`{name}` cannot be a group", span)
            group = self.groups[name] = Group(name)
        return group

    def child(self, parent: str, child: str, span: Span) -> None:
        """Make one group the child of another."""
        if child == ALL:
            self.found.error("Wrong child group", "`all` holds every group and cannot be inside one", span)
            return
        self.group(parent, span).children[child] = None
        self.group(child, span).parents[parent] = None
        self.links.setdefault((parent, child), span)

    def host(self, name: str, group: str, variables: Mapping[str, Value], span: Span) -> None:
        """Add the hosts that `name` stands for to a group."""
        try:
            names = expand(name)
        except RangeError as error:
            self.found.error("Wrong range", str(error), span)
            return
        if len(self.hosts) + len(names) > MAX_HOSTS:
            self.found.error("Too many hosts", f"more than {MAX_HOSTS} hosts in one inventory", span)
            return
        if not _is_clean(name):
            self.found.error("Wrong host name", f"`{name}` cannot be a host", span,
                             hint="a name has no spaces and does not start with -")
            return
        entry = self.group(group, span)
        for each in names:
            host = HostName(each)
            entry.hosts[host] = None
            self.add(self.hosts.setdefault(host, {}), variables)

    def finish(self, sources: tuple[str, ...]) -> Inventory:
        """The inventory; raises `InputError` with everything that was found wrong."""
        self._check_circles()
        self.found.raise_errors()
        for name, group in self.groups.items():
            if name != ALL and not group.parents:
                self.groups[ALL].children[name] = None
                group.parents[ALL] = None
            if name in self.hosts and name not in {ALL, UNGROUPED}:
                detail = f"`{name}` is a host and a group; patterns mean the group"
                self.found.warning("Host and group of one name", detail)
            group.priority = _priority(group)
        grouped = {host for name, group in self.groups.items() if name not in {ALL, UNGROUPED} for host in group.hosts}
        ungrouped = self.groups[UNGROUPED].hosts
        for host in self.hosts:
            if host in grouped:
                ungrouped.pop(host, None)
            else:
                ungrouped[host] = None
        return Inventory(sources, self.groups, self.hosts, warnings=self.found.warnings)

    def _check_circles(self) -> None:
        """Tell of a group that contains itself; walks without recursion, each group once."""
        done: set[str] = set()
        for start in self.groups:
            path: list[str] = []
            waiting = [(start, False)]
            on_path: set[str] = set()
            while waiting:
                name, leaving = waiting.pop()
                if leaving:
                    path.pop()
                    on_path.discard(name)
                    done.add(name)
                elif name in on_path:
                    circle = [*path[path.index(name) :], name]
                    span = self.links.get((path[-1], name))
                    self.found.error("Group contains itself", " → ".join(circle), span)
                elif name not in done:
                    path.append(name)
                    on_path.add(name)
                    waiting.append((name, True))
                    waiting.extend((child, False) for child in self.groups[name].children)


def _priority(group: Group) -> int:
    """Takes `ansible_group_priority` from the variables: it is about the group, hosts do not get it."""
    try:
        return int(group.vars.pop("ansible_group_priority", group.priority))
    except (TypeError, ValueError):
        return group.priority


def _is_clean(name: str) -> bool:
    return bool(name) and name.isprintable() and not name.startswith("-") and " " not in name
