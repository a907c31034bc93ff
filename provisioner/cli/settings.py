"""`provision settings`: what files and the environment set, and where."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from provisioner.settings import Settings
from provisioner.ui.escape import visible


@click.command()
@click.option("-j", "--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def settings(given: Settings, *, as_json: bool) -> None:
    """Show what files and the environment set, and where it stands.

    What is not listed has its default; options of the command line win over all of it.
    """
    if as_json:
        click.echo(json.dumps([asdict(one) for one in given.given], indent=2))
        return
    for one in given.given:
        click.echo(f"{one.name} = {visible(json.dumps(one.value))}  ({visible(one.source)})")
    if not given.given:
        click.echo("Nothing is set: no environment variable, provision.toml or ansible.cfg says anything.", err=True)
