"""`provision app`: work on deployed Next.js apps, day after day."""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import Any

import click

from provisioner.app import HOST_FAILED
from provisioner.cli.app_env import env
from provisioner.cli.app_output import exec_, logs
from provisioner.cli.app_run import Asked, on_hosts, paint_of, sizes, width
from provisioner.cli.app_tables import is_bad, releases_lines, status_lines
from provisioner.cli.options import HostCommand, RunOptions
from provisioner.nextjs.day2.gather import tell
from provisioner.nextjs.day2.rolling import restart as restart_all
from provisioner.nextjs.day2.rolling import roll_back
from provisioner.ui.jsonl import sound
from provisioner.ui.terminal import Terminal

_AGAIN = """\
`provision apply` does not know of this: from the newer source it deploys the newer release again.
Take the source back too (a commit, `git: {version: …}`), or leave `apply` until it is mended."""

app_argument = click.argument("app", required=False)
rollout_option = click.option("--rollout", default="1,100%", show_default=True, metavar="SIZES",
                              help="Hosts at a time, wave by wave: numbers and shares.")  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="All that is known, as JSON.")


@click.group(help="Deployed Next.js apps: how they are, their releases, logs, variables. Where the hosts have only one "
                  "app, its name may be left out.")  # fmt: skip
def app() -> None:
    """Of the commands below."""


@app.command(cls=HostCommand, short_help="How the app is on each host.")
@app_argument
@json_option
def status(options: RunOptions, *, app: str | None, as_json: bool) -> int:
    """How the app is on each host. Exit code 2 when it is not healthy on one.

    \b
    provision app status shop -i inventories/prod
    provision app status shop -l web-1 --json
    """
    asked = on_hosts(options, "asks the app", partial(tell, name=app))
    _show(asked, status_lines, as_json=as_json)
    return asked.code | (HOST_FAILED if any(map(is_bad, asked.reports.values())) else 0)


@app.command(cls=HostCommand, short_help="The releases on the hosts.")
@app_argument
@json_option
def releases(options: RunOptions, *, app: str | None, as_json: bool) -> int:
    """The releases on the hosts: which runs, which can be gone back to.

    \b
    provision app releases shop
    """
    asked = on_hosts(options, "looks for releases", partial(tell, name=app))
    _show(asked, releases_lines, as_json=as_json)
    return asked.code


@app.command(cls=HostCommand, short_help="Go back to an earlier release.")
@click.argument("words", nargs=-1, metavar="[APP] [RELEASE]")
@rollout_option
@click.option("--no-hooks", is_flag=True, help="Run none of the project's commands (`before_rollback`, …).")
def rollback(options: RunOptions, *, words: tuple[str, ...], rollout: str, no_hooks: bool) -> int:
    """Go back to what ran before, or to RELEASE (the beginning of its id), without a build and without losing a
    request: with the unit, the variables and the Node.js it was started with.

    \b
    provision app rollback shop            to what ran before
    provision app rollback shop 1a2b       to the release 1a2b…
    """
    app, to = (*words, None, None)[:2]
    asked = on_hosts(options, "goes back", partial(roll_back, name=app, to=to, sizes=sizes(rollout),
                                                      hooks=not no_hooks))
    if any(result.get("changed") for result in asked.results.values()):
        click.echo(_AGAIN)
    return asked.code


@app.command(cls=HostCommand, short_help="Start the app anew, without losing a request.")
@app_argument
@rollout_option
def restart(options: RunOptions, *, app: str | None, rollout: str) -> int:
    """Start the app anew, host after host, without losing a request: in a free slot, beside the processes that run.

    \b
    provision app restart shop
    """
    return on_hosts(options, "starts anew", partial(restart_all, name=app, sizes=sizes(rollout))).code


app.add_command(logs)
app.add_command(exec_)
app.add_command(env)


def _show(asked: Asked, lines: Any, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(sound({"v": 1, "hosts": asked.reports}), indent=2, sort_keys=True))
    elif asked.reports:
        click.echo("\n".join(lines(asked.reports, width(), paint_of(Terminal.of(sys.stdout)))), color=True)
