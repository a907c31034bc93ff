"""Host patterns: `web:&staging:!db`, `web[0:2]`, `~regex`, `*.example.com`, `@file`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from fnmatch import translate
from pathlib import Path
from typing import TYPE_CHECKING, Final

from provisioner.diag import Diagnostic, UsageError, near
from provisioner.values import HostName

if TYPE_CHECKING:
    from provisioner.inventory.model import Inventory

_SUBSCRIPT: Final = re.compile(r"^(.+)\[(-?\d+)?(?:([:-])(-?\d*))?\]$")
_GLOB: Final = frozenset("*?[")
_LOCALHOST: Final = ("localhost", "127.0.0.1", "::1")


def split(pattern: str | Sequence[str], inventory: Inventory) -> list[str]:
    """The parts of a pattern: divided by commas, or by colons outside of brackets."""
    if not isinstance(pattern, str):
        return [part for item in pattern for part in split(item, inventory)]
    if "," in pattern:
        return [part for item in pattern.split(",") for part in split(item.strip(), inventory) if part]
    if pattern in inventory.host_table or pattern in _LOCALHOST:
        return [pattern]  # an IPv6 address has colons of its own
    parts, depth, start = [], 0, 0
    for at, character in enumerate(pattern):
        depth += (character == "[") - (character == "]")
        if character == ":" and depth <= 0:
            parts.append(pattern[start:at])
            start = at + 1
    parts.append(pattern[start:])
    return [part.strip() for part in parts if part.strip()]


def select(pattern: str | Sequence[str], inventory: Inventory) -> list[HostName]:
    """The hosts of a pattern: all plain parts together, cut down by `&` parts, without those of `!` parts."""
    parts = split(pattern, inventory)
    plain = [part for part in parts if part[0] not in "&!"]
    if not plain and parts:
        plain = ["all"]
    hosts: dict[HostName, None] = {}
    for part in plain:
        hosts.update(dict.fromkeys(_matches(part, inventory)))
    for part in parts:
        if part[0] == "&":
            kept = set(_matches(part[1:], inventory))
            hosts = {host: None for host in hosts if host in kept}
    for part in parts:
        if part[0] == "!":
            dropped = set(_matches(part[1:], inventory))
            hosts = {host: None for host in hosts if host not in dropped}
    return list(hosts)


def unmatched(pattern: str | Sequence[str], inventory: Inventory) -> tuple[Diagnostic, ...]:
    """A warning for each part that matches nothing (`all` may be empty)."""
    found = []
    for part in split(pattern, inventory):
        name = part.lstrip("&!")
        if name not in {"all", "*", "ungrouped"} and not _matches(name, inventory):
            hint = near(name, (*inventory.groups, *inventory.host_table))
            detail = f"`{name}` is no host or group of the inventory"
            found.append(Diagnostic("Pattern matches no host", detail, None, hint, "warning"))
    return tuple(found)


def read_limit(limit: str) -> list[str]:
    """The patterns of `--limit`; `@file` stands for the lines of a file."""
    patterns: list[str] = []
    for part in limit.split(","):
        if part.startswith("@"):
            try:
                lines = Path(os.path.expanduser(part[1:])).read_text(encoding="utf-8").splitlines()
            except (OSError, ValueError) as error:
                raise UsageError(f"the file of `--limit {part}` cannot be read: {error}") from None
            patterns.extend(line.strip() for line in lines if line.strip() and not line.startswith("#"))
        elif part.strip():
            patterns.append(part.strip())
    return patterns


def _matches(part: str, inventory: Inventory) -> list[HostName]:
    """The hosts of one part, in inventory order."""
    if part in inventory.host_table and part not in inventory.groups:
        return [HostName(part)]
    expression, subscript = part, None
    if not part.startswith("~"):
        match = _SUBSCRIPT.match(part)
        if match and (match.group(2) or match.group(3)):
            expression, subscript = match.group(1), match
    hosts = _by_name(expression, inventory)
    if subscript is None:
        return hosts
    first, colon, last = subscript.group(2), subscript.group(3), subscript.group(4)
    start = int(first or 0)
    if not colon:
        return hosts[start : start + 1 or None] if -len(hosts) <= start < len(hosts) else []
    end = int(last) if last else -1
    return hosts[start : end + 1 or None]  # the last one is included, as in Ansible


def _by_name(expression: str, inventory: Inventory) -> list[HostName]:
    groups = inventory.groups
    if expression in groups:
        return list(groups[expression])
    if expression in inventory.host_table:
        return [HostName(expression)]
    if expression == "*":
        return list(groups["all"])
    if expression.startswith("~") or not _GLOB.isdisjoint(expression):
        test = _tester(expression)
        hosts: dict[HostName, None] = {}
        for name in filter(test, groups):
            hosts.update(dict.fromkeys(groups[name]))
        hosts.update(dict.fromkeys(host for host in inventory.host_table if test(host)))
        return list(hosts)
    return [HostName(expression)] if expression in _LOCALHOST else []


def _tester(expression: str) -> Callable[[str], object]:
    if not expression.startswith("~"):
        return re.compile(translate(expression)).match
    try:
        return re.compile(expression[1:]).match
    except re.error as error:
        raise UsageError(f"`{expression}` is not a regular expression: {error}") from None
