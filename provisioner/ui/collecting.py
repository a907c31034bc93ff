"""A sink for commands that ask hosts and then show one answer: keeps the results, and tells what goes on meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from provisioner.events import Event, HostBegan, HostText, NoHosts, Step, TaskResult, Warned
from provisioner.ui.colours import Paint, plain
from provisioner.ui.escape import visible, visible_lines, visible_message
from provisioner.ui.lines import live_lines
from provisioner.ui.live import LiveScreen
from provisioner.ui.terminal import Screen
from provisioner.values import HostName


@dataclass(slots=True)
class Collecting:
    """results: of each host, masked. words: what a progress line of the host means, for those worth a line; others are
    for the live area. on_output: gets live output as (host, stream, lines)."""

    screen: Screen
    what: str
    paint: Paint = plain
    words: Mapping[str, str] = field(default_factory=dict)
    on_output: Callable[[HostName, str, str], None] | None = None
    steps: bool = True
    """Whether the steps of composed tasks are told as they come."""
    results: dict[HostName, Mapping[str, Any]] = field(default_factory=dict)
    _last: dict[HostName, str] = field(default_factory=dict)

    def handle(self, event: Event, time: float) -> None:
        match event:
            case HostBegan() if isinstance(self.screen, LiveScreen):
                self.screen.begin(visible(event.host), self.what)
            case HostText(stream="progress"):
                self._progress(event)
            case HostText() if self.on_output is not None:
                self.on_output(event.host, event.stream, event.text)
            case Step() if self.steps:
                took = f" ({event.ms / 1000:.1f} s)" if event.ms >= 100 else ""
                self.screen.print(self.paint(f"{visible(event.host)}: {visible(event.name)}{took}", event.status))
            case Warned():
                self.note(f"[WARNING]: {visible_message(event.message)}", "warning")
            case NoHosts():
                self.note("[WARNING]: no hosts matched", "warning")
            case TaskResult():
                self._result(event)

    def close(self) -> None:
        self.screen.close()

    def note(self, text: str, what: str) -> None:
        """A line beside the answer, on standard error."""
        self.screen.print(self.paint(text, what), error=True)

    def _progress(self, event: HostText) -> None:
        for line in live_lines(event.text):
            if isinstance(self.screen, LiveScreen):
                self.screen.tell(visible(event.host), self.words.get(line, line))
            elif line in self.words and self._last.get(event.host) != line:
                self._last[event.host] = line
                self.note(f"{visible(event.host)}: {self.words[line]}", "dim")

    def _result(self, event: TaskResult) -> None:
        self.results[event.host] = event.result
        if isinstance(self.screen, LiveScreen):
            self.screen.end(visible(event.host))
        for warning in event.result.get("warnings", ()):
            first, *rest = visible_lines(str(warning)) or [""]
            self.note("\n".join([f"{visible(event.host)}: [WARNING]: {first}", *(f"  | {line}" for line in rest)]),
                      "warning")  # fmt: skip
        if event.status in ("failed", "unreachable"):
            told = visible_lines(str(event.result.get("msg") or event.status))
            hint = event.result.get("hint")
            lines = [f"{visible(event.host)}: {event.status.upper()}: {told[0]}", *(f"  | {line}" for line in told[1:])]
            lines += [f"  hint: {visible(str(hint))}"] if hint else []
            self.note("\n".join(lines), event.status)
