from __future__ import annotations

from dataclasses import replace

from provisioner.events import Event, TaskResult
from provisioner.history.compare import ABSENT, Difference, differences, slower
from tests.history.recording import H1, H2, TASK, run_of


def with_result(events: list[Event], host: str, **changes: object) -> list[Event]:
    return [replace(event, **changes)  # type: ignore[arg-type]
            if isinstance(event, TaskResult) and event.host == host and event.task == TASK else event
            for event in events]  # fmt: skip


def test_equal_runs_have_no_difference_wherever_their_tasks_stand() -> None:
    moved = with_result(run_of("b"), "h1", task=replace(TASK, path="site.yml:99", id="7.7"))
    assert list(differences(run_of("a"), moved)) == []


def test_other_results_and_work_of_only_one_run_are_told() -> None:
    old = run_of("a")
    new = with_result(old, "h1", status="failed", ignored=True)
    new = [event for event in new if not (isinstance(event, TaskResult) and event.host == "h2")]
    work = ("base", "Install", "apt", "")
    assert list(differences(old, new)) == [
        Difference((H1, *work), "changed", "ignored"), Difference((H2, *work), "ok", ABSENT)]  # fmt: skip


def test_the_same_work_twice_is_told_apart() -> None:
    old = run_of("a")
    again: list[Event] = [event for event in old if isinstance(event, TaskResult) and event.host == "h2"]
    assert [(each.work[-1], each.before) for each in differences(old, old + again)] == [("(2)", ABSENT)]


def test_what_takes_longer_is_told_the_worst_first() -> None:
    old = run_of("a")
    new = with_result(with_result(old, "h1", ms=5000.0), "h2", ms=900.0)
    assert [(work[0], was, now) for work, was, now in slower(old, new)] == [("h1", 12.5, 5000.0)]
