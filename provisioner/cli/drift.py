"""`provision drift`."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path

import click

from provisioner import app
from provisioner.baseline.signed import Record
from provisioner.cli.app_run import paint_of
from provisioner.cli.apply import confirmed, reports, request_of
from provisioner.cli.options import RunOptions, run_options
from provisioner.diag import UsageError
from provisioner.drift import fixing, seen, telling
from provisioner.drift.channels import Channel, tell
from provisioner.drift.findings import Check, Finding, check_of
from provisioner.drift.fixing import chosen, targets
from provisioner.drift.ignore import Rule, read_rules, split
from provisioner.drift.mail import mail_of, recipients_of
from provisioner.drift.mail import send as send_mail
from provisioner.drift.traces import Traces, hinted
from provisioner.drift.watched import Known, watched
from provisioner.drift.webhook import send
from provisioner.events import Event, HostBegan, HostText, RunStarted
from provisioner.history import db as database
from provisioner.history import surveys
from provisioner.history.baselines import baseline_of, key_in
from provisioner.history.queries import RUNNING, Filter, opened, runs
from provisioner.settings import Settings
from provisioner.ui.collecting import Collecting
from provisioner.ui.escape import visible
from provisioner.ui.jsonl import sound
from provisioner.ui.live import LiveScreen
from provisioner.ui.reports import writable, write_whole
from provisioner.ui.terminal import PlainScreen, Terminal, size_of, write
from provisioner.values import HostName


@dataclass(slots=True)
class _Events:
    """A `Sink` that keeps what a check is judged by."""

    kept: list[Event] = field(default_factory=list)
    run: str = ""

    def handle(self, event: Event, time: float) -> None:
        if isinstance(event, RunStarted):
            self.run = event.run
        if not isinstance(event, (HostBegan, HostText)):
            self.kept.append(event)

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class _Looked:
    """A check run, and what came of it."""

    check: Check
    ignored: list[Finding]
    events: _Events


@click.command()
@run_options
@click.option("--prometheus", metavar="FILE", help="Write metrics there, for node exporter's textfile collector.")
@click.option("--webhook", metavar="URL", envvar="PROVISION_DRIFT_WEBHOOK",
              help="Tell this chat when the set of findings has changed (better in the environment).")  # fmt: skip
@click.option("--email", metavar="ADDRESS", multiple=True, help="Tell this person by mail, likewise.")
@click.option("--fix", is_flag=True, help="Apply what has drifted, and only that, after showing it and asking.")
@click.option("--only-host", multiple=True, metavar="PATTERN", help="With --fix: only on these hosts.")
@click.option("--only-task", multiple=True, metavar="PATTERN", help="With --fix: only these tasks, by their names.")
def drift(options: RunOptions, *, prometheus: str | None, webhook: str | None, email: tuple[str, ...], fix: bool,
          only_host: tuple[str, ...], only_task: tuple[str, ...]) -> int:  # fmt: skip
    """Find what differs from the playbooks. Changes nothing. Every difference is `drifted` (the last apply made it so,
    somebody changed it since), `pending` (the playbook wants what was not applied yet), `unmanaged` (the watch list of
    drift.yml found it) or `unknown` (it could not be checked). Exit code 0: in sync; 2: something differs; 1: something
    could not be checked.

    \b
    provision drift site.yml -i inventories/production
    provision drift site.yml --json --prometheus /var/lib/node_exporter/drift.prom
    provision drift site.yml --fix --only-host 'web-*' --only-task Motd
    """
    if not options.history:
        raise UsageError("`provision drift` compares with the recorded runs: it can't do without the history")
    if (only_host or only_task) and not fix:
        raise UsageError("--only-host and --only-task say what is to be fixed",
                         hint="say --fix, too; a check of a part: --limit, --tags")
    rules = [rule for playbook in options.playbooks for rule in read_rules(playbook)]
    request = replace(request_of(options, plan=True), watch=True)
    metrics = writable(Path(prometheus)) if prometheus else None
    told = list(channels(options.settings, webhook, email))
    site, scope = Path(options.playbooks[0]).stem, _scope(request)
    looked = _look(request, options, rules)
    fixed: list[Finding] = []
    if fix:
        todo = chosen(looked.check.findings, only_host, only_task)
        if todo and _agreed(todo, options):
            repair = _look(replace(request, fixes=targets(todo)), options, rules)
            fixed = fixing.fixed(todo, repair.events.kept)
            looked = _look(request, options, rules)  # what was put right may have put other things wrong
            looked = replace(looked, check=fixing.with_failures(looked.check, repair.check))
        elif not todo:
            click.echo("nothing of this has drifted: there is nothing to fix", err=True)
    check = looked.check
    with opened(request.state_dir / database.FILE) as db:
        succeeded = seen.last_success(db, scope)
    if metrics:
        write_whole(metrics, telling.metrics(check, site, succeeded))
    for problem in tell(told, request.state_dir / database.FILE, scope, check, site):
        click.echo(f"[WARNING]: {problem}", err=True)
    _show(looked, fixed, options)
    for rule in rules:
        if rule.until < date.today():  # noqa: DTZ011
            click.echo(f"[WARNING]: a rule of drift.yml has ended on {rule.until}: {rule.reason}", err=True)
    return check.exit_code


def channels(settings: Settings, webhook: str | None, email: tuple[str, ...]) -> Iterator[Channel]:
    """Who is to be told. Raises `UsageError` where that can't be done."""
    if webhook:
        yield Channel("webhook", lambda _, text: send(webhook, text))
    recipients = recipients_of(email)
    if recipients:
        password = os.environ.get("PROVISION_SMTP_PASSWORD", "")
        way = mail_of(settings.smtp_server, settings.smtp_security, settings.smtp_user, password, settings.mail_from)
        yield Channel("mail", lambda subject, text: send_mail(way, recipients, subject, text))


def _known(db: sqlite3.Connection, key: bytes) -> Known:
    return Known(partial(surveys.surveyed, db), partial(surveys.manages, db),
                 lambda watch, line: surveys.compared(watch, line, key))  # fmt: skip


def _look(request: app.Request, options: RunOptions, rules: list[Rule]) -> _Looked:
    """One check run, judged and kept; with `request.fixes` these are applied on its way."""
    started, events = time.time(), _Events()
    kept: dict[HostName, Record] = {}

    def noticed(told: Sequence[Event]) -> list[Finding]:
        with opened(request.state_dir / database.FILE) as db:
            return list(watched(told, _known(db, key_in(request.state_dir)), (), started))

    traces = Traces(noticed)
    app.apply(replace(request, on_record=kept.__setitem__, partings=(traces,)), [_screen(), *reports(options), events])
    for host, record in kept.items():
        if record.problem:
            click.echo(f"[WARNING]: {visible(host)}: {record.problem}", err=True)
    with opened(request.state_dir / database.FILE) as db:
        applying = [run.id for run in runs(db, Filter(), 200) if not run.checked and run.id != events.run
                    and (run.outcome == RUNNING or (run.ended or 0.0) > started)]  # fmt: skip
        check = check_of(events.kept, lambda resource: baseline_of(db, resource), applying, kept)
        beyond = watched(events.kept, _known(db, key_in(request.state_dir)), applying, started)
        found = tuple(hinted(each, traces.told) for each in (*check.findings, *beyond))
        check = replace(check, findings=found)
        counted, ignored = split(check.findings, rules, date.today())  # noqa: DTZ011 - the user's day
        whole = request.tags == frozenset(["all"]) and not request.skip_tags
        check = seen.keep(db, _scope(request), replace(check, findings=tuple(counted)), started, whole=whole)
    return _Looked(check, ignored, events)


def _agreed(todo: list[Finding], options: RunOptions) -> bool:
    """Show what is to be applied, and ask. On standard error: the report follows on the other."""
    for line in telling.details(todo, paint_of(Terminal.of(sys.stderr))):
        write(sys.stderr, line + "\n")
    tasks = f"{len(todo)} task{'s' if len(todo) != 1 else ''}"
    return confirmed(f"Apply {'these' if len(todo) != 1 else 'this'} {tasks}?", yes=options.yes, what="hosts")


def _show(looked: _Looked, fixed: list[Finding], options: RunOptions) -> None:
    if options.json:
        data = telling.as_json(looked.check, looked.ignored, options.playbooks, looked.events.run, fixed)
        write(sys.stdout, json.dumps(sound(data), indent=2) + "\n")
        return
    paint = paint_of(Terminal.of(sys.stdout))
    for line in (*telling.fixed_lines(fixed, paint), *telling.lines(looked.check, looked.ignored, paint)):
        write(sys.stdout, line + "\n")


def _screen() -> Collecting:
    """What fails is told on standard error while it happens; the report comes at the end."""
    terminal = Terminal.of(sys.stdout)
    fancy = terminal.fancy and sys.stderr.isatty()
    screen = (LiveScreen(sys.stdout, sys.stderr, lambda: size_of(sys.stdout)) if fancy
              else PlainScreen(sys.stdout, sys.stderr))  # fmt: skip
    return Collecting(screen, "checks", paint_of(terminal), steps=False)


def _scope(request: app.Request) -> str:
    """What makes two checks comparable: the same playbooks with the same inventories."""
    return json.dumps([list(_absolute(request.playbooks)), list(_absolute(request.inventories))])


def _absolute(paths: tuple[str, ...]) -> Iterator[str]:
    return (str(Path(path).absolute()) if Path(path).exists() else path for path in paths)
