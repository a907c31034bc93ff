from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from provisioner.lab.lock import locked, locked_if_free

HOLD = """
import sys, pathlib
from provisioner.lab.lock import locked
with locked(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_waits_and_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    told = threading.Event()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"

        def release() -> None:
            told.set()
            holder.kill()

        with locked(path, release):
            assert told.is_set()


def test_who_waited_for_a_lock_that_was_removed_takes_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    entered: list[bool] = []

    def second() -> None:
        with locked(path, waiting.set):
            entered.append(path.exists())

    waiting = threading.Event()
    thread = threading.Thread(target=second)
    with locked(path):
        thread.start()
        waiting.wait(10)
        path.unlink()
    thread.join(10)
    assert entered == [True]


def test_a_lock_in_use_is_not_taken_and_a_free_one_is(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path), locked_if_free(path, 0) as held:
        assert not held
    with locked_if_free(path, 0) as held:
        assert held
