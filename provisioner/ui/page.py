"""A run as one HTML page: self-contained, without a script, everything from hosts as text."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from provisioner.events import (
    Event,
    HostStats,
    Included,
    ItemResult,
    NoHosts,
    PlayStarted,
    RunEnded,
    RunStarted,
    Step,
    TaskResult,
    Warned,
)
from provisioner.ui.colours import plain
from provisioner.ui.diffs import diffs_of, render
from provisioner.ui.escape import visible, visible_lines
from provisioner.ui.junit import reason
from provisioner.ui.moments import utc
from provisioner.ui.reports import Told

_STYLE: Final = """\
:root { color-scheme: light dark; --line: #8884;
  --ok: #1a7f37; --changed: #9a6700; --failed: #cf222e; --unknown: #8250df; }
@media (prefers-color-scheme: dark) {
  :root { --ok: #3fb950; --changed: #d29922; --failed: #f85149; --unknown: #bc8cff; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem;
  overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
.wide { overflow-x: auto; }
th, td { text-align: left; padding: .2rem .6rem; border-bottom: 1px solid var(--line); }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
details { border-bottom: 1px solid var(--line); padding: .2rem 0; }
summary { cursor: pointer; }
pre { overflow-x: auto; padding: .5rem; border: 1px solid var(--line); border-radius: .3rem; font-size: 13px; }
.dim { opacity: .7; }
.ok, .added { color: var(--ok); } .changed { color: var(--changed); } .skipped { opacity: .6; }
.failed, .unreachable, .removed, .died { color: var(--failed); } .unknown, .lines, .running { color: var(--unknown); }
"""

_POLICY: Final = "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'"


def page(told: Sequence[Told]) -> str:
    """Of one run. A run without an end says so."""
    started = next(((event, moment) for event, moment in told if isinstance(event, RunStarted)), None)
    ended = next((event for event, _ in told if isinstance(event, RunEnded)), None)
    title = "Run" if started is None else f"{'Plan' if started[0].check else 'Run'} {started[0].run}"
    body = [f"<h1>{_escaped(title)}</h1>", *_head(started, ended), *_recap(ended), *_happened(told)]
    return document(title, body)


def document(title: str, body: Sequence[str]) -> str:
    """A whole page. It may load nothing from anywhere, and its own style is the only one that counts."""
    policy = _POLICY.format(base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode())
    return "\n".join([
        "<!doctype html>", '<html lang="en">', '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_escaped(title)}</title>", f"<style>{_STYLE}</style>", *body, "</html>", ""])  # fmt: skip


def rows(head: Sequence[str], lines: Sequence[Sequence[str | int]], kinds: Sequence[str] = ()) -> list[str]:
    """A table; `kinds` colours the first cell of each line. Cells are text, never HTML."""
    made = ['<div class="wide"><table>', "<tr>" + "".join(f"<th>{_escaped(name)}</th>" for name in head) + "</tr>"]
    for number, line in enumerate(lines):
        kind = kinds[number] if kinds else ""
        cells = [_cell(cell, kind if at == 0 else "") for at, cell in enumerate(line)]
        made.append(f"<tr>{''.join(cells)}</tr>")
    return [*made, "</table></div>"]


def _cell(content: str | int, kind: str) -> str:
    if isinstance(content, int):
        return f'<td class="n">{content}</td>'
    return f'<td class="{kind}">{_escaped(content)}</td>'


def block(text: str) -> str:
    """Text of several lines; those of a diff have its colours."""
    marks = {"+": "added", "-": "removed", "@": "lines"}
    lines = [f'<span class="{marks[line[0]]}">{html.escape(line)}</span>' if line[:1] in marks else html.escape(line)
             for line in visible_lines(text)]  # fmt: skip
    return f"<pre>{chr(10).join(lines)}</pre>"


def _head(started: tuple[RunStarted, float] | None, ended: RunEnded | None) -> Iterator[str]:
    if started is None:
        return
    event, moment = started
    end = ("it has no end: it was killed, or still runs" if ended is None else
           f"took {ended.duration_ms / 1000:.1f} s, exit code {ended.exit_code}")  # fmt: skip
    command = " ".join(("provision", *event.command)) if event.command else " ".join(event.playbooks)
    yield f"<p><code>{_escaped(command)}</code></p>"
    yield f'<p class="dim">{utc(moment)} · {_escaped(end)} · provision {_escaped(event.version)}</p>'


def _recap(ended: RunEnded | None) -> Iterator[str]:
    if ended is None:
        return
    hosts = sorted(ended.stats.items())
    yield "<h2>Hosts</h2>"
    yield from rows(["host", *asdict(HostStats())], [[host, *asdict(stats).values()] for host, stats in hosts],
                    [_state(stats) for _, stats in hosts])  # fmt: skip


def _state(stats: HostStats) -> str:
    return "failed" if stats.failed or stats.unreachable else "changed" if stats.changed else "ok"


def _happened(told: Sequence[Told]) -> Iterator[str]:
    current = ""
    for event, _ in told:
        match event:
            case PlayStarted():
                yield f"<h2>Play: {_escaped(event.name)}</h2>"
                current = ""
            case NoHosts():
                yield f'<p class="skipped">no hosts matched {_escaped(event.reason)}</p>'
            case Warned():
                yield f'<p class="changed">Warning: {_escaped(f"{event.path} {event.message}".strip())}</p>'
            case TaskResult() | ItemResult() | Step() | Included():
                if event.task.module == "meta":
                    continue
                if event.task.id != current:
                    current = event.task.id
                    place = f'<small class="dim">{_escaped(event.task.path)}</small>'
                    yield f"<h3>{_escaped(event.task.title)} {place}</h3>"
                yield from _line(event)


def _line(event: Event) -> Iterator[str]:
    match event:
        case Included():
            yield f"<p>included {_escaped(event.file)} for {_escaped(', '.join(event.hosts))}</p>"
        case TaskResult():
            if not event.loop or event.status in ("skipped", "unreachable"):
                yield _result(event.host, event.status, event.ms, event.result, ignored=event.ignored or event.rescued)
        case ItemResult():
            yield _result(f"{event.host} (item={event.label})", event.status, event.ms, event.result,
                          ignored=event.ignored)  # fmt: skip
        case Step():
            yield _result(f"{event.host} {event.name}", event.status, event.ms, event.result)


def _result(what: str, status: str, ms: float, result: Mapping[str, Any], *, ignored: bool = False) -> str:
    why = reason(result) if status in ("failed", "unreachable", "unknown", "skipped") else ""
    after = f" {why}" if why else ""
    after += " (the play went on)" if ignored else ""
    took = f" {ms / 1000:.1f} s" if ms >= 100 else ""
    head = (f'<span class="{_escaped(status)}">{_escaped(status)}</span> {_escaped(what)}{_escaped(after)}'
            f'<span class="dim">{took}</span>')  # fmt: skip
    changes = [text for diff in diffs_of(result) if (text := render(diff, plain))]
    rest = {key: value for key, value in result.items() if key not in ("diff", "changed", "unknown")}
    inner = [block(text) for text in changes]
    if rest and status not in ("ok", "skipped"):
        inner.append(block(json.dumps(rest, indent=2, sort_keys=True, default=str, ensure_ascii=False)))
    opened = " open" if status in ("failed", "unreachable") or changes else ""
    return f"<details{opened}><summary>{head}</summary>{''.join(inner)}</details>" if inner else f"<div>{head}</div>"


def _escaped(text: str) -> str:
    return html.escape(visible(text))
