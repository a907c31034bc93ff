from __future__ import annotations

import io
import os
import threading
import time

from provisioner.testing.terminal import FakeTerminal
from provisioner.ui.live import LiveScreen, elapsed


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Manual(LiveScreen):
    """Ticks when it is told to."""

    __slots__ = ()

    def tick(self) -> None:
        with self._lock:
            if self._area() != self._drawn:
                self._draw()

    def _tick(self) -> None:
        self._closed.wait()


def live(columns: int = 60, rows: int = 20) -> tuple[Manual, FakeTerminal, Clock]:
    terminal, clock = FakeTerminal(), Clock()
    return Manual(terminal, terminal, lambda: os.terminal_size((columns, rows)), clock), terminal, clock


def test_a_busy_host_has_a_line_with_what_it_does_since_when_and_its_last_output() -> None:
    screen, terminal, clock = live()
    screen.begin("web-1", "Build")
    clock.now += 65
    screen.tell("web-1", "compiling")
    screen.tick()
    assert terminal.screen == ["  web-1    1:05  Build | compiling"]
    screen.close()
    assert terminal.screen == []


def test_short_work_does_not_blink() -> None:
    screen, terminal, clock = live()
    screen.begin("h", "quick")
    clock.now += 0.3
    screen.tick()
    screen.end("h")
    screen.close()
    assert terminal.rows == [""]


def test_text_scrolls_above_the_area_and_no_line_is_lost() -> None:
    screen, terminal, clock = live()
    screen.begin("h1", "one")
    screen.begin("h2", "two")
    clock.now += 3
    for number in range(50):
        screen.print(f"line {number}", error=number % 7 == 0)
        screen.tick()
    assert terminal.screen[:50] == [f"line {number}" for number in range(50)]
    assert terminal.screen[50:] == ["  h1     3 s  one", "  h2     3 s  two"]
    screen.end("h1")
    screen.tick()
    assert terminal.screen[50:] == ["  h2     3 s  two"]
    screen.close()
    assert len(terminal.screen) == 50


def test_the_area_is_never_more_than_half_of_the_screen() -> None:
    screen, terminal, clock = live(rows=10)
    for number in range(30):
        screen.begin(f"h{number:02}", "work")
    clock.now += 1
    screen.tick()
    assert terminal.screen[-1] == "  … and 27 more hosts at work"
    assert len(terminal.screen) == 4
    screen.close()


def test_no_line_is_wider_than_the_terminal() -> None:
    screen, terminal, clock = live(columns=30)
    screen.begin("a-very-long-host-name.example.com", "a task with a long name")
    screen.tell("a-very-long-host-name.example.com", "日本語" * 20)
    clock.now += 1
    screen.tick()
    assert max(map(len, terminal.screen)) <= 29
    screen.close()


def test_a_narrower_window_is_erased_as_far_as_it_broke_the_lines() -> None:
    screen, terminal, clock = live(columns=60)
    screen.begin("h", "x" * 100)
    clock.now += 1
    screen.tick()
    screen.size = lambda: os.terminal_size((20, 20))
    assert screen._erased().startswith("\x1b[3A")
    screen.size = lambda: os.terminal_size((60, 20))
    screen.close()
    assert terminal.screen == []


def test_the_area_makes_way_for_somebody_who_asks_at_the_terminal() -> None:
    screen, terminal, clock = live()
    screen.begin("h1", "work")
    screen.begin("h2", "Continue?", silent=True)
    clock.now += 5
    screen.tick()
    assert terminal.screen == []
    screen.tell("h2", "pausing, 3 s left")
    screen.tick()
    assert len(terminal.screen) == 2
    screen.close()


def test_the_seconds_go_on_by_themselves_and_the_thread_ends() -> None:
    terminal = FakeTerminal()
    clock = Clock()
    screen = LiveScreen(terminal, io.StringIO(), lambda: os.terminal_size((60, 20)), clock)
    screen.begin("h", "work")
    clock.now += 9
    limit = time.monotonic() + 10
    while not terminal.screen and time.monotonic() < limit:
        threading.Event().wait(0.01)
    assert terminal.screen == ["  h     9 s  work"]
    screen.close()
    assert not any(thread.name == "live area" for thread in threading.enumerate())


def test_time_is_short() -> None:
    assert [elapsed(seconds) for seconds in (0.9, 59, 60, 3599, 3723)] == ["0 s", "59 s", "1:00", "59:59", "1:02:03"]
