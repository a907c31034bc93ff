from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from provisioner.events import RunStarted, TaskResult, TaskStarted
from provisioner.history.baselines import baseline_of, key_in, remember
from provisioner.history.db import connect
from tests.drift.examples import MOTD
from tests.history.recording import H1, TASK, record


def test_the_last_run_about_a_resource_counts_with_all_that_it_wanted(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "h.db")) as db:
        remember(db, MOTD, 1, 10.0)
        remember(db, replace(MOTD, wanted="bb"), 2, 20.0)
        remember(db, replace(MOTD, wanted="cc"), 2, 21.0)
        found = baseline_of(db, MOTD)
        assert found is not None
        assert (found.wanted, found.applied, found.run) == (frozenset({"bb", "cc"}), 21.0, 2)
        assert baseline_of(db, replace(MOTD, where="elsewhere")) is None


def test_only_what_was_really_done_and_went_well_is_a_baseline(tmp_path: Path) -> None:
    def kept(status: str, *, check: bool) -> bool:
        file = tmp_path / f"{status}{check}.db"
        record(file, [RunStarted("a", ("s",), check, False, "1"), TaskStarted(TASK, check),
                      TaskResult(H1, TASK, status, {}, resource=MOTD, checked=check)])  # fmt: skip
        with closing(connect(file)) as db:
            return baseline_of(db, MOTD) is not None

    assert kept("ok", check=False)
    assert kept("changed", check=False)
    assert not kept("failed", check=False)
    assert not kept("changed", check=True)


def test_the_key_is_made_once_and_only_the_user_can_read_it(tmp_path: Path) -> None:
    key = key_in(tmp_path / "state")
    assert len(key) == 32
    assert key_in(tmp_path / "state") == key
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "state").iterdir()] == [0o600]
    assert key_in(tmp_path / "other") != key


def test_where_nothing_can_be_written_there_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert key_in(tmp_path / "file") == b""
