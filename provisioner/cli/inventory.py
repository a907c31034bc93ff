"""`provision inventory`: hosts, groups and variables as they were read, in ansible-inventory's shapes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click

from provisioner.app import expressions
from provisioner.cli.apply import default_inventories
from provisioner.cli.options import with_vault
from provisioner.cli.places import state_dir
from provisioner.diag import UsageError, near
from provisioner.inventory.load import load_inventory
from provisioner.inventory.model import ALL, Inventory
from provisioner.template.templar import Templar
from provisioner.ui.escape import visible
from provisioner.ui.jsonl import sound
from provisioner.ui.redact import MASK, Redactor
from provisioner.values import Condition, HostName, Secret, Template, Vaulted
from provisioner.vault.keyring import Keyring


@click.command()
@click.option("-i", "--inventory", "sources", multiple=True, metavar="PATH",
              help="Inventory file, directory, or hosts with commas. Default: ./inventories.")
@click.option("--list", "listed", is_flag=True, help="Everything as JSON.")
@click.option("--graph", is_flag=True, help="Groups and hosts as a tree.")
@click.option("--host", metavar="HOST", help="The variables of one host as JSON.")
@click.option("--vars", "with_vars", is_flag=True, help="With --graph: variables too.")
@click.option("--state-dir", "state", metavar="DIR", help="Where state is kept instead of the XDG place.")
@with_vault
def inventory(sources: tuple[str, ...], *, listed: bool, graph: bool, host: str | None, with_vars: bool,
              state: str | None, vault: Keyring) -> None:
    """Show hosts, groups and their variables. Templates are shown as written, secrets masked."""
    if [listed, graph, host is not None].count(True) != 1:
        raise UsageError("say one of --list, --graph and --host HOST")
    found = load_inventory(sources or default_inventories(), None, state_dir(state), vault,
                           only_plain=graph and not with_vars, evaluate=expressions(Templar()))
    redactor = Redactor()  # for what is secret and stays a number
    if graph:
        lines = list(tree(found, ALL, 0, with_vars=with_vars))
        vault.tell(redactor.learn)
        click.echo("\n".join(redactor.clean(lines)))
    else:
        data = as_json(found) if host is None else _host(found, host)
        vault.tell(redactor.learn)
        click.echo(json.dumps(sound(redactor.clean(data)), indent=4, sort_keys=True))


def as_json(found: Inventory) -> dict[str, Any]:
    """`ansible-inventory --list`: groups with their own hosts and children; empty groups are left out."""
    data: dict[str, Any] = {"_meta": {"profile": "inventory_legacy", "hostvars": {
        host: variables for host in found.groups[ALL] if (variables := variables_of(found, host))}}}
    for name, group in found.group_table.items():
        entry = {key: list(members) for key, members in (("hosts", group.hosts), ("children", group.children))
                 if members and not (name == ALL and key == "hosts")}
        if entry:
            data[name] = entry
    return data


def variables_of(found: Inventory, host: HostName) -> dict[str, Any]:
    """What the inventory and its vars directories say about a host, unrendered."""
    merged: dict[str, Any] = {}
    for _, layer in found.host_layers(host):
        merged.update(layer)
    return {name: _shown(value) for name, value in merged.items()}


def tree(found: Inventory, name: str, depth: int, *, with_vars: bool = False) -> Iterator[str]:
    """`ansible-inventory --graph`: a line for each group and host."""
    group = found.group_table[name]
    yield f"{_bars(depth)}@{visible(name)}:"
    for child in group.children:
        yield from tree(found, child, depth + 1, with_vars=with_vars)
    for host in group.hosts:
        yield f"{_bars(depth + 1)}{visible(host)}"
        if with_vars:
            yield from _variables(variables_of(found, HostName(host)), depth + 2)
    if with_vars:
        merged = {key: value for _, layer in found.group_layers(name) for key, value in layer.items()}
        yield from _variables({key: _shown(value) for key, value in merged.items()}, depth + 1)


def _variables(variables: Mapping[str, Any], depth: int) -> Iterator[str]:
    for key, value in sorted(variables.items()):
        yield f"{_bars(depth)}{{{visible(key)} = {visible(str(value))}}}"


def _bars(depth: int) -> str:
    return "  " + "|  " * (depth - 1) + "|--" if depth else ""


def _host(found: Inventory, name: str) -> dict[str, Any]:
    hosts = found.hosts(name)
    if hosts != [name]:
        raise UsageError(f"the inventory has no host {name!r}", hint=near(name, found.groups[ALL]))
    return variables_of(found, hosts[0])


def _shown(value: Any) -> Any:
    match value:
        case Template(secret=True) | Vaulted(ciphertext=""):
            return MASK
        case Template() | Condition():
            return value.source
        case Vaulted():
            return {"__ansible_vault": value.ciphertext}
        case Secret():
            return MASK
        case Mapping():
            return {str(key): _shown(item) for key, item in value.items()}
        case list() | tuple():
            return [_shown(item) for item in value]
    return value
