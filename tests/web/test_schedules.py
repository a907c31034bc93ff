from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.schedule.systemd import Scope, add
from provisioner.web.schedules import asked
from tests.schedule.scopes import silent_scope
from tests.schedule.test_units import JOB
from tests.web.examples import SCHEDULES


@pytest.fixture
def scope(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scope:
    return silent_scope(tmp_path, monkeypatch)


def test_rows_have_the_colours_of_results() -> None:
    assert [(row.result, row.status) for row in SCHEDULES.rows] == [("differs", "changed"), ("-", "")]


def test_nothing_is_asked_where_there_is_no_timer(scope: Scope, tmp_path: Path) -> None:
    (tmp_path / "systemctl").write_text("#!/bin/sh\nexit 1\n")
    assert asked(scope, tmp_path) == type(SCHEDULES)(())


def test_a_schedule_is_shown_with_what_its_last_run_left(scope: Scope, tmp_path: Path) -> None:
    add(scope, JOB, {})
    (tmp_path / "schedules").mkdir()
    (tmp_path / "schedules" / "shop").write_text("success 0 1800000000.5\n")
    (row,) = asked(scope, tmp_path).rows
    assert (row.schedule.name, row.schedule.words, row.schedule.ended, row.result, row.status) == (
        "shop", JOB.words, 1800000000.5, "in sync", "ok")  # fmt: skip


def test_a_systemd_that_says_nothing_is_told_of(scope: Scope, tmp_path: Path) -> None:
    add(scope, JOB, {})
    (tmp_path / "systemctl").write_text("#!/bin/sh\necho not booted >&2; exit 1\n")
    assert "not booted" in asked(scope, tmp_path).problem
