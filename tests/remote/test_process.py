import os
import signal
import threading
import time
from pathlib import Path

import pytest

from provisioner.remote.cancel import TimedOut
from provisioner.remote.process import Capture, Order, Overdue, describe, find_program, run
from provisioner.remote.sdk import Cancelled, Completed

PATH = {"PATH": "/usr/bin:/bin"}


class Watch:
    """A controller that can be told to go away or to cancel after some pumps."""

    def __init__(self, cancel_after: int | None = None) -> None:
        self.ended = False
        self.pumps = 0
        self._cancel_after = cancel_after

    @property
    def cancelled(self) -> bool:
        return self._cancel_after is not None and self.pumps >= self._cancel_after

    def fileno(self) -> int:
        return -1

    def pump(self) -> None:
        self.pumps += 1


def go(*argv: str, watch: Watch | None = None, **order: object) -> Completed:
    return run(Order(argv, PATH, **order), watch or Watch(), lambda stream, data: None)  # type: ignore[arg-type]


def is_gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.01)
    return False


def test_output_status_and_input_of_a_process() -> None:
    done = go("sh", "-c", "cat; echo oops >&2; exit 3", input=b"hello")
    assert (done.rc, done.stdout, done.stderr, done.truncated) == (3, "hello", "oops\n", False)


def test_both_streams_are_read_together_while_input_is_written() -> None:
    data = b"x" * 500_000
    done = go("sh", "-c", "cat; head -c 500000 /dev/zero | tr '\\0' y >&2", input=data)
    assert done.stdout == data.decode()
    assert len(done.stderr) == 500_000


def test_a_process_that_does_not_read_its_input_is_no_error() -> None:
    assert go("true", input=b"x" * 1_000_000).rc == 0


def test_of_endless_output_the_head_and_the_tail_are_kept() -> None:
    done = go("sh", "-c", "echo first; head -c 5000000 /dev/zero | tr '\\0' 'x'; echo; echo last")
    assert done.truncated
    assert done.stdout.startswith("first\nxxx")
    assert done.stdout.endswith("xxx\nlast\n")
    assert "bytes left out" in done.stdout
    assert len(done.stdout) < 1_100_000


def test_undecodable_output_is_escaped() -> None:
    assert go("printf", "a\\377b").stdout == "a\\xffb"


def test_a_missing_program_is_status_127_and_one_that_cannot_start_126(tmp_path: Path) -> None:
    assert go("no-such-program").rc == 127
    text = tmp_path / "text"
    text.write_text("no program")
    assert go(str(text)).rc == 126


def test_a_missing_directory_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        go("true", cwd="/no/such/directory")


def test_a_signal_is_a_negative_status_with_a_name() -> None:
    done = go("sh", "-c", "kill -KILL $$")
    assert done.rc == -signal.SIGKILL
    assert describe(done.rc) == "killed by SIGKILL"


def test_the_deadline_ends_the_whole_group_even_when_a_member_ignores_sigterm(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"(trap '' TERM; echo $$ > {pids}; exec sleep 60) & echo out; echo $! >> {pids}; sleep 60"
    started = time.monotonic()
    with pytest.raises(TimedOut) as late:
        go("sh", "-c", script, deadline=time.monotonic() + 0.3)
    assert time.monotonic() - started < 3
    assert late.value.data["stdout"] == "out\n"
    assert all(is_gone(int(pid)) for pid in pids.read_text().split())


def test_a_process_over_its_own_timeout_tells_what_it_said_until_then() -> None:
    with pytest.raises(Overdue) as late:
        go("sh", "-c", "echo so far; sleep 60", timeout=0.2)
    assert late.value.completed.stdout == "so far\n"


def test_cancel_ends_the_process() -> None:
    started = time.monotonic()
    with pytest.raises(Cancelled):
        go("sleep", "60", watch=Watch(cancel_after=1))
    assert time.monotonic() - started < 3


def test_a_daemon_that_keeps_the_pipe_open_is_not_waited_for() -> None:
    started = time.monotonic()
    done = go("sh", "-c", "sleep 3 & echo started")
    assert done.stdout == "started\n"
    assert time.monotonic() - started < 2


def test_the_child_has_its_own_session_and_no_terminal() -> None:
    sid = int(go("sh", "-c", "ps -o sid= -p $$").stdout)
    assert sid != os.getsid(0)
    assert go("sh", "-c", ": </dev/tty").rc != 0


def test_the_umask_is_the_childs_alone() -> None:
    before = os.umask(0o022)
    os.umask(before)
    assert go("sh", "-c", "umask", umask=0o077).stdout.strip() == "0077"
    assert os.umask(before) == before


def test_no_descriptor_stays_open() -> None:
    before = sorted(os.listdir("/proc/self/fd"))
    go("sh", "-c", "echo hi; cat", input=b"x")
    with pytest.raises(TimedOut):
        go("sleep", "60", deadline=time.monotonic())
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_programs_are_found_in_the_childs_path_then_in_the_systems_directories(tmp_path: Path) -> None:
    program = tmp_path / "ls"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_program("ls", {"PATH": f"{tmp_path}:/usr/bin"}) == str(program)
    assert find_program("ls", {"PATH": ""}) in ("/usr/bin/ls", "/bin/ls")
    assert find_program("./ls", {}, str(tmp_path)) == "./ls"
    assert find_program("nope", PATH) is None


def test_capture_keeps_everything_up_to_its_limit() -> None:
    capture = Capture(10)
    for _ in range(5):
        capture.add(b"ab")
    assert (capture.text(), capture.truncated) == ("ab" * 5, False)


def test_without_pidfd_the_end_is_still_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    assert go("sh", "-c", "echo hi; exec >&- 2>&-; sleep 0.2; exit 4") == Completed(
        4, "hi\n", "", ("sh", "-c", "echo hi; exec >&- 2>&-; sleep 0.2; exit 4"), False)


def test_no_thread_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", lambda self: pytest.fail(f"{self} was started"))
    assert go("true").rc == 0
