"""The live area: below the text one line for each busy host, on a terminal only.

What is printed scrolls above it; the area is taken away before and drawn again after, in one write to the
terminal each, so that nothing flickers and no line is lost. At the end nothing of it remains. It is drawn from a
thread of its own, as the seconds have to go on while nothing happens.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TextIO

from provisioner.ui.escape import columns, crop
from provisioner.ui.terminal import write

_PERIOD: Final = 0.2
_DELAY: Final = 0.5
"""Seconds a host must be busy before the area appears: tasks of milliseconds would only make it blink."""

_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"
"""Synchronized output: terminals that know it show all of the change at once, others ignore it."""


@dataclass(slots=True)
class Busy:
    """What a host does."""

    what: str
    since: float
    last: str = ""
    silent: bool = False
    """Somebody else uses the terminal (`pause` asks): no area meanwhile."""


@dataclass(slots=True)
class LiveScreen:
    """A `Screen` with an area at the bottom. Thread-safe. `size` gives columns and rows of the terminal."""

    out: TextIO
    err: TextIO
    size: Callable[[], os.terminal_size]
    clock: Callable[[], float] = time.monotonic
    _busy: dict[str, Busy] = field(default_factory=dict)
    _drawn: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closed: threading.Event = field(default_factory=threading.Event)
    _ticker: threading.Thread | None = None

    def print(self, text: str, *, error: bool = False) -> None:
        stream = self.err if error else self.out
        with self._lock:
            if not self._drawn:
                write(stream, text + "\n")
            elif error:  # another stream: its text must be out before the area is drawn again
                write(self.out, self._erased())
                write(stream, text + "\n")
                self._drawn = []
                self._draw()
            else:
                self._draw(above=text + "\n")

    def begin(self, host: str, what: str, *, silent: bool = False) -> None:
        """`host` works on `what` now."""
        with self._lock:
            self._busy[host] = Busy(what, self.clock(), silent=silent)
            if self._ticker is None:
                self._ticker = threading.Thread(target=self._tick, name="live area", daemon=True)
                self._ticker.start()

    def tell(self, host: str, line: str) -> None:
        """The last line of its output."""
        with self._lock:
            if host in self._busy:
                self._busy[host].last, self._busy[host].silent = line, False

    def end(self, host: str) -> None:
        with self._lock:
            self._busy.pop(host, None)

    def close(self) -> None:
        """Take the area away for good."""
        self._closed.set()
        if self._ticker is not None:
            self._ticker.join()
        with self._lock:
            self._busy.clear()
            if self._drawn:
                self._draw()

    # -- drawing; all of it under the lock -------------------------------------------------------------------

    def _tick(self) -> None:
        while not self._closed.wait(_PERIOD):
            with self._lock:
                area = self._area()
                if area != self._drawn:
                    self._draw()

    def _draw(self, above: str = "") -> None:
        text = self._erased() + above
        self._drawn = self._area()
        text += "".join(line + "\n" for line in self._drawn)
        write(self.out, f"{_BEGIN}{text}{_END}")

    def _erased(self) -> str:
        """Codes that take away what is drawn; lines that a narrower window has broken count as several."""
        width = max(self.size().columns, 1)
        rows = sum(max(1, -(-columns(line) // width)) for line in self._drawn)
        return f"\x1b[{rows}A\r\x1b[J" if rows else ""

    def _area(self) -> list[str]:
        now = self.clock()
        busy = [(host, work) for host, work in self._busy.items()]
        if not busy or any(work.silent for _, work in busy):
            return []
        if not self._drawn and all(now - work.since < _DELAY for _, work in busy):
            return []
        width, height = self.size()
        rows = max(1, height // 2 - 1)
        busy.sort(key=lambda entry: (entry[1].since, entry[0]))
        shown = busy if len(busy) <= rows else busy[: rows - 1]
        name = min(max(columns(host) for host, _ in shown), width // 3) if shown else 0
        lines = [_line(host, work, now, name, width - 1) for host, work in shown]
        if len(shown) < len(busy):
            lines.append(crop(f"  … and {len(busy) - len(shown)} more hosts at work", width - 1))
        return lines


def _line(host: str, work: Busy, now: float, name: int, width: int) -> str:
    shown = crop(host, name)
    text = f"  {shown}{' ' * (name - columns(shown))}  {elapsed(now - work.since):>6}  {work.what}"
    if work.last:
        text += f" | {work.last}"
    return crop(text.expandtabs(4), width)


def elapsed(seconds: float) -> str:
    """3 s, 1:05, 1:02:03"""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minutes}:{second:02}"
