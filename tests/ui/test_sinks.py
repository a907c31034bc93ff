from __future__ import annotations

import pytest

from provisioner.events import Event, HostBegan, HostText, TaskRef, TaskResult, Warned
from provisioner.ui.redact import MASK, Redactor
from provisioner.ui.sinks import Fanout
from provisioner.values import HostName, Secret

TASK = TaskRef("1", "task", "command")
H1, H2 = HostName("h1"), HostName("h2")


class Kept:
    def __init__(self, fails: bool = False) -> None:
        self.events: list[tuple[Event, float]] = []
        self.closed = False
        self.fails = fails

    def handle(self, event: Event, time: float) -> None:
        self.events.append((event, time))

    def close(self) -> None:
        self.closed = True
        if self.fails:
            raise OSError("disk full")

    def texts(self) -> list[tuple[str, str]]:
        return [(event.host, event.text) for event, _ in self.events if isinstance(event, HostText)]


def fanout(*sinks: Kept, secret: str = "s3cret") -> Fanout:
    redactor = Redactor()
    redactor.learn(Secret(secret))
    return Fanout(sinks, redactor, clock=lambda: 12.5)


def text(host: HostName, part: str, stream: str = "stdout") -> HostText:
    return HostText(host, TASK, stream, part)


def test_every_sink_gets_every_event_masked_and_timed() -> None:
    one, two = Kept(), Kept()
    fanout(one, two).handle(Warned("it is s3cret"))
    assert one.events == two.events == [(Warned(f"it is {MASK}"), 12.5)]


def test_a_secret_cut_in_two_by_the_network_is_masked() -> None:
    sink = Kept()
    out = fanout(sink)
    for part in ("one\ntoken s3", "cr", "et!\nthr", "ee"):
        out.handle(text(H1, part))
    out.close()
    assert "".join(part for _, part in sink.texts()) == f"one\ntoken {MASK}!\nthree"


def test_streams_and_hosts_are_joined_apart() -> None:
    sink = Kept()
    out = fanout(sink)
    out.handle(text(H1, "a"))
    out.handle(text(H2, "b"))
    out.handle(text(H1, "c", "stderr"))
    out.handle(text(H1, "1\n"))
    assert sink.texts() == [("h1", "a1\n")]


@pytest.mark.parametrize("event", [HostBegan(H1, TASK), TaskResult(H1, TASK, "ok", {})])
def test_the_last_line_without_an_end_comes_before_what_the_host_does_next(event: Event) -> None:
    sink = Kept()
    out = fanout(sink)
    out.handle(text(H1, "prompt> "))
    out.handle(text(H2, "other"))
    out.handle(event)
    assert [kept for kept, _ in sink.events] == [text(H1, "prompt> "), event]


def test_progress_is_not_held_back() -> None:
    sink = Kept()
    fanout(sink).handle(text(H1, "building", "progress"))
    assert sink.texts() == [("h1", "building")]


def test_a_line_without_end_is_not_kept_for_ever_and_hides_a_cut_secret() -> None:
    sink = Kept()
    out = fanout(sink)
    for _ in range(80):
        out.handle(text(H1, "x" * 2042))
        out.handle(text(H1, "s3c"))
        out.handle(text(H1, "ret"))
    held = sum(len(kept.text) for kept in out._lines.pending.values())
    assert held < 80_000
    assert len(sink.events) > 1
    out.close()
    joined = "".join(part for _, part in sink.texts())
    assert "s3c" not in joined
    assert "ret" not in joined
    assert joined.count(MASK) == 80


def test_all_sinks_are_closed_even_when_one_fails() -> None:
    one, two, three = Kept(), Kept(fails=True), Kept()
    with pytest.raises(OSError, match="disk full"):
        fanout(one, two, three).close()
    assert (one.closed, two.closed, three.closed) == (True, True, True)
