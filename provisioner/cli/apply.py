"""`provision apply` and `provision plan`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from provisioner import app
from provisioner.cli.called import called
from provisioner.cli.listing import listing
from provisioner.cli.options import RunOptions, ask_password, keyring, run_options
from provisioner.cli.places import cache_dir, state_dir
from provisioner.cli.savedplan import Saver, is_saved_plan, read_plan
from provisioner.cloud.touch import Touch
from provisioner.diag import UsageError
from provisioner.engine.targets import ConnectionDefaults
from provisioner.lang.extravars import parse_extra_vars
from provisioner.ui.colours import coloured, plain
from provisioner.ui.console import Console
from provisioner.ui.jsonl import JsonLines
from provisioner.ui.live import LiveScreen
from provisioner.ui.reports import ReportFile, writable
from provisioner.ui.sinks import Sink
from provisioner.ui.tally import Tally
from provisioner.ui.terminal import PlainScreen, Terminal, size_of
from provisioner.values import Secret

INVENTORIES = "inventories"


@click.command()
@run_options
def apply(options: RunOptions) -> int:
    """Run playbooks: make machines, hosts and apps what they say. Also carries out a plan that was saved."""
    if len(options.playbooks) == 1 and is_saved_plan(options.playbooks[0]):
        options, machines = read_plan(options.playbooks[0], options.settings)
        request = request_of(options)
        return _apply(replace(request, touch=replace(request.touch, saved=machines)), options, [])
    return _apply(request_of(options), options, [])


@click.command()
@run_options
@click.option("--detailed-exitcode", is_flag=True,
              help="0: in sync. 2: there are changes. 1: something could not be checked.")
@click.option("-o", "--output", "saved", metavar="FILE", help="Save it; `provision apply FILE` does exactly that.")
def plan(options: RunOptions, *, detailed_exitcode: bool, saved: str | None) -> int:
    """Show what apply would change, with diffs. Changes nothing."""
    tally = Tally()
    saver = Saver(Path(saved), options) if saved else None
    code = _apply(request_of(options, plan=True), options, [tally, *([saver] if saver else [])])
    if saver and code == app.SUCCESS:
        saver.save()
    return tally.exit_code() if detailed_exitcode and not options.only_lists else code


def _apply(request: app.Request, options: RunOptions, further: list[Sink]) -> int:
    if options.only_lists:
        click.echo(listing(request, options), nl=False)
        return app.SUCCESS
    return app.apply(request, [output(options), *reports(options), *further])


def request_of(options: RunOptions, *, plan: bool = False) -> app.Request:
    """What the options ask for. Passwords are asked for here."""
    vault = keyring(options.vault_id, options.vault_password_file, ask_vault_password=options.ask_vault_password)
    return app.Request(
        playbooks=options.playbooks,
        inventories=options.inventory or default_inventories(),
        check=plan or options.check,
        diff=plan or options.diff,
        limit=options.limit,
        tags=_words(options.tags) or frozenset(["all"]),
        skip_tags=_words(options.skip_tags),
        extra_vars=parse_extra_vars(options.extra_vars, vault),
        forks=options.forks,
        verbosity=options.verbose,
        force_handlers=options.force_handlers,
        connection=_connection(options),
        vault=vault,
        settings=options.settings,
        flush_cache=options.flush_cache,
        start_at_task=options.start_at_task,
        step=options.step,
        state_dir=state_dir(options.state_dir),
        cache_dir=cache_dir(),
        record=options.history,
        watch=not (plan or options.check),
        command=called(),
        touch=Touch(frozenset(options.target), frozenset(options.replace)),
        confirm=partial(confirmed, yes=options.yes),
    )


def confirmed(question: str, *, yes: bool, what: str = "machines") -> bool:
    """Whether `what` may be changed; an error where nobody can be asked."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(f"{what} would be changed, and there is nobody to ask", hint="say --yes")
    return click.confirm(question, err=True)


def default_inventories() -> tuple[str, ...]:
    """`./inventories` with every file in it, if it is there; else nothing, which leaves this machine."""
    return (INVENTORIES,) if Path(INVENTORIES).is_dir() else ()


def output(options: RunOptions) -> Sink:
    """The sink that the user reads."""
    return JsonLines(sys.stdout) if options.json else console(options.verbose, options.settings.show_custom_stats)


def reports(options: RunOptions) -> Iterator[Sink]:
    """The sinks that write files at the end."""
    if options.junit:
        from provisioner.ui.junit import junit  # noqa: PLC0415 - few runs write reports

        yield ReportFile(writable(Path(options.junit)), junit)
    if options.html:
        from provisioner.ui.page import page  # noqa: PLC0415

        yield ReportFile(writable(Path(options.html)), page)


def console(verbosity: int = 0, shows_custom_stats: bool = False) -> Sink:
    """Text on stdout: with colours and a live area on a terminal, plain lines elsewhere."""
    terminal = Terminal.of(sys.stdout)
    # A live area needs to know what else is written on the terminal: not so when warnings go elsewhere.
    live = terminal.fancy and sys.stderr.isatty()
    screen = (LiveScreen(sys.stdout, sys.stderr, lambda: size_of(sys.stdout)) if live
              else PlainScreen(sys.stdout, sys.stderr))
    return Console(screen, verbosity, terminal.columns, coloured if terminal.fancy else plain, shows_custom_stats)


def _connection(options: RunOptions) -> ConnectionDefaults:
    password = Secret(ask_password("SSH password")) if options.ask_pass else None
    become = None
    if options.ask_become_pass:
        typed = ask_password("BECOME password" + (" [SSH password]" if password else ""))
        become = Secret(typed) if typed or password is None else password
    return ConnectionDefaults(
        connection=options.connection,
        remote_user=options.user,
        private_key=options.private_key,
        password=password,
        become=options.become,
        become_user=options.become_user,
        become_method=options.become_method,
        become_password=become,
        timeout=options.timeout,
        host_key_checking="accept-new" if options.accept_new_host_keys else "strict",
    )


def _words(given: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word.strip() for text in given for word in text.split(",") if word.strip())
