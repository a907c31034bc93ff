from __future__ import annotations

import pytest

from provisioner.testing.judging import Phase, failures
from provisioner.testing.traffic import Answer

FORTH = Phase("release", "old", "new", 10.0, 20.0)
BACK = Phase("rollback", "new", "old", 30.0, 40.0)
SAME = Phase("fault", "old", "old", 10.0, 20.0)
SWITCHED = Answer("GET /", 14.0, 15.0, "new")


def answer(began: float, build: str | None, ended: float | None = None) -> Answer:
    return Answer("GET /", began, began + 0.1 if ended is None else ended, build)


@pytest.mark.parametrize("given", [
    [answer(5, "old"), answer(12, "old"), SWITCHED, answer(16, "new"), answer(25, "new")],
    [answer(14.5, "old"), SWITCHED],  # asked before the first answer of the new one was there
    [answer(14.5, "old", 18.0), SWITCHED],  # a long one
    [answer(19, "old")],  # nobody saw the new one yet
    [SWITCHED, answer(35, "old"), answer(45, "old")],
    [answer(29.9, "old", 31.0), SWITCHED],  # sent when the next phase had begun
])  # fmt: skip
def test_builds_that_were_live_may_answer(given: list[Answer]) -> None:
    assert list(failures(given, [FORTH, BACK])) == []


@pytest.mark.parametrize(("given", "live"), [
    (answer(5, "new"), "live was old"),
    (answer(15.1, "old"), "live was new"),  # backwards
    (answer(21, "old"), "live was new"),
    (answer(41, "new"), "live was old"),
    (answer(12, "other"), "live was new or old"),
    (answer(12, None), "names no build"),
])  # fmt: skip
def test_other_builds_are_failures(given: Answer, live: str) -> None:
    wrong, = failures([given, SWITCHED], [FORTH, BACK])
    assert live in wrong


def test_a_release_that_failed_leaves_the_build_that_was_live() -> None:
    assert list(failures([answer(12, "old"), answer(25, "old")], [SAME])) == []
    assert len(list(failures([answer(12, "new")], [SAME]))) == 1


def test_a_request_without_a_whole_answer_is_a_failure_at_any_time() -> None:
    cut = Answer("GET /", 12.5, 13.0, problem="status 502")
    assert list(failures([cut], [FORTH])) == ["GET /: status 502 (2.50 s into release, took 0.50 s)"]
    assert list(failures([cut], [])) == ["GET /: status 502 (took 0.50 s)"]
