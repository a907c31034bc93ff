"""Journals of several hosts as one: entries in the order of their times, each with its host."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import Any, Final

from provisioner.ui.colours import Paint, plain
from provisioner.ui.escape import columns, visible_lines

_HELD: Final = 0.5
"""Seconds an entry waits for earlier ones of other hosts."""
_HOST_COLOURS: Final = ("lines", "included", "changed", "unknown", "verbose", "ok")


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """micros: of the host's clock, since the epoch. message: as the app wrote it."""

    micros: int
    host: str
    unit: str = field(compare=False)
    message: str = field(compare=False)
    priority: int = field(compare=False, default=6)


def parse(host: str, text: str) -> Iterator[Entry]:
    """Entries of `journalctl -o json`; what is no such line is left out."""
    for line in text.splitlines():
        try:
            data = json.loads(line)
            micros = int(data["__REALTIME_TIMESTAMP"])
        except (ValueError, KeyError, TypeError):
            continue
        unit = str(data.get("UNIT") or data.get("_SYSTEMD_UNIT") or "").removesuffix(".service")
        yield Entry(micros, host, unit, _message(data.get("MESSAGE")), _priority(data))


def _message(value: Any) -> str:
    """Text; a list of bytes where it is not printable."""
    if isinstance(value, list):
        return bytes(byte for byte in value if isinstance(byte, int) and 0 <= byte < 256).decode("utf-8", "replace")
    return "" if value is None else str(value)


def _priority(data: Mapping[str, Any]) -> int:
    text = str(data.get("PRIORITY", ""))
    return int(text) if text.isdigit() else 6


def lines(entry: Entry, hosts: Sequence[str], paint: Paint = plain) -> list[str]:
    """time host slot | message, for a job its name in place of the slot. Further lines of a message stand below it.
    Safe to show."""
    moment = datetime.fromtimestamp(entry.micros / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    name = f"{entry.host}{' ' * (max(map(columns, hosts)) - columns(entry.host))}"
    head = f"{paint(moment, 'dim')} {paint(name, _HOST_COLOURS[sorted(hosts).index(entry.host) % len(_HOST_COLOURS)])}"
    unit = visible_lines(_short(entry.unit))
    kind = "failed" if entry.priority <= 3 else ""
    return [f"{head} {''.join(unit)} | {paint(line, kind)}" for line in visible_lines(entry.message) or [""]]


def _short(unit: str) -> str:
    """Of shop@a the slot, of shop-cron-mail the job."""
    return unit.rpartition("@" if "@" in unit else "-cron-")[2] or unit


@dataclass(slots=True)
class Merge:
    """Takes entries as they come and shows them in order. Live ones wait a moment for those of slower hosts.

    Phases: `add` any number of times, from one thread; `close`, which shows the rest."""

    show: Callable[[Entry], None]
    live: bool = False
    _waiting: list[Entry] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)
    _over: Event = field(default_factory=Event)
    _ticker: Thread | None = None

    def add(self, entries: Iterator[Entry]) -> None:
        with self._lock:
            self._waiting += entries
        if self.live and self._ticker is None:
            self._ticker = Thread(target=self._tick, name="merge", daemon=True)
            self._ticker.start()

    def close(self) -> None:
        self._over.set()
        if self._ticker is not None:
            self._ticker.join()
        self._flush()

    def _tick(self) -> None:
        while not self._over.wait(_HELD):
            self._flush()

    def _flush(self) -> None:
        with self._lock:
            ready, self._waiting = sorted(self._waiting), []
        for entry in ready:
            self.show(entry)
