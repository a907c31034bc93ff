from __future__ import annotations

import pytest

from provisioner.schedule.results import result_of
from provisioner.schedule.systemd import Schedule

DRIFT, PLAN = ("drift", "site.yml"), ("plan", "site.yml")


@pytest.mark.parametrize(("words", "ending", "told"), [
    (DRIFT, ("success", "0"), "in sync"), (DRIFT, ("success", "2"), "differs"),
    (DRIFT, ("exit-code", "1"), "not all checked"), (DRIFT, ("exit-code", "5"), "failed (5)"),
    (DRIFT, ("timeout", "TERM"), "timed out"), (PLAN, ("success", "0"), "well"),
    (PLAN, ("exit-code", "2"), "failed (2)"), (PLAN, None, "-"),
])  # fmt: skip
def test_an_end_is_told_in_a_word(words: tuple[str, ...], ending: tuple[str, str] | None, told: str) -> None:
    assert result_of(Schedule("x", "daily", words, "x.service", True, False, 1.0, 2.0, 3.0, ending)) == told


def test_one_that_runs_is_running_however_the_last_run_ended() -> None:
    found = Schedule("x", "daily", DRIFT, "x.service", True, True, 1.0, 2.0, 3.0, ("success", "0"))
    assert result_of(found) == "running"
