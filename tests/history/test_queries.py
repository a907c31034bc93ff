from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.diag import ProvisionError, UsageError
from provisioner.history.queries import Filter, find, opened, runs
from tests.history.recording import record, run_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "history.db"
    record(path, run_of("aaa1"), at=1000.0)
    record(path, run_of("aaa2", code=2), at=2000.0)
    record(path, run_of("bbb1", changed=0, command=("plan", "site.yml")), at=3000.0)
    return path


@pytest.mark.parametrize(("name", "found"), [("b", "bbb1"), ("aaa2", "aaa2"), ("last", "bbb1"), ("last~2", "aaa1")])
def test_a_run_is_found_by_the_beginning_of_its_id_or_by_its_place(file: Path, name: str, found: str) -> None:
    with opened(file) as db:
        assert find(db, name).id == found


@pytest.mark.parametrize(("name", "told"), [("aaa", "several runs"), ("zzz", "no run"), ("last~9", "no run"),
                                            ("%", "no run"), ("_bb1", "no run")])
def test_a_name_that_is_none_or_several_is_refused(file: Path, name: str, told: str) -> None:
    with opened(file) as db, pytest.raises(UsageError, match=told):
        find(db, name)


@pytest.mark.parametrize(("wanted", "found"), [
    (Filter(), ["bbb1", "aaa2", "aaa1"]), (Filter(failed=True), ["aaa2"]), (Filter(command="plan"), ["bbb1"]),
    (Filter(since=1500.0), ["bbb1", "aaa2"]), (Filter(host="h2"), ["bbb1", "aaa2", "aaa1"]), (Filter(host="h9"), []),
    (Filter(playbook="site"), ["bbb1", "aaa2", "aaa1"]), (Filter(playbook="other"), []),
])
def test_runs_are_told_newest_first_and_can_be_narrowed(file: Path, wanted: Filter, found: list[str]) -> None:
    with opened(file) as db:
        assert [run.id for run in runs(db, wanted)] == found


def test_outcomes(file: Path) -> None:
    record(file, run_of("ccc")[:3])
    with opened(file) as db:
        assert [run.outcome for run in runs(db)] == ["running", "ok", "failed", "changed"]  # this process goes on


def test_where_nothing_was_recorded_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run was recorded"), opened(tmp_path / "none.db"):
        pass
    assert not list(tmp_path.iterdir())


def test_damage_is_an_error_for_people(tmp_path: Path) -> None:
    (tmp_path / "h.db").write_bytes(b"x" * 5000)
    with pytest.raises(ProvisionError, match="can't be read"), opened(tmp_path / "h.db"):
        pass
