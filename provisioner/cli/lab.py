"""`provision lab`: throw-away systemd hosts on this machine."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from provisioner.diag import LabError, UsageError, near
from provisioner.lab import DEFAULT_RELEASE, RELEASES, Lab, LabHost, default_state_dir
from provisioner.lab.image import Progress, Report


@click.group(help="Throw-away Debian hosts with systemd and SSH on this machine.")
@click.option("--state-dir", type=click.Path(path_type=Path), help="Keep the lab under DIR instead of the XDG place.")
@click.pass_context
def lab(context: click.Context, state_dir: Path | None) -> None:
    context.obj = default_state_dir() if state_dir is None else state_dir / "lab"


@lab.command()
@click.argument("names", nargs=-1)
@click.option("--count", type=click.IntRange(1, 200), help="Start N further hosts, named lab-1, lab-2 and so on.")
@click.option("--release", type=click.Choice(RELEASES), help=f"Debian release (default: {DEFAULT_RELEASE}).")
@click.option("--with", "packages", metavar="PKG,...", default="", help="Debian packages they have from the start.")
@click.pass_obj
def up(state_dir: Path, names: tuple[str, ...], count: int | None, release: str | None, packages: str) -> None:
    """Start hosts. The first use of a release builds its root filesystem (half a minute) and keeps it in the cache."""
    wanted = [package for package in packages.replace(",", " ").split() if package]
    with progress() as report:
        made = Lab(state_dir, report=report)
        hosts = made.up(names, count=count or (0 if names else 1), release=release, packages=wanted)
    for host in hosts:
        click.echo(f"{host.name}  {host.address}")
    click.echo(f"inventory: {made.inventory_file}")


@lab.command()
@click.argument("names", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every host, and all that a killed run may have left.")
@click.pass_obj
def down(state_dir: Path, names: tuple[str, ...], every: bool) -> None:
    """Remove hosts and everything they hold."""
    if every == bool(names):
        raise UsageError("Name the hosts to remove, or say --all", hint="`provision lab list` shows them")
    if every:
        Lab(state_dir).down_all()
    else:
        Lab(state_dir).down(names)


@lab.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.pass_obj
def list_hosts(state_dir: Path, as_json: bool) -> None:
    """Show the hosts."""
    hosts = Lab(state_dir).hosts()
    if as_json:
        click.echo(json.dumps([_row(host) for host in hosts], indent=2))
    elif not hosts:
        click.echo("no lab hosts", err=True)
    elif sys.stdout.isatty():
        Console().print(_table(hosts))
    else:
        for row in map(_row, hosts):
            click.echo("\t".join(str(value) for value in row.values()))


@lab.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option("--user", default="root", show_default=True)
@click.pass_obj
def ssh(state_dir: Path, name: str, command: tuple[str, ...], user: str) -> None:
    """Log in to host NAME, or run a command there, with the lab's key and the host's known key."""
    hosts = {host.name: host for host in Lab(state_dir).hosts()}
    if name not in hosts:
        raise LabError(f"There is no lab host {name!r}", hint=near(name, hosts) or "`provision lab list` shows them")
    argv = [*hosts[name].ssh_command(user), *(["--", *command] if command else [])]
    os.execvp(argv[0], argv)  # noqa: S606 - becomes ssh, so that signals and the terminal are its own


def _row(host: LabHost) -> dict[str, str]:
    return {
        "name": host.name,
        "address": host.address,
        "state": "running" if host.is_running() else "off",
        "release": host.record.release,
        "packages": ",".join(host.record.packages),
    }


def _table(hosts: list[LabHost]) -> Table:
    rows = [_row(host) for host in hosts]
    table = Table(*rows[0], box=None, header_style="bold")
    for row in rows:
        table.add_row(*row.values())
    return table


@contextmanager
def progress() -> Iterator[Report]:
    """Shows the building of images on stderr: a bar on a terminal, else a line at every tenth."""
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        with _bars() as report:
            yield report
    else:
        yield _Lines()


@contextmanager
def _bars() -> Iterator[Report]:
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn(),
        TextColumn("{task.fields[text]}", markup=False, style="dim"),
    )  # fmt: skip
    with Bars(*columns, console=Console(stderr=True)) as bars:
        tasks = {}

        def report(now: Progress) -> None:
            if now.title not in tasks:
                tasks[now.title] = bars.add_task(now.title, total=1.0, text="")
            bars.update(tasks[now.title], completed=now.fraction, text=now.text[:60])

        yield report


class _Lines:
    """Plain progress for pipes and logs."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def __call__(self, progress: Progress) -> None:
        tenth = int(progress.fraction * 10)
        if self._last.get(progress.title) != tenth:
            self._last[progress.title] = tenth
            click.echo(f"{progress.title}: {tenth * 10} % {progress.text}", err=True)
