from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from provisioner.events import Resource
from provisioner.history.baselines import remember as remember_resource
from provisioner.history.db import connect
from provisioner.history.surveys import compared, manages, remember, surveyed, told

KEY = b"k" * 32


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(tmp_path / "h.db")) as connection:
        yield connection


def answer(watch: str, *lines: str, settings: object = None) -> dict[str, object]:
    return {"survey": {watch: {"settings": settings, "items": {"x": list(lines)}, "shipped": []}}}


def test_the_last_apply_is_what_is_compared_with(db: sqlite3.Connection) -> None:
    for moment, line in ((1.0, "old"), (2.0, "new")):
        remember(db, "h1:", told(answer("users", line)), KEY, moment)
    settings = told(answer("users"))["users"].settings
    found = surveyed(db, "h1:", "users", settings)
    assert found is not None
    assert (found.items, found.taken) == ({"x": ["new"]}, 2.0)
    assert surveyed(db, "h2:", "users", settings) is None


def test_with_other_settings_there_is_nothing_to_compare_with(db: sqlite3.Connection) -> None:
    remember(db, "h1:", told(answer("files", "file", settings={"in": ["/a"]})), KEY, 1.0)
    other = told(answer("files", settings={"in": ["/b"]}))["files"].settings
    assert surveyed(db, "h1:", "files", other) is None


def test_a_watch_that_could_not_tell_leaves_nothing_to_compare_with(db: sqlite3.Connection) -> None:
    remember(db, "h1:", told(answer("users", "a")), KEY, 1.0)
    remember(db, "h1:", told({"survey": {"users": {"settings": None, "unknown": "refused"}}}), KEY, 2.0)
    assert surveyed(db, "h1:", "users", told(answer("users"))["users"].settings) is None


def test_lines_of_jobs_are_kept_as_keyed_hashes(db: sqlite3.Connection) -> None:
    remember(db, "h1:", told(answer("crontabs", "curl -u hunter2")), KEY, 1.0)
    kept = db.execute("SELECT items FROM surveys").fetchone()[0]
    assert "hunter2" not in kept
    assert compared("crontabs", "curl -u hunter2", KEY) in kept
    assert compared("crontabs", "x", KEY) != compared("crontabs", "x", b"other")


@pytest.mark.parametrize(("name", "path", "is_managed"), [
    ('{"dest": "/etc/a_b"}', "/etc/a_b", True), ('{"dest": "/etc/a_b"}', "/etc/axb", False),
    ('{"path": "/etc/x", "regexp": "^a"}', "/etc/x", True), ('{"dest": "/etc/x.conf"}', "/etc/x", False)])  # fmt: skip
def test_files_that_tasks_have_made_are_managed(db: sqlite3.Connection, name: str, path: str, *,
                                                is_managed: bool) -> None:  # fmt: skip
    remember_resource(db, Resource("h1:", "copy", name, "aa"), 1, 1.0)
    assert manages(db, "h1:", path) is is_managed
    assert not manages(db, "h2:", path)
