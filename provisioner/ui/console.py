"""Events as text for people, in Ansible's words and line forms."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from provisioner.events import (
    Event,
    HostBegan,
    HostStats,
    HostText,
    Included,
    ItemResult,
    MachinesPlanned,
    MachineStep,
    MetaResult,
    NoHosts,
    PlayStarted,
    Retry,
    RunEnded,
    RunStarted,
    Step,
    TaskRef,
    TaskResult,
    TaskStarted,
    Warned,
)
from provisioner.ui.codeframe import read_line_of_run
from provisioner.ui.colours import Paint, plain
from provisioner.ui.customstats import CustomStats
from provisioner.ui.diffs import diffs_of, render
from provisioner.ui.escape import columns, visible, visible_message
from provisioner.ui.lines import TAIL, dump, failure_block, failure_head, live_lines, names
from provisioner.ui.live import LiveScreen, elapsed
from provisioner.ui.machines import doing, plan_lines, step_line
from provisioner.ui.terminal import PLAIN_COLUMNS, Screen

_Work: TypeAlias = tuple[str, str]
"""Host and task id."""

_WORDS: Final[Mapping[str, str]] = {
    "ok": "ok", "changed": "changed", "skipped": "skipping", "failed": "failed", "unknown": "unknown",
}

_BROKEN_OFF: Final = 1
_TELLING: Final = frozenset({"debug", "assert"})
"""Modules whose whole point is what they tell: shown without -v."""


@dataclass(slots=True)
class Console:
    """A `Sink`. Everything that comes from hosts or files is escaped here."""

    screen: Screen
    verbosity: int = 0
    columns: int = PLAIN_COLUMNS
    paint: Paint = plain
    shows_custom_stats: bool = False
    """Whether what `set_stats` keeps is told at the end."""
    _task: str = ""
    """The task whose headline was printed last."""
    _items: set[_Work] = field(default_factory=set)
    """Loops of which at least one item was told."""
    _recent: dict[_Work, deque[str]] = field(default_factory=dict)
    """Last lines of live output."""
    _warned: set[str] = field(default_factory=set)
    _had_machines: bool = False
    _stats: CustomStats = field(default_factory=CustomStats)

    def handle(self, event: Event, time: float) -> None:
        _HANDLERS[type(event)](self, event)

    def close(self) -> None:
        self.screen.close()

    # -- headlines ------------------------------------------------------------------------------------------

    def run_started(self, event: RunStarted) -> None:
        if self.verbosity >= 2:
            self._banner(f"PLAYBOOK: {names(event.playbooks)}")
            for count, playbook in zip(event.plays, event.playbooks, strict=False):
                self._print(f"{count} plays in {visible(playbook)}", "verbose")

    def play_started(self, event: PlayStarted) -> None:
        self._task = ""
        self._banner(f"PLAY [{visible(event.name)}]")
        if self.verbosity >= 2 and event.path:
            self._print(f"play path: {visible(event.path)}", "verbose")

    def no_hosts(self, event: NoHosts) -> None:
        reason = f" ({visible(event.reason)})" if event.reason else ""
        self._print(f"skipping: no hosts matched{reason}", "skipped")

    def task_started(self, event: TaskStarted) -> None:
        task = event.task
        if task.id == self._task:
            return  # hosts that came by another way: their results belong below the same headline
        self._task = task.id
        self._banner(f"{'RUNNING HANDLER' if task.handler else 'TASK'} [{_title(task)}]")
        if self.verbosity >= 2 and task.path:
            self._print(f"task path: {visible(task.path)}", "verbose")

    # -- while a host works -----------------------------------------------------------------------------------

    def host_began(self, event: HostBegan) -> None:
        self._recent.pop((event.host, event.task.id), None)
        if isinstance(self.screen, LiveScreen):
            item = f" (item={visible(event.item)})" if event.item else ""
            self.screen.begin(visible(event.host), _title(event.task) + item, silent=event.task.module == "pause")

    def host_text(self, event: HostText) -> None:
        lines = live_lines(event.text)
        if not lines:
            return
        if isinstance(self.screen, LiveScreen):
            self.screen.tell(visible(event.host), lines[-1])
        if event.stream == "progress":
            return
        self._recent.setdefault((event.host, event.task.id), deque(maxlen=TAIL)).extend(lines[-TAIL:])
        if self.verbosity:
            # A host may be ahead of the headline: then say what it is about.
            task = "" if event.task.id == self._task else f" {_title(event.task)}:"
            self._print("\n".join(f"    {visible(event.host)} |{task} {line}" for line in lines), "dim")

    def step(self, event: Step) -> None:
        """One line, indented, so that counts by `^changed:` stay those of tasks."""
        self._warnings(event.result)
        self._diffs(event.result)
        line = f"  {_WORDS.get(event.status, event.status)}: [{visible(event.host)}] {visible(event.name)}"
        if event.ms >= 100:
            line += f" ({_duration(event.ms)})"
        reason = _reason(event.result) if event.status in ("failed", "skipped", "unknown") else ""
        if reason:
            line += f" => {reason}"
        elif self.verbosity:
            line += f" => {dump(event.result, self.verbosity)}"
        self._print(line, event.status)
        if event.status == "failed":
            work = (event.host, event.task.id)
            for text in failure_block(event.result, self._recent.pop(work, ()), live=self._was_live(work)):
                self._print(f"  {text}", "failed")

    def retry(self, event: Retry) -> None:
        line = f"FAILED - RETRYING: [{visible(event.host)}]: {_title(event.task)} ({event.left} retries left)."
        if self.verbosity >= 2:
            line += f" Result was: {dump(event.result, self.verbosity)}"
        self._print(line, "retry")

    # -- results ----------------------------------------------------------------------------------------------

    def item_result(self, event: ItemResult) -> None:
        work = (event.host, event.task.id)
        self._items.add(work)
        self._stats.feed(event)
        self._warnings(event.result)
        self._diffs(event.result)
        host = _host(event.host, event.delegate)
        item = f"(item={visible(event.label)})"
        if event.status == "failed":
            self._failure(f"failed: [{host}] {item}", event.result, event.task, work)
        elif event.status == "unreachable":
            self._failure(f"fatal: [{host}] {item}: UNREACHABLE!", event.result, event.task, work)
        else:
            self._result(f"{_WORDS[event.status]}: [{host}] => {item}", event.task, event.status, event.result)

    def task_result(self, event: TaskResult) -> None:
        work = (event.host, event.task.id)
        told = event.loop and work in self._items
        self._items.discard(work)
        self._stats.feed(event)
        if isinstance(self.screen, LiveScreen):
            self.screen.end(visible(event.host))
        host = _host(event.host, event.delegate)
        if event.status == "unreachable":
            self._failure(f"fatal: [{host}]: UNREACHABLE!", event.result, event.task, work)
        elif not told:
            self._alone(event, host, work)
        elif event.status == "skipped":
            self._print(f"skipping: [{host}]", "skipped")
        if event.ignored:
            self._print("...ignoring", "skipped")
        self._recent.pop(work, None)

    def _alone(self, event: TaskResult, host: str, work: _Work) -> None:
        """A result that stands for itself: no loop, or a loop that got to no item."""
        self._warnings(event.result)
        self._diffs(event.result)
        if event.status == "failed":
            result = _first_failure(event) if event.loop else event.result
            self._failure(f"fatal: [{host}]: FAILED!", result, event.task, work)
        elif event.task.module != "meta":
            self._result(f"{_WORDS[event.status]}: [{host}]", event.task, event.status, event.result)

    def included(self, event: Included) -> None:
        item = f" => (item={visible(event.item)})" if event.item is not None else ""
        self._print(f"included: {visible(event.file)} for {names(event.hosts)}{item}", "included")

    def _result(self, head: str, task: TaskRef, status: str, result: Mapping[str, Any]) -> None:
        if status == "unknown":
            head += f" => {_reason(result) or 'not known in check mode'}"
        elif task.module in _TELLING and status in ("ok", "changed"):
            told = _of_debug(result) if task.module == "debug" else result
            head += f" => {dump(told, self.verbosity, pretty=True)}"
        elif self.verbosity > (2 if task.module == "setup" else 0):
            head += f" => {dump(result, self.verbosity)}"
        self._print(head, status)

    def _failure(self, head: str, result: Mapping[str, Any], task: TaskRef, work: _Work) -> None:
        kind = "unreachable" if "UNREACHABLE!" in head else "failed"
        error = failure_head(result, task.path, read_line_of_run)
        self._print("\n".join([*error, f"{head} => {dump(result, self.verbosity)}"]), kind)
        block = failure_block(result, self._recent.get(work, ()), live=self._was_live(work), verbosity=self.verbosity)
        if block:
            self._print("\n".join(block), kind)

    def _was_live(self, work: _Work) -> bool:
        """Whether the output of this work was printed while it came."""
        return bool(self.verbosity) and work in self._recent

    def _diffs(self, result: Mapping[str, Any]) -> None:
        for diff in diffs_of(result):
            text = render(diff, self.paint)
            if text:
                self.screen.print(text + "\n")

    def meta_result(self, event: MetaResult) -> None:
        if self.verbosity >= (4 if event.implicit else 2):
            self._print(f"META: {visible(event.text)}", "verbose")
        if event.skipped:
            told = f" => {dump({'skip_reason': event.text}, self.verbosity)}" if self.verbosity else ""
            self._print(f"skipping: [{visible(event.host)}]{told}", "skipped")

    # -- machines ---------------------------------------------------------------------------------------------

    def machines_planned(self, event: MachinesPlanned) -> None:
        self._had_machines = True
        self._banner(f"MACHINES [{visible(event.site)}]")
        for line, kind in plan_lines(event):
            self._print(line, kind)

    def machine_step(self, event: MachineStep) -> None:
        live = self.screen if isinstance(self.screen, LiveScreen) else None
        if live is not None and event.phase in ("begun", "waiting"):
            live.begin(visible(event.resource), doing(event))
            return
        if live is not None:
            live.end(visible(event.resource))
        if event.phase != "begun":
            self._print(step_line(event), {"done": "changed", "failed": "failed"}.get(event.phase, "dim"))

    # -- warnings and the end -----------------------------------------------------------------------------------

    def _warnings(self, result: Mapping[str, Any]) -> None:
        for message in result.get("warnings") or ():
            self._warn(visible(str(message)))

    def warned(self, event: Warned) -> None:
        place = f"{visible(event.path)}: " if event.path else f"[{visible(event.host)}] " if event.host else ""
        self._warn(place + visible_message(event.message))

    def _warn(self, message: str) -> None:
        """The same warning only once."""
        if message not in self._warned:
            self._warned.add(message)
            self.screen.print(self.paint(f"[WARNING]: {message}", "warning"), error=True)

    def run_ended(self, event: RunEnded) -> None:
        if event.exit_code == _BROKEN_OFF or (not event.stats and self._had_machines):
            return
        self._banner("PLAY RECAP")
        for host, stats in sorted(event.stats.items()):
            self.screen.print(_recap(host, stats, self.paint))
        self.screen.print("")
        custom = list(self._stats.lines()) if self.shows_custom_stats else []
        if custom:
            self._banner("CUSTOM STATS:")
            self.screen.print("\n".join([*custom, ""]))
        if self.verbosity:
            trips = sum(event.round_trips.values())
            self._print(f"took {_duration(event.duration_ms)}, {trips} round trips", "verbose")

    # -- printing -----------------------------------------------------------------------------------------------

    def _banner(self, text: str) -> None:
        self.screen.print(f"\n{text} {'*' * max(self.columns - columns(text), 3)}")

    def _print(self, text: str, what: str) -> None:
        self.screen.print(self.paint(text, what))


def _title(task: TaskRef) -> str:
    return visible(task.title)


def _host(host: str, delegate: str | None) -> str:
    return f"{visible(host)} -> {visible(delegate)}" if delegate else visible(host)


def _of_debug(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """The message alone, or the variable with the item it was told for."""
    hidden = {"changed", "ansible_loop_var"}
    return {key: value for key, value in result.items() if (key == "msg" if "msg" in result else key not in hidden)}


def _reason(result: Mapping[str, Any]) -> str:
    """Why, in one line."""
    for key in ("unknown", "msg", "skipped_reason", "skip_reason"):
        if isinstance(result.get(key), str):
            return visible(" ".join(result[key].split()))
    return ""


def _first_failure(event: TaskResult) -> Mapping[str, Any]:
    """Of a loop whose items were not told: what the first of them says is more than `One or more items failed`."""
    for result in event.result.get("results") or ():
        if isinstance(result, Mapping) and result.get("failed"):
            return result
    return event.result


def _duration(ms: float) -> str:
    return f"{ms / 1000:.1f} s" if ms < 60_000 else elapsed(ms / 1000)


def _recap(host: str, stats: HostStats, paint: Paint) -> str:
    counts = {
        "ok": (stats.ok, "ok"), "changed": (stats.changed, "changed"),
        "unreachable": (stats.unreachable, "unreachable"), "failed": (stats.failed, "failed"),
        "skipped": (stats.skipped, "skipped"), "rescued": (stats.rescued, "ok"), "ignored": (stats.ignored, "warning"),
    }
    if stats.unknown:
        counts["unknown"] = (stats.unknown, "unknown")
    state = "failed" if stats.failed or stats.unreachable else "changed" if stats.changed else "ok"
    cells = []
    for name, (count, kind) in counts.items():
        cell = f"{name}={count:<4}"
        cells.append(paint(cell, kind) if count else cell)
    shown = visible(host)
    return f"{paint(shown, state)}{' ' * (26 - columns(shown))} : {' '.join(cells)}".rstrip()


_HANDLERS: Final[Mapping[type[Any], Callable[[Console, Any], None]]] = {
    RunStarted: Console.run_started, PlayStarted: Console.play_started, NoHosts: Console.no_hosts,
    TaskStarted: Console.task_started, HostBegan: Console.host_began, HostText: Console.host_text,
    Step: Console.step, ItemResult: Console.item_result, Retry: Console.retry, TaskResult: Console.task_result,
    Included: Console.included, MetaResult: Console.meta_result,
    MachinesPlanned: Console.machines_planned, MachineStep: Console.machine_step, Warned: Console.warned,
    RunEnded: Console.run_ended,
}
