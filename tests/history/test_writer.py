from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioner.events import HostBegan, HostText, RunStarted, TaskResult, Warned, to_json
from provisioner.history.db import MIGRATIONS, connect
from provisioner.history.queries import DIED, RUNNING, events, find, opened, runs
from provisioner.history.shorten import LONGEST_TEXT
from provisioner.history.writer import Recorder
from tests.history.recording import H1, TASK, record, run_of

WRITER = """
import sys, time
from pathlib import Path
from typing import Any
from tests.history.recording import TASK, H1, run_of
from provisioner.events import TaskResult
from provisioner.history.writer import Recorder
file, name, tasks, pause = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
recorder = Recorder(file)
start, *_, end = run_of(name)
recorder.handle(start, time.time())
for number in range(tasks):
    recorder.handle(TaskResult(H1, TASK, "changed", {"changed": True, "msg": "x" * 500, "n": number}), time.time())
    if pause and number == tasks // 2:
        recorder.flush()
        print("half", flush=True)
        time.sleep(pause)
recorder.handle(end, time.time())
recorder.close()
sys.exit(recorder.problem or 0)
"""


def writer(file: Path, name: str, *, tasks: int = 300, pause: float = 0.0) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(file), name, str(tasks), str(pause)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[2])  # fmt: skip


def test_what_is_told_is_read_again_as_events(tmp_path: Path) -> None:
    file = tmp_path / "state" / "history.db"
    told = run_of("abc")
    assert record(file, told).problem == ""
    with opened(file) as db:
        found = find(db, "abc")
        read = list(events(db, found))
    told = [replace(event, result={"changed": False})  # all that is kept of it
            if isinstance(event, TaskResult) and event.status == "ok" else event for event in told]  # fmt: skip
    assert [event for event, _ in read] == told
    assert [to_json(event) for event, _ in read] == [to_json(event) for event in told]
    assert [time for _, time in read] == [pytest.approx(1_700_000_000 + n / 10) for n in range(len(told))]


def test_a_run_says_who_ran_what_where_and_how_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "203.0.113.7 5000 198.51.100.1 22")
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setenv("LOGNAME", "ada")
    monkeypatch.chdir(tmp_path)
    for command in (["init", "-q", "-b", "trunk"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q",
                                                    "--allow-empty", "-m", "x"]):  # fmt: skip
        subprocess.run(["git", *command], check=True)
    Path("site.yml").write_text("[]")
    record(tmp_path / "history.db", run_of("abc", code=2))
    with opened(tmp_path / "history.db") as db:
        run = find(db, "last")
    assert (run.user, run.origin, run.folder, run.exit_code) == (
        "ada", "203.0.113.7", str(tmp_path), 2)
    assert run.command == ("apply", "site.yml")
    assert (run.branch, run.dirty, len(run.revision or "")) == ("trunk", True, 40)
    assert (run.outcome, run.total("changed"), list(run.hosts)) == ("failed", 1, ["h1", "h2"])


def test_what_is_of_interest_only_while_it_happens_is_not_kept_and_long_texts_are_cut(tmp_path: Path) -> None:
    started, *_ = run_of("abc")
    result: dict[Any, Any] = {"stdout": "x" * 10 * LONGEST_TEXT, 1: {2}}
    record(tmp_path / "h.db", [started, HostBegan(H1, TASK), HostText(H1, TASK, "stdout", "line\n"),
                               TaskResult(H1, TASK, "failed", result)])  # fmt: skip
    with opened(tmp_path / "h.db") as db:
        kept = [event for event, _ in events(db, find(db, "abc"))]
    assert [type(event) for event in kept] == [RunStarted, TaskResult]
    assert isinstance(kept[1], TaskResult)
    assert len(kept[1].result["stdout"]) < LONGEST_TEXT + 100
    assert kept[1].result["1"] == [2]


def test_only_the_user_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        record(tmp_path / "new" / "history.db", run_of("abc"))
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()} == {0o600}


def test_a_failure_to_record_is_a_problem_to_tell_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    recorder = Recorder(tmp_path / "file" / "history.db")
    recorder.handle(run_of("abc")[0], 1.0)
    recorder.flush()
    assert "Not a directory" in recorder.problem or "File exists" in recorder.problem
    recorder.handle(Warned("more"), 2.0)
    recorder.close()


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "h.db", (*MIGRATIONS, "CREATE TABLE new (x);"))):
        pass
    before = (tmp_path / "h.db").read_bytes()
    assert "newer provision" in record(tmp_path / "h.db", run_of("abc")).problem
    assert (tmp_path / "h.db").read_bytes() == before


def test_damage_is_told(tmp_path: Path) -> None:
    (tmp_path / "h.db").write_bytes(b"not a database" * 1000)
    assert "not a database" in record(tmp_path / "h.db", run_of("abc")).problem


def test_eight_writers_and_a_reader_at_once_and_one_of_them_killed(tmp_path: Path) -> None:
    file = tmp_path / "history.db"
    writers = [writer(file, f"run{number}") for number in range(7)]
    victim = writer(file, "victim", pause=120.0)
    assert victim.stdout is not None
    assert victim.stdout.readline() == b"half\n"
    with opened(file) as db:
        assert find(db, "victim").outcome == RUNNING
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
        while any(process.poll() is None for process in writers):
            for run in runs(db):
                list(events(db, run))
            time.sleep(0.05)
        assert [(process.returncode, process.communicate()[1]) for process in writers] == [(0, b"")] * 7
        found = {run.id: run for run in runs(db)}
        assert found["victim"].outcome == DIED
        assert {run.outcome for name, run in found.items() if name != "victim"} == {"changed"}
        assert {len(list(events(db, run))) for name, run in found.items() if name != "victim"} == {302}
        assert len(list(events(db, found["victim"]))) == 152
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_run_is_recorded_before_it_does_anything(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "history.db")
    recorder.handle(run_of("first")[0], 1.0)
    with opened(recorder.file) as db:
        assert [run.outcome for run in runs(db)] == [RUNNING]
    recorder.close()


def test_the_run_does_not_wait_for_another_writer(tmp_path: Path) -> None:
    file = tmp_path / "history.db"
    record(file, run_of("first"))
    recorder = Recorder(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in range(1000):
            recorder.handle(run_of("second")[0] if number == 0 else Warned("x"), 1.0)
        assert runs(other)[0].id == "first"  # nothing was written meanwhile, and here we are
        other.execute("ROLLBACK")
    recorder.close()
    with opened(file) as db:
        assert len(list(events(db, find(db, "second")))) == 1000
