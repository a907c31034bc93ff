from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from provisioner.drift import seen
from provisioner.drift.findings import UNKNOWN
from provisioner.history.db import connect
from tests.drift.examples import check, finding

ONE, TWO = finding(), finding(name="Other")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(tmp_path / "h.db")) as connection:
        yield connection


def since(db: sqlite3.Connection, now: float, *findings: object, whole: bool = True) -> list[float]:
    kept = seen.keep(db, "site", check(*findings), now, whole=whole)  # type: ignore[arg-type]
    return [each.first_seen for each in kept.findings]


def test_a_finding_is_seen_since_the_first_check_that_found_it(db: sqlite3.Connection) -> None:
    assert since(db, 1.0, ONE) == [1.0]
    assert since(db, 2.0, ONE, TWO) == [1.0, 2.0]


def test_what_was_mended_and_comes_again_is_new(db: sqlite3.Connection) -> None:
    since(db, 1.0, ONE)
    since(db, 2.0)
    assert since(db, 3.0, ONE) == [3.0]


def test_a_check_of_some_tasks_forgets_nothing(db: sqlite3.Connection) -> None:
    since(db, 1.0, ONE)
    since(db, 2.0, whole=False)
    assert since(db, 3.0, ONE) == [1.0]


def test_other_playbooks_are_another_matter(db: sqlite3.Connection) -> None:
    since(db, 1.0, ONE)
    assert seen.keep(db, "other", check(ONE), 2.0, whole=True).findings[0].first_seen == 2.0


def test_the_last_success_is_the_last_check_in_which_everything_could_be_checked(db: sqlite3.Connection) -> None:
    assert seen.last_success(db, "site") is None
    since(db, 1.0, ONE)
    since(db, 2.0, finding(UNKNOWN))
    assert seen.last_success(db, "site") == 1.0


def test_only_another_set_is_news(db: sqlite3.Connection) -> None:
    since(db, 1.0)
    assert not seen.is_news(db, "site", "mail", [])
    assert seen.is_news(db, "site", "mail", [ONE])
    seen.was_told(db, "site", "mail", [ONE, TWO])
    assert not seen.is_news(db, "site", "mail", [TWO, ONE])
    assert seen.is_news(db, "site", "mail", [ONE])


def test_each_channel_is_told_for_itself(db: sqlite3.Connection) -> None:
    since(db, 1.0)
    seen.was_told(db, "site", "mail", [ONE])
    assert seen.is_news(db, "site", "webhook", [ONE])
    seen.was_told(db, "site", "webhook", [ONE])
    assert not seen.is_news(db, "site", "mail", [ONE])


def test_what_a_webhook_was_told_before_there_was_mail_counts(db: sqlite3.Connection) -> None:
    since(db, 1.0)
    seen.was_told(db, "site", "webhook", [ONE])
    (told,) = db.execute("SELECT told FROM checks").fetchone()
    db.execute("UPDATE checks SET told = ?", [json.loads(told)["webhook"]])
    assert not seen.is_news(db, "site", "webhook", [ONE])
    assert seen.is_news(db, "site", "mail", [ONE])
