"""`provision history` and `provision report`: runs that were recorded."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import click

from provisioner.cli.places import state_dir
from provisioner.diag import UsageError
from provisioner.events import Event, ItemResult, PlayStarted, RunStarted, Step, TaskResult, TaskStarted
from provisioner.history import db as database
from provisioner.history.compare import Work, differences, slower
from provisioner.history.queries import Filter, Run, events, find, opened, runs
from provisioner.ui.colours import Paint, coloured, plain
from provisioner.ui.escape import visible
from provisioner.ui.jsonl import JsonLines, sound
from provisioner.ui.junit import junit
from provisioner.ui.live import elapsed
from provisioner.ui.page import page
from provisioner.ui.reports import Told, write_whole
from provisioner.ui.table import Column, table
from provisioner.ui.terminal import Terminal, size_of, write

_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_KINDS = {"failed": "failed", "died": "failed", "changed": "changed", "ok": "ok", "running": "unknown"}

_where = click.option("--state-dir", "state", metavar="DIR", help="Where state is kept instead of the XDG place.")


@click.group(invoke_without_command=True)
@click.option("-n", "--lines", "count", type=click.IntRange(1), default=20, show_default=True, metavar="N",
              help="The last N runs.")  # fmt: skip
@click.option("--host", metavar="HOST", help="Only runs that this host had a part in.")
@click.option("--playbook", metavar="TEXT", help="Only runs of playbooks with this in their path.")
@click.option("--command", metavar="NAME", help="Only runs of this command: apply, plan, app.")
@click.option("--since", metavar="TIME", help="Only runs since then: 90m, 12h, 7d, or 2026-11-22.")
@click.option("--failed", is_flag=True, help="Only runs that failed, or died.")
@click.option("--json", "as_json", is_flag=True, help="All that is known of the runs, as JSON.")
@_where
@click.pass_context
def history(context: click.Context, *, count: int, host: str | None, playbook: str | None, command: str | None,
            since: str | None, failed: bool, as_json: bool, state: str | None) -> None:
    """Recorded runs, the newest first: who ran what, when, and how it ended. RUN in the commands below is the beginning
    of an id, or `last`, or `last~1` for the one before.

    \b
    provision history --host web-1 --since 7d
    provision history show last
    provision history diff last~1 last
    """
    context.obj = state_dir(state) / database.FILE
    if context.invoked_subcommand is not None:
        return
    wanted = Filter(host, playbook, command, _moment(since) if since else None, failed)
    with opened(context.obj) as db:
        found = runs(db, wanted, count)
    if as_json:
        click.echo(json.dumps(sound([_as_json(run) for run in found]), indent=2))
    elif found:
        width = size_of(sys.stdout).columns if sys.stdout.isatty() else None
        click.echo("\n".join(_list(found, width, _paint())), color=True)
    else:
        click.echo("no run was recorded that fits")


@history.command()
@click.argument("run")
@click.option("-v", "--verbose", count=True, help="Tasks that changed nothing too; -vv with where they stand.")
@click.pass_obj
def show(file: Path, *, run: str, verbose: int) -> None:
    """What a run changed, with diffs, and what failed, task by task."""
    with opened(file) as db:
        found = find(db, run)
        told = list(events(db, found))
    from provisioner.cli.apply import console  # noqa: PLC0415 - the rest answers without all that a run needs

    click.echo("\n".join(_head(found)))
    sink = console(verbose)
    for event, moment in told if verbose else _notable(told):
        sink.handle(event, moment)
    sink.close()


@history.command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.pass_obj
def diff(file: Path, *, before: str, after: str) -> int:
    """Where run B went another way than run A: tasks with another result, tasks that only one of them came to, and
    what took longer. Exit code 2 when there is a difference in results."""
    with opened(file) as db:
        first, second = find(db, before), find(db, after)
        old, new = ([event for event, _ in events(db, run)] for run in (first, second))
    paint = _paint()
    lines = [f"A  {_summary(first)}", f"B  {_summary(second)}", ""]
    found = list(differences(old, new))
    for each in found:
        lines.append(f"{_work(each.work)}: {paint(each.before, each.before)} -> {paint(each.after, each.after)}")
    lines += [f"{_work(work)}: {was / 1000:.1f} s -> {now / 1000:.1f} s" for work, was, now in slower(old, new)]
    click.echo("\n".join(lines if len(lines) > 3 else [*lines, "no task went another way"]), color=True)
    return 2 if found else 0


@click.command()
@click.argument("run")
@click.option("--format", "form", type=click.Choice(["html", "junit", "json"]), default="html", show_default=True)
@click.option("-o", "--output", metavar="FILE", help="Write there instead of to standard output.")
@_where
def report(*, run: str, form: str, output: str | None, state: str | None) -> None:
    """A recorded run as one self-contained page, as JUnit XML for CI servers, or as JSON lines.

    \b
    provision report last -o run.html
    """
    with opened(state_dir(state) / database.FILE) as db:
        text = _REPORTS[form](list(events(db, find(db, run))))
    if output is None:
        write(sys.stdout, text)
    else:
        write_whole(Path(output), text)


def _json_lines(told: Sequence[Told]) -> str:
    out = StringIO()
    sink = JsonLines(out)
    for event, moment in told:
        sink.handle(event, moment)
    return out.getvalue()


_REPORTS: dict[str, Callable[[Sequence[Told]], str]] = {"html": page, "junit": junit, "json": _json_lines}


def _list(found: Sequence[Run], width: int | None, paint: Paint) -> list[str]:
    outcomes = [run.outcome for run in found]
    cells: dict[str, tuple[list[str], int]] = {
        "RUN": ([run.id for run in found], 0),
        "STARTED": ([_local(run.started) for run in found], 0),
        "TOOK": ([_took(run) if run.ended else "" for run in found], 4),
        "BY": ([visible(f"{run.user}@{run.machine}") for run in found], 3),
        "HOSTS": ([str(len(run.hosts) or "") for run in found], 5),
        "CHANGED": ([str(run.total("changed") or "") for run in found], 2),
        "FAILED": ([str(run.total("failed") + run.total("unreachable") or "") for run in found], 1),
        "REVISION": ([_revision(run) for run in found], 6),
    }
    columns = [Column("RESULT", outcomes, [_KINDS[outcome] for outcome in outcomes])]
    columns += [Column(title, texts, (), rank) for title, (texts, rank) in cells.items()]
    columns += [Column("COMMAND", [visible(_command(run)) for run in found])]
    return table(columns, width, paint)


def _head(run: Run) -> Iterator[str]:
    yield f"run {run.id}: {visible(_command(run))}"
    came = f" from {visible(run.origin)}" if run.origin else ""
    yield f"  by {visible(run.user)}@{visible(run.machine)}{came}, in {visible(run.folder)}, provision {run.version}"
    if run.revision:
        dirty = {True: ", with changes that are not committed", False: "", None: ", whether with changes is not known"}
        yield f"  at {run.revision} ({visible(run.branch or '')}){dirty[run.dirty]}"
    if run.ended is not None:
        yield f"  {_local(run.started)}, took {_took(run)}, exit code {run.exit_code}"
    else:
        yield f"  {_local(run.started)}; " + ("it still runs" if run.alive else "it died: what follows is all there is")


def _notable(told: Sequence[Told]) -> Iterator[Told]:
    """Without what changed nothing, and headlines of it. A run that fixes drift leaves alone what it checks."""
    fixes = any(isinstance(event, RunStarted) and event.fixes for event, _ in told)

    def quiet(event: Event) -> bool:
        left_alone = fixes and isinstance(event, (TaskResult, ItemResult)) and event.checked
        return isinstance(event, (TaskResult, ItemResult, Step)) and (
            event.status in ("ok", "skipped") or (left_alone and event.status == "changed"))

    tasks = {event.task.id for event, _ in told
             if isinstance(event, (TaskResult, ItemResult, Step)) and not quiet(event)}  # fmt: skip
    for event, moment in told:
        if quiet(event) or (isinstance(event, TaskStarted) and event.task.id not in tasks):
            continue
        if not isinstance(event, PlayStarted) or event.hosts:
            yield event, moment


def _as_json(run: Run) -> dict[str, Any]:
    return {**asdict(run), "outcome": run.outcome}


def _summary(run: Run) -> str:
    return f"{run.id}  {_local(run.started)}  {run.outcome}  {visible(_command(run))}"


def _command(run: Run) -> str:
    return " ".join(run.command or run.playbooks)


def _revision(run: Run) -> str:
    return f"{run.revision[:8]}{'+' if run.dirty else ''}" if run.revision else ""


def _took(run: Run) -> str:
    seconds = (run.ended or run.started) - run.started
    return f"{seconds:.1f} s" if seconds < 60 else elapsed(seconds)


def _work(work: Work) -> str:
    host, role, name, _, part = work
    title = f"{role} : {name}" if role else name
    return visible(f"{host}  {title}" + (f" ({part})" if part else ""))


def _local(moment: float) -> str:
    return datetime.fromtimestamp(moment).astimezone().isoformat(sep=" ", timespec="seconds")[:19]


def _moment(text: str) -> float:
    """`7d`, or a date, as seconds since the epoch."""
    ago = re.fullmatch(r"(\d+) ?([mhdw])", text.strip())
    if ago is not None:
        return time.time() - int(ago[1]) * _UNITS[ago[2]]
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except ValueError:
        raise UsageError(f"--since {text}: no time",
                         hint="as in 90m, 12h, 7d, 2026-11-22 or 2026-11-22T19:00") from None  # fmt: skip


def _paint() -> Paint:
    return coloured if Terminal.of(sys.stdout).fancy else plain
