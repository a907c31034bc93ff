"""What the commands of `provision app` have in common: the way to the hosts, and the screen meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from provisioner import app as core
from provisioner.cli.apply import request_of
from provisioner.cli.options import RunOptions
from provisioner.diag import UsageError
from provisioner.nextjs.settings import is_wave
from provisioner.ui.collecting import Collecting
from provisioner.ui.colours import Paint, coloured, plain
from provisioner.ui.live import LiveScreen
from provisioner.ui.terminal import PlainScreen, Terminal, size_of
from provisioner.values import HostName

#: Steps of a release that take time, as they are told.
STEPS: Mapping[str, str] = {
    "lay": "prepares a free slot", "start": "starts it", "check": "waits until it answers",
    "point": "sends the requests there", "watch": "watches it, and ends the last requests to the other slot",
    "retire": "retires the other slot", "reopen": "goes back: it is not well", "return": "sends the requests back",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """code: the exit code. results: of each host that was reached, masked."""

    code: int
    results: Mapping[HostName, Mapping[str, Any]]

    @property
    def reports(self) -> dict[str, Mapping[str, Any]]:
        """Of the hosts that have the app, what they told about it."""
        return {host: result["app"] for host, result in self.results.items() if result.get("app")}


def on_hosts(options: RunOptions, what: str, work: core.Work, *, forks: int | None = None, patient: bool = True,
             on_output: Callable[[HostName, str, str], None] | None = None) -> Asked:
    """Do `work` on the hosts that the options name, as root unless they say otherwise. forks: hosts at a time."""
    request = request_of(replace(options, become=True))
    request = replace(request, forks=forks or request.forks)
    terminal = Terminal.of(sys.stdout)
    fancy = terminal.fancy and sys.stderr.isatty() and on_output is None
    screen = (LiveScreen(sys.stdout, sys.stderr, lambda: size_of(sys.stdout)) if fancy
              else PlainScreen(sys.stdout, sys.stderr))  # fmt: skip
    sink = Collecting(screen, what, paint_of(terminal), STEPS, on_output)
    code = core.on_hosts(request, what, work, [sink], patient=patient)
    return Asked(code, sink.results)


def paint_of(terminal: Terminal) -> Paint:
    return coloured if terminal.fancy else plain


def width() -> int | None:
    """Columns that a table may take; None where nobody cuts them."""
    return size_of(sys.stdout).columns if sys.stdout.isatty() else None


def sizes(text: str) -> tuple[int | str, ...]:
    """`1,100%` as the setting `rollout` has it."""
    found = tuple(int(word) if word.isdigit() else word for word in text.replace(" ", "").split(","))
    if not all(map(is_wave, found)):
        raise UsageError(f"--rollout {text}: numbers of hosts and shares of them, with commas", hint="as in 1,50%")
    return found
