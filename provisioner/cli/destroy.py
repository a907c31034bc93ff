"""`provision destroy`."""

from __future__ import annotations

from dataclasses import replace

import click

from provisioner import app
from provisioner.cli.apply import output, request_of
from provisioner.cli.options import RunOptions, run_options


@click.command()
@run_options
def destroy(options: RunOptions) -> int:
    """Delete the machines that playbooks declare, and all that was made for them. Shows what, counts, and asks.

    \b
    provision destroy site.yml
    provision destroy site.yml --target web-2
    provision destroy site.yml --check
    """
    request = request_of(options)
    return app.destroy(replace(request, touch=replace(request.touch, destroy=True)), [output(options)])
