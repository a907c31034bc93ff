"""What is told while hosts are asked, and that it does not mix with the answer."""

from __future__ import annotations

import io

from provisioner.events import HostText, NoHosts, Step, TaskRef, TaskResult, Warned
from provisioner.ui.collecting import Collecting
from provisioner.ui.terminal import PlainScreen
from provisioner.values import HostName

TASK, HOST = TaskRef("1", "asks", "asks"), HostName("web-1")


def sink() -> tuple[Collecting, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    return Collecting(PlainScreen(out, err), "asks", words={"start": "starts it"}), out, err


def test_results_are_kept_and_failures_told_beside_the_answer() -> None:
    made, out, err = sink()
    made.handle(TaskResult(HOST, TASK, "failed", {"msg": "not well\nits \x1b[2Jlast line", "hint": "look"}), 0.0)
    assert made.results[HOST]["hint"] == "look"
    assert err.getvalue() == "web-1: FAILED: not well\n  | its \\x1b[2Jlast line\n  hint: look\n"
    assert out.getvalue() == ""


def test_warnings_of_a_host_are_told_beside_the_answer() -> None:
    made, out, err = sink()
    made.handle(TaskResult(HOST, TASK, "changed", {"warnings": ["a hook failed\nits \x1b[2Jlast line"]}), 0.0)
    assert err.getvalue() == "web-1: [WARNING]: a hook failed\n  | its \\x1b[2Jlast line\n"
    assert out.getvalue() == ""


def test_a_step_that_is_done_belongs_to_the_answer() -> None:
    made, out, _ = sink()
    made.handle(Step(HOST, TASK, "release a runs", "changed", 1234.0), 0.0)
    assert out.getvalue() == "web-1: release a runs (1.2 s)\n"


def test_where_the_answer_is_something_else_steps_are_not_told() -> None:
    made, out, err = sink()
    made.steps = False
    made.handle(Step(HOST, TASK, "release a runs", "changed", 1234.0), 0.0)
    assert (out.getvalue(), err.getvalue()) == ("", "")


def test_of_the_progress_only_known_steps_are_lines_and_each_once() -> None:
    made, _, err = sink()
    for text in ("start", "start", "no answer yet"):
        made.handle(HostText(HOST, TASK, "progress", text), 0.0)
    assert err.getvalue() == "web-1: starts it\n"


def test_warnings_and_an_empty_inventory_are_told() -> None:
    made, _, err = sink()
    made.handle(Warned("old key"), 0.0)
    made.handle(NoHosts("asks"), 0.0)
    assert err.getvalue() == "[WARNING]: old key\n[WARNING]: no hosts matched\n"


def test_live_output_goes_to_whoever_wants_it() -> None:
    made, _, _ = sink()
    heard: list[tuple[str, str, str]] = []
    made.on_output = lambda host, stream, text: heard.append((host, stream, text))
    made.handle(HostText(HOST, TASK, "stdout", "line\n"), 0.0)
    assert heard == [("web-1", "stdout", "line\n")]
