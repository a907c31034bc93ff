"""`provision demo`: the main job on a throw-away host, or on one of the user's own."""

from __future__ import annotations

from pathlib import Path

import click

from provisioner import demo as example
from provisioner.cli.apply import console
from provisioner.cli.lab import progress
from provisioner.cli.places import cache_dir, state_dir


@click.command()
@click.argument("target", metavar="[USER@HOST]", required=False)
@click.option("--state-dir", "state", type=click.Path(path_type=Path), help="Keep state under DIR.")
def demo(target: str | None, state: Path | None) -> int:
    """Deploy the example Next.js app to a throw-away host, or to USER@HOST, and fetch its page."""
    with progress() as report:
        return example.run(target, state_dir(state), cache_dir(), [console()], click.echo, report)
