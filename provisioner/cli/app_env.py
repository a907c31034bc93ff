"""`provision app env`: variables that are set by hand on the hosts, above those of the playbook."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import click

from provisioner.cli.app_run import on_hosts, paint_of, sizes, width
from provisioner.cli.options import HostCommand, RunOptions, ask_password
from provisioner.diag import UsageError
from provisioner.nextjs.day2.gather import tell
from provisioner.nextjs.day2.rolling import set_variables
from provisioner.nextjs.settings.variables import PUBLIC, problems
from provisioner.ui.escape import visible
from provisioner.ui.jsonl import sound
from provisioner.ui.redact import MASK
from provisioner.ui.table import Column, table
from provisioner.ui.terminal import Terminal
from provisioner.values import Secret

_BARE = re.compile(r"[A-Z_][A-Z0-9_]*")  # names of apps are in small letters
_rollout = click.option("--rollout", default="1,100%", show_default=True, metavar="SIZES",
                        help="Hosts at a time, wave by wave: numbers and shares.")  # fmt: skip


@click.group(short_help="Variables that are set by hand.")
def env() -> None:
    """Variables set by hand on the hosts. They win over the playbook's, also in later runs of `provision apply`, which
    name them; `unset` gives them up."""


@env.command("list", cls=HostCommand, short_help="Show them.")
@click.argument("app", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON: host -> name -> value, null for a secret.")
def list_(options: RunOptions, *, app: str | None, as_json: bool) -> int:
    """The variables that are set by hand. Values of secrets are not shown."""
    asked = on_hosts(options, "asks for variables", partial(tell, name=app))
    found: dict[str, Mapping[str, str | None]] = {host: report["overrides"] for host, report in asked.reports.items()}
    if as_json:
        click.echo(json.dumps(sound(found), indent=2, sort_keys=True))
    elif any(found.values()):
        click.echo("\n".join(_table(found)), color=True)
    elif asked.reports:
        click.echo("no variable is set by hand")
    return asked.code


@env.command("set", cls=HostCommand, short_help="Set some, and start the app anew.")
@click.argument("words", nargs=-1, required=True, metavar="[APP] NAME=VALUE...")
@click.option("--secret", is_flag=True, help="Show none of the values, now or later.")
@_rollout
def set_(options: RunOptions, *, words: tuple[str, ...], secret: bool, rollout: str) -> int:
    """Set variables and start the app anew with them, host after host, without losing a request. When it does not run
    well with them, they are as before. A NAME alone, or NAME=-, is asked for (from standard input where that is no
    terminal, a line for each) and secret: so that a value is seen neither in the list of processes nor in the shell's
    history.

    \b
    provision app env set shop LOG_LEVEL=debug
    provision app env set shop STRIPE_KEY
    """
    app, variables = _split(words)
    values = dict(_value(word, secret=secret) for word in variables)
    _check(values)
    work = partial(set_variables, name=app, values=values, sizes=sizes(rollout))
    return on_hosts(options, "sets variables", work).code


@env.command("unset", cls=HostCommand, short_help="Give some up, and start the app anew.")
@click.argument("words", nargs=-1, required=True, metavar="[APP] NAME...")
@_rollout
def unset(options: RunOptions, *, words: tuple[str, ...], rollout: str) -> int:
    """Give up variables that were set by hand: what the playbook says counts again. The app is started anew.

    \b
    provision app env unset shop LOG_LEVEL
    """
    app, variables = _split(words)
    wrong = [word for word in variables if "=" in word]
    if wrong:
        raise UsageError(f"{wrong[0]}: only the name", hint=f"as in: provision app env unset {wrong[0].split('=')[0]}")
    work = partial(set_variables, name=app, values={}, unset=variables, sizes=sizes(rollout))
    return on_hosts(options, "gives up variables", work).code


def _split(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """The app's name and the variables, in whatever order they were given."""
    apps = [word for word in words if "=" not in word and not _BARE.fullmatch(word)]
    variables = [word for word in words if word not in apps]
    if len(apps) > 1:
        raise UsageError(f"{apps[1]!r} is neither NAME=VALUE nor a name in capital letters",
                         hint=f"write {apps[1]}=- to be asked for its value")  # fmt: skip
    if not variables:
        raise UsageError("which variable?", hint="as in: provision app env set shop LOG_LEVEL=debug")
    return (apps[0] if apps else None), variables


def _value(word: str, *, secret: bool) -> tuple[str, str | Secret]:
    name, given, value = word.partition("=")
    if given and value != "-":
        return name, Secret(value) if secret else value
    return name, Secret(ask_password(f"Value of {name}"))


def _check(values: Mapping[str, str | Secret]) -> None:
    """As the settings of a playbook are checked."""
    frozen = [name for name in values if name.startswith(PUBLIC)]
    if frozen:
        raise UsageError(f"{', '.join(frozen)}: frozen into the pages when they are built, no longer to be changed",
                         hint="change `env` in the playbook and run `provision apply`")  # fmt: skip
    plain = {name: value for name, value in values.items() if not isinstance(value, Secret)}
    secrets = {name: value for name, value in values.items() if isinstance(value, Secret)}
    for problem in problems(SimpleNamespace(env=plain, build_env={}, secrets=secrets)):
        raise UsageError(problem.message, hint=problem.hint)


def _table(found: Mapping[str, Mapping[str, str | None]]) -> list[str]:
    rows: list[tuple[str, str, list[str]]] = []
    for name in sorted({each for variables in found.values() for each in variables}):
        values: dict[str | None, list[str]] = {}
        for host, variables in found.items():
            if name in variables:
                values.setdefault(variables[name], []).append(host)
        rows += [(name, MASK if value is None else value, hosts) for value, hosts in values.items()]
    everywhere: Any = len(found)
    columns = [
        Column("NAME", [visible(name) for name, _, _ in rows]),
        Column("VALUE", [visible(value) for _, value, _ in rows]),
        Column("ONLY ON", ["" if len(on) == everywhere else ",".join(map(visible, on)) for _, _, on in rows]),
    ]
    return table(columns, width(), paint_of(Terminal.of(sys.stdout)))
