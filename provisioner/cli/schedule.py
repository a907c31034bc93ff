"""`provision schedule`: commands that systemd runs again and again on this machine."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Any

import click

from provisioner import app, durable
from provisioner.cli.app_run import paint_of, width
from provisioner.cli.apply import output, request_of
from provisioner.cli.called import program
from provisioner.cli.options import HostCommand, RunOptions
from provisioner.cli.places import cache_dir, state_dir
from provisioner.cli.schedulable import command_of
from provisioner.diag import UsageError
from provisioner.schedule import systemd
from provisioner.schedule.checkkey import archive, playbook, public_of
from provisioner.schedule.every import When, seconds_of, when_of
from provisioner.schedule.results import result_of
from provisioner.schedule.systemd import Schedule, Scope
from provisioner.schedule.units import Job
from provisioner.transport.bundle import load_bundle
from provisioner.ui.escape import visible
from provisioner.ui.jsonl import sound
from provisioner.ui.table import Column, table
from provisioner.ui.terminal import Terminal

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEPT = re.compile(r"PROVISION_.*|ANSIBLE_.*|XDG_(STATE|CACHE|CONFIG)_HOME|PATH|PYTHONPATH|LANG|LC_ALL|SSL_CERT_FILE"
                   r"|(?i:https?_proxy|no_proxy)")  # fmt: skip
"""Variables that decide what a command does: they are as they were when the schedule was made."""

_scope = click.option("--system/--user", "whole", default=None,
                      help="Timers of the whole machine (root's default), or your own (everybody else's).")  # fmt: skip


@click.group()
def schedule() -> None:
    """Run drift checks, plans and applies again and again, by timers of systemd on this machine.

    \b
    provision schedule add "every 15 min" drift site.yml -i inventories/production
    provision schedule list
    """


@schedule.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("when")
@click.argument("words", nargs=-1, required=True, metavar="COMMAND PLAYBOOK... [OPTIONS]", type=click.UNPROCESSED)
@click.option("--name", metavar="NAME", help="What to call it. Default: of command and playbook.")
@_scope
@click.option("--time-limit", default="30min", show_default=True, metavar="TIME", help="The end of a run that hangs.")
@click.option("--delay", metavar="TIME", help="Up to this much later, at random. Default: a tenth of an `every`.")
@click.option("--key", metavar="FILE", help="A key of its own to log in with.")
@click.option("--env", "variables", multiple=True, metavar="NAME", help="Keep this variable as it is now (mode 0600).")
@click.option("--env-file", "files", multiple=True, metavar="FILE", help="Variables that are read at each run.")
@click.option("--credential", "credentials", multiple=True, metavar="NAME=FILE",
              help="A file that only a run sees a copy of; variable NAME holds the copy's path.")  # fmt: skip
@click.pass_context
def add(context: click.Context, *, when: str, words: tuple[str, ...], name: str | None, whole: bool | None,
        time_limit: str, delay: str | None, key: str | None, variables: tuple[str, ...], files: tuple[str, ...],
        credentials: tuple[str, ...]) -> None:
    """Run COMMAND (drift, plan, apply, or a pull of one) whenever WHEN says: "every 15 min", a crontab line in this
    machine's time zone ("*/15 * * * *"), or a calendar expression of systemd ("Mon..Fri 03:00"). A run that was missed,
    because the machine was off, is made up for at its next start. Options of `schedule add` stand before WHEN. An
    existing schedule of that name is replaced, and what changed is shown.

    \b
    provision schedule add --name shop "every 15 min" drift site.yml -i inventories/production
    provision schedule add --env-file /etc/provision.env "*-*-* 03:00" apply site.yml --yes
    """  # fmt: skip
    times, due = _when(when)
    scope = _scope_of(whole)
    given = (*words, *(["--private-key", str(_private(key, "--key"))] if key else []))
    command = command_of(context, given)
    given = command.words
    name = name or f"{command.name}-{'-'.join(Path(playbook).stem for playbook in command.options.playbooks)}"
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} can't name a schedule", hint="--name with letters, digits, - and _")
    scope.check()
    state = state_dir(command.options.state_dir)
    for directory in (state / "schedules", cache_dir()):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    job = Job(
        name=name, schedule=when, calendars=times.calendars, program=program(), words=given,
        directory=str(Path.cwd()), environment=tuple(str(_private(file, "--env-file")) for file in files),
        result=str(systemd.result_file(_results(), name)), credentials=tuple(map(_credential, credentials)),
        writable=(str(state), str(cache_dir()), *command.writes), user=getuser() if scope.whole else "",
        delay=times.delay if delay is None else _seconds(delay, "--delay"),
        limit=_seconds(time_limit, "--time-limit"),
    )  # fmt: skip
    changes = systemd.add(scope, job, dict(_variables(variables)))
    for line in changes:
        click.echo(f"  {visible(line)}")
    click.echo(f"{name}: {when}, next on {due}")
    if not scope.whole and not _lingers():
        click.echo("[WARNING]: it runs only while you are logged in, until you say: "
                   f"loginctl enable-linger {getuser()}", err=True)  # fmt: skip


@schedule.command(name="list")
@_scope
@click.option("--json", "as_json", is_flag=True, help="As JSON; moments are seconds since 1970.")
def list_(*, whole: bool | None, as_json: bool) -> None:
    """Schedules with their last and next run, and how the last one ended."""
    scope = _scope_of(whole)
    scope.check()
    found = systemd.schedules(scope, _results())
    if as_json:
        click.echo(json.dumps(sound([_as_json(each) for each in found]), indent=2))
        return
    if not found:
        click.echo("there is no schedule")
        return
    columns = {"NAME": [each.name for each in found], "WHEN": [each.schedule for each in found],
               "LAST": [_time(each.ended) for each in found], "RESULT": [result_of(each) for each in found],
               "NEXT": [_time(each.next) if each.enabled else "off" for each in found],
               "COMMAND": [" ".join(each.words) for each in found]}  # fmt: skip
    cells = [Column(title, [visible(cell) for cell in cells]) for title, cells in columns.items()]
    click.echo("\n".join(table(cells, width(), paint_of(Terminal.of(sys.stdout)))))


@schedule.command()
@click.argument("name")
@_scope
def remove(*, name: str, whole: bool | None) -> None:
    """Remove a schedule. A run that is going on goes on to its end."""
    scope = _scope_of(whole)
    scope.check()
    systemd.remove(scope, name, _results())
    click.echo(f"{visible(name)}: removed")


@schedule.command()
@click.argument("name")
@_scope
def run(*, name: str, whole: bool | None) -> int:
    """Run a schedule's command now, as its timer would, and wait for it. Gives its exit code."""
    scope = _scope_of(whole)
    scope.check()
    done = systemd.run(scope, name, _results())
    click.echo(f"{visible(name)}: {result_of(done)}")
    click.echo(f"what it said: journalctl {'' if scope.whole else '--user '}-t provision-{visible(name)}")
    return int(done.ending[1]) if done.ending and done.ending[1].isdecimal() else 1


@schedule.command(cls=HostCommand)
@click.option("--key", required=True, metavar="FILE", help="The private key; its public half is FILE.pub.")
@click.option("--check", is_flag=True, help="Only show what would be changed on the hosts.")
def key(options: RunOptions, *, key: str, check: bool) -> int:
    """Make a key one that may only check, on the hosts of an inventory: logged in as usual, it installs the check-only
    runner (root's, for all users) and the line in the login user's authorized_keys by which sshd starts it, and nothing
    else, for this key. Say it again after each upgrade of provision, and for new hosts.

    \b
    ssh-keygen -t ed25519 -N "" -f /root/check-key
    provision schedule key --key /root/check-key -i inventories/production
    provision schedule add --key /root/check-key "every 15 min" drift site.yml -i inventories/production
    """
    kind, blob = public_of(_private(key, "--key"))
    runner = cache_dir() / "check-only.pyz"
    durable.write(runner, archive(load_bundle()))
    request = replace(request_of(options), check=check, diff=check, watch=False)
    return app.carry_out(request, playbook(runner, kind, blob), [output(options)])


def _scope_of(whole: bool | None) -> Scope:
    chosen = os.geteuid() == 0 if whole is None else whole
    if chosen and os.geteuid() != 0:
        raise UsageError("timers of the whole machine are root's", hint="sudo, or --user")
    return Scope.system() if chosen else Scope.own()


def _when(text: str) -> tuple[When, str]:
    """What it means, and when it is due next. Raises `UsageError`."""
    try:
        times = when_of(text)
        due = [systemd.next_time(line) for line in times.calendars]
    except ValueError as error:
        raise UsageError(f"{text!r} is no schedule: {error}",
                         hint='"every 15 min", "*/15 * * * *", "Mon..Fri 03:00"') from None  # fmt: skip
    if not any(due):
        raise UsageError(f"{text!r} is never due")
    return times, next(moment for moment in due if moment)


def _results() -> Path:
    """Where runs say how they ended: of this machine's user, whatever state directory a command has."""
    return state_dir()


def _variables(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    missing = [name for name in names if name not in os.environ]
    if missing:
        raise UsageError(f"--env {missing[0]}: there is no such variable")
    for name, value in os.environ.items():
        if name in names or _KEPT.fullmatch(name):
            if not value.isprintable() or not _VARIABLE.fullmatch(name):
                raise UsageError(f"the variable {name} has control characters, which can't be kept for a schedule")
            yield name, value


def _credential(text: str) -> tuple[str, str]:
    name, equals, file = text.partition("=")
    if not equals or not _VARIABLE.fullmatch(name):
        raise UsageError(f"--credential {text!r} is not NAME=FILE",
                         hint="as AWS_SHARED_CREDENTIALS_FILE=/root/.aws/read-only")  # fmt: skip
    return name, str(_private(file, "--credential"))


def _private(file: str, option: str) -> Path:
    """A file with a secret in it, that is there and that only its owner can read."""
    path = Path(os.path.expanduser(file)).absolute()
    if not path.is_file():
        raise UsageError(f"{option}: there is no file {file}")
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise UsageError(f"{option}: others can read {file}", hint=f"chmod 600 {file}")
    return path


def _seconds(text: str, option: str) -> int:
    try:
        return seconds_of(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


def _lingers() -> bool:
    return Path("/var/lib/systemd/linger", getuser()).exists()


def _as_json(found: Schedule) -> Mapping[str, Any]:
    word, code = found.ending or (None, None)
    return {**asdict(found), "ending": word, "exit_code": int(code) if code and code.isdecimal() else None,
            "result": result_of(found)}  # fmt: skip


def _time(moment: float | None) -> str:
    return "-" if moment is None else datetime.fromtimestamp(moment, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
