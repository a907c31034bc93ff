"""`provision inventory`: hosts, groups and variables as they were read, in ansible-inventory's shapes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from provisioner.app import expressions
from provisioner.cli.apply import default_inventories
from provisioner.cli.inventory_shapes import Shapes, yaml_text
from provisioner.cli.options import with_vault
from provisioner.cli.places import state_dir
from provisioner.diag import UsageError, near
from provisioner.inventory.load import load_inventory
from provisioner.inventory.model import ALL, Inventory
from provisioner.template.templar import Templar
from provisioner.ui.jsonl import sound
from provisioner.ui.redact import Redactor
from provisioner.values import HostName
from provisioner.vault.keyring import Keyring


@click.command()
@click.argument("group", default=ALL, metavar="[GROUP]")
@click.option("-i", "--inventory", "--inventory-file", "sources", multiple=True, metavar="PATH",
              help="Inventory file, directory, or hosts with commas. Default: ./inventories.")
@click.option("--list", "listed", is_flag=True, help="Everything as JSON.")
@click.option("--graph", is_flag=True, help="The groups below GROUP (all) and their hosts as a tree.")
@click.option("--host", metavar="HOST", help="The variables of one host as JSON.")
@click.option("--vars", "with_vars", is_flag=True, help="With --graph: variables too.")
@click.option("--export", is_flag=True,
              help="Variables where they belong: those of groups with the groups, not with each host.")
@click.option("-y", "--yaml", "as_yaml", is_flag=True, help="YAML instead of JSON; an inventory file with --list.")
@click.option("-l", "--limit", metavar="PATTERN", help="With --list: only these of the hosts.")
@click.option("--playbook-dir", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Read its group_vars and host_vars, too.")
@click.option("--state-dir", "state", metavar="DIR", help="Where state is kept instead of the XDG place.")
@with_vault
def inventory(sources: tuple[str, ...], *, group: str, listed: bool, graph: bool, host: str | None, with_vars: bool,
              export: bool, as_yaml: bool, limit: str | None, playbook_dir: Path | None, state: str | None,
              vault: Keyring) -> None:
    """Show hosts, groups and their variables. Templates are shown as written, secrets masked."""
    if [listed, graph, host is not None].count(True) != 1:
        raise UsageError("say one of --list, --graph and --host HOST")
    found = load_inventory(sources or default_inventories(), playbook_dir, state_dir(state), vault,
                           only_plain=graph and not with_vars, evaluate=expressions(Templar()))
    if group not in found.group_table:
        raise UsageError(f"the inventory has no group {group!r}", hint=near(group, found.group_table))
    if limit is not None:
        found.check_limit(limit)
    shapes = Shapes(found, frozenset(found.hosts(ALL, limit)), export=export)
    redactor = Redactor()  # for what is secret and stays a number
    if graph:
        lines = list(shapes.tree(group, 0, with_vars=with_vars))
        vault.tell(redactor.learn)
        click.echo("\n".join(redactor.clean(lines)))
        return
    if host is not None:
        data = shapes.host(_one_host(found, host))
    else:
        data = shapes.nested() if as_yaml else shapes.table()
    vault.tell(redactor.learn)
    click.echo(_written(redactor.clean(data), as_yaml=as_yaml), nl=not as_yaml)


def _written(data: Mapping[str, Any], *, as_yaml: bool) -> str:
    return yaml_text(sound(data)) if as_yaml else json.dumps(sound(data), indent=4, sort_keys=True)


def _one_host(found: Inventory, name: str) -> HostName:
    hosts = found.hosts(name)
    if hosts != [name]:
        raise UsageError(f"the inventory has no host {name!r}", hint=near(name, found.groups[ALL]))
    return hosts[0]
