"""`provision cloud`: what is at the providers under our tags, and what nobody declares any more."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from provisioner.app import Request, load
from provisioner.cli.apply import confirmed
from provisioner.cli.options import with_vault
from provisioner.cli.places import cache_dir, state_dir
from provisioner.cloud.journal import Journal
from provisioner.cloud.lock import site_lock
from provisioner.cloud.model import Place, Ref
from provisioner.cloud.orphans import Owned, everything, orphans, prune
from provisioner.cloud.provider import Provider
from provisioner.cloud.providers import open_provider
from provisioner.diag import UsageError
from provisioner.ui.escape import visible, visible_message
from provisioner.ui.table import Column, table
from provisioner.vault.keyring import Keyring


@dataclass(frozen=True, slots=True)
class _View:
    """What the playbooks declare, what earlier runs of this controller know, and what the providers have."""

    declared: dict[str, frozenset[Ref]]
    providers: dict[Place, Provider]
    there: tuple[Owned, ...]
    state: Path


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed((
        click.argument("playbooks", nargs=-1, metavar="[PLAYBOOK]..."),
        click.option("--state-dir", "state", metavar="DIR", help="Where state is kept instead of the XDG place."),
    )):  # fmt: skip
        command = option(command)
    return command


@click.group(help="Machines and what belongs to them, as the providers have them.")
def cloud() -> None:
    """Of the commands below."""


@cloud.command(name="list", short_help="Everything with tags of ours.")
@_options
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_vault
def list_(playbooks: Sequence[str], *, state: str | None, as_json: bool, vault: Keyring) -> None:
    """Everything that has tags of ours, of all sites, where these playbooks or earlier runs made machines."""
    _show(_look(playbooks, state, vault).there, as_json=as_json)


@cloud.command(name="orphans", short_help="What no playbook declares.")
@_options
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_vault
def orphans_(playbooks: Sequence[str], *, state: str | None, as_json: bool, vault: Keyring) -> int:
    """What has tags of ours and none of these playbooks declares: name all you have. Exit code 2: there is some."""
    view = _look(_required(playbooks), state, vault)
    lost = orphans(view.there, view.declared)
    _show(lost, as_json=as_json)
    return 2 if lost else 0


@cloud.command(name="prune", short_help="Delete what no playbook declares.")
@_options
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@with_vault
def prune_(playbooks: Sequence[str], *, state: str | None, yes: bool, vault: Keyring) -> int:
    """Delete what has tags of ours and is declared by none of these playbooks, after showing it."""
    view = _look(_required(playbooks), state, vault)
    lost = orphans(view.there, view.declared)
    _show(lost, as_json=False)
    kept = [owned for owned in lost if owned.found.fields.get("protected")]
    if kept:
        names = ", ".join(str(owned.found.ref) for owned in kept)
        raise UsageError(f"protected: {names}", hint="nothing was deleted; take the protection away first")
    if not lost or not confirmed(f"Delete {len(lost)} resource{'s' if len(lost) > 1 else ''}?", yes=yes):
        return 0
    failed = 0
    with ExitStack() as locks:
        for site in sorted({owned.site for owned in lost}):
            locks.enter_context(site_lock(view.state / "cloud" / site, site, "provision cloud prune", time.time()))
        for owned, error in prune(lost, view.providers, partial(_journal, view.state)):
            failed += error is not None
            told = f"[{owned.site} {visible(str(owned.found.ref))}] ({visible(owned.found.id)})"
            click.echo(f"failed: {told}: {visible_message(error.message)}" if error else f"deleted: {told}")
    return 1 if failed else 0


def _journal(state: Path, site: str) -> Journal:
    """None is begun for a site that this controller has made nothing of."""
    path = state / "cloud" / site / "journal"
    return Journal(path, to_write=path.exists())


def _required(playbooks: Sequence[str]) -> Sequence[str]:
    """Without a playbook everything would be an orphan."""
    if not playbooks:
        raise UsageError("name the playbooks whose machines are to stay", hint="provision cloud orphans site.yml …")
    return playbooks


def _look(playbooks: Sequence[str], state: str | None, vault: Keyring) -> _View:
    folder = state_dir(state)
    sites = load(Request(tuple(playbooks), state_dir=folder, cache_dir=cache_dir(), vault=vault), to_run=False).sites
    places = [each.place for site in sites for each in site.wanted] + list(_known_places(folder))
    if not places:
        raise UsageError("no playbook with `machines` was named, and no earlier run made any here",
                         hint="provision cloud list site.yml")
    providers = {place: open_provider(place) for place in dict.fromkeys(places)}
    declared = {site.name: frozenset(each.ref for each in site.wanted) for site in sites}
    return _View(declared, providers, everything(providers), folder)


def _known_places(state: Path) -> Iterable[Place]:
    for journal in sorted((state / "cloud").glob("*/journal")):
        yield from Journal(journal, to_write=False).places


def _show(there: Sequence[Owned], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([{
            "site": owned.site, "kind": owned.found.ref.kind, "name": owned.found.ref.name, "id": owned.found.id,
            "provider": owned.found.place.provider, "region": owned.found.place.region, "status": owned.found.status,
            "address": owned.found.address} for owned in there], indent=2))
        return
    if not there:
        click.echo("Nothing.")
        return
    columns = {"SITE": [owned.site for owned in there], "RESOURCE": [str(owned.found.ref) for owned in there],
               "WHERE": [str(owned.found.place) for owned in there], "ID": [owned.found.id for owned in there],
               "STATUS": [owned.found.status for owned in there], "ADDRESS": [owned.found.address for owned in there]}
    for line in table([Column(title, [visible(cell) for cell in cells]) for title, cells in columns.items()], None):
        click.echo(line)

