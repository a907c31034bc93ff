"""A session's behaviour on the local connection: the same code as over SSH, without a host."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from provisioner.diag import HostFailed, Interrupted, UsageError
from provisioner.messages import (
    Become,
    CallBegan,
    CallEnded,
    CallId,
    CallText,
    Content,
    ModuleCall,
    Segment,
    SegmentEnded,
    SegmentLost,
    Target,
)
from provisioner.transport.connection import Deadlines
from provisioner.transport.pool import SessionPool
from provisioner.values import HostName, Secret

HERE = Target(HostName("here"), connection="local", python=sys.executable)


def one(do: str, **more: Any) -> ModuleCall:
    options = {name: more.pop(name) for name in list(more) if name in ModuleCall.__dataclass_fields__}
    return ModuleCall(CallId(options.pop("id", 0)), "try", {"do": do, **more}, **options)


def content_of(data: bytes) -> Content:
    return Content(hashlib.sha256(data).hexdigest(), len(data), data)


def test_a_segment_is_told_call_by_call_and_ends(play: Any) -> None:
    end = play.run(HERE, [one("nothing", id=1), one("nothing", id=2)])
    assert isinstance(end, SegmentEnded)
    assert [type(event) for event in play.seen] == [CallBegan, CallEnded, CallBegan, CallEnded, SegmentEnded]
    assert [event.call for event in play.seen if isinstance(event, CallEnded)] == [1, 2]


def test_a_failed_call_with_stop_ends_the_segment_after_it(play: Any) -> None:
    play.run(HERE, [one("nothing", id=1), ModuleCall(CallId(2), "nosuch", {}), one("nothing", id=3, group=1)])
    assert [bool(result.get("failed")) for result in play.results()] == [False, True]


def test_stray_prints_of_a_module_and_its_children_do_no_harm(play: Any) -> None:
    assert isinstance(play.run(HERE, [one("print", id=n) for n in range(5)]), SegmentEnded)
    assert len(play.results()) == 5


def test_three_hundred_tasks_are_one_round_trip(play: Any) -> None:
    assert isinstance(play.run(HERE, [one("nothing", id=n) for n in range(300)]), SegmentEnded)
    assert len(play.results()) == 300
    assert play.pool.session(HERE).round_trips == 1


def test_large_results_up_and_large_tasks_down_at_once_do_not_block_each_other(play: Any) -> None:
    work = [one("large", id=n, size=300_000, text="y" * 300_000) for n in range(30)]
    assert isinstance(play.run(HERE, work), SegmentEnded)
    assert [len(result["text"]) for result in play.results()] == [300_000] * 30


@pytest.mark.parametrize("size", [0, 10, 32 << 10, (32 << 10) + 1, 4 << 20])
def test_content_arrives_whole_inline_or_pulled(play: Any, size: int, tmp_path: Path) -> None:
    data = os.urandom(size)
    held = content_of(data)
    file = tmp_path / "content"
    file.write_bytes(data)
    lying = Content(held.sha256, held.size, path=file)
    for content in (held, lying):
        play.run(HERE, [one("pull", content=content.reference(), contents=(content,))])
        assert play.results() == [{"changed": False, "sha256": held.sha256}]


def test_content_that_is_gone_fails_its_call_with_the_path(play: Any, tmp_path: Path) -> None:
    gone = Content("0" * 64, 1 << 20, path=tmp_path / "gone")
    play.run(HERE, [one("pull", content=gone.reference(), contents=(gone,))])
    assert "gone: No such file" in play.results()[0]["msg"]


def test_what_a_module_sends_up_goes_into_the_sink(play: Any) -> None:
    sink = io.BytesIO()
    play.run(HERE, [one("send", size=3 << 20, sink=sink)])
    assert sink.getvalue() == b"x" * (3 << 20)


def test_a_sink_that_cannot_be_written_fails_the_call_alone(play: Any) -> None:
    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(28, "No space left on device")

    play.run(HERE, [one("send", size=1 << 20, sink=Full(), stop=False), one("nothing", id=1)])
    first, second = play.results()
    assert "No space left" in first["msg"]
    assert not second.get("failed")


def test_live_output_is_handed_on_while_the_call_runs(play: Any) -> None:
    heard: list[bytes] = []
    play.run(HERE, [one("live", on_text=lambda stream, data: heard.append(data))])
    texts = b"".join(event.data for event in play.seen if isinstance(event, CallText) and event.stream == "stdout")
    assert texts == b"line 1\nline 2\nline 3\n" == b"".join(heard)


def test_secrets_in_arguments_are_revealed_to_the_host_only(play: Any) -> None:
    play.run(HERE, [one("shell", text=Secret("echo hunter2"))])
    assert play.results()[0]["stdout"] == "hunter2\n"


def test_the_environment_reaches_children_but_not_the_command_line(play: Any) -> None:
    target = Target(HostName("here"), connection="local", python=sys.executable, environment={"GREETING": "s3cret"})
    play.run(target, [one("who"), one("shell", id=1, text="cat /proc/$PPID/cmdline /proc/$PPID/environ")])
    who, shell = play.results()
    assert who["seen"] == "s3cret"
    assert who["environ"]["LC_ALL"] == "C.UTF-8"
    assert "s3cret" not in shell["stdout"]


def test_call_waits_for_a_result_and_queues_behind_a_running_segment(play: Any) -> None:
    running = play.start(HERE, [one("sleep", seconds=0.5)])
    session = play.pool.session(HERE)
    assert session.call(one("shell", text="echo done"))["stdout"] == "done\n"
    assert play.inputs.qsize() >= 2  # the segment was over before
    assert isinstance(play.wait(running), SegmentEnded)


def test_calls_from_many_threads_each_get_their_own_result(play: Any) -> None:
    session = play.pool.session(HERE)
    got: dict[int, str] = {}

    def ask(number: int) -> None:
        got[number] = session.call(one("shell", text=f"echo {number}"))["stdout"]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert got == {number: f"{number}\n" for number in range(20)}


def test_equal_targets_share_a_session_and_others_do_not(play: Any) -> None:
    same = Target(HostName("here"), connection="local", python=sys.executable)
    assert play.pool.session(HERE) is play.pool.session(same)
    assert play.pool.session(HERE) is not play.pool.session(Target(HostName("here"), connection="local"))


def test_forks_bounds_the_hosts_at_work(make_play: Any) -> None:
    play = make_play(forks=1)
    targets = [Target(HostName(f"here{n}"), connection="local", python=sys.executable) for n in range(2)]
    began = time.monotonic()
    segments = [play.start(target, [one("sleep", seconds=0.4)]) for target in targets]
    for segment in segments:
        while not any(isinstance(event, SegmentEnded) and event.segment == segment for event in play.seen):
            play.seen.append(play.inputs.get(timeout=10))
    assert time.monotonic() - began > 0.8


def test_k11_a_runner_that_is_killed_fails_the_host_and_the_next_segment_starts_a_new_one(play: Any) -> None:
    play.run(HERE, [one("who")])
    pid = play.results()[0]["pid"]
    segment = play.start(HERE, [one("sleep", seconds=20)])
    while not isinstance(play.inputs.get(timeout=10), CallBegan):
        pass
    os.kill(pid, signal.SIGKILL)
    end = play.wait(segment)
    assert isinstance(end, SegmentLost)
    assert not end.unreachable
    assert "was killed while `try` ran; whether it finished is not known" in end.message
    assert isinstance(play.run(HERE, [one("nothing")]), SegmentEnded)


def test_k11_a_runner_killed_while_it_had_nothing_to_do_is_replaced_unnoticed(play: Any) -> None:
    play.run(HERE, [one("who")])
    pid = play.results()[0]["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_until_gone(pid)
    assert isinstance(play.run(HERE, [one("who")]), SegmentEnded)
    assert play.results()[0]["pid"] != pid


def test_closing_in_mid_call_lets_the_host_finish_it_but_begin_nothing_more(play: Any, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    play.run(HERE, [one("who")])
    pid = play.results()[0]["pid"]
    work = [one("sleep", seconds=0.4), one("shell", id=2, text=f"touch {second}")]
    segment = play.start(HERE, [one("shell", id=1, text=f"sleep 0.4; touch {first}"), *work])
    time.sleep(0.2)
    began = time.monotonic()
    play.pool.close()
    assert time.monotonic() - began < 2
    assert isinstance(play.wait(segment), SegmentLost)
    wait_until_gone(pid)
    assert first.exists()
    assert not second.exists()


def wait_until_gone(pid: int) -> None:
    for _ in range(300):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        time.sleep(0.02)
    pytest.fail("the runner is still there")


def test_a_call_over_its_timeout_is_ended_by_the_runner(play: Any) -> None:
    assert isinstance(play.run(HERE, [one("sleep", seconds=20, timeout=0.3)]), SegmentEnded)
    assert "Timed out" in play.results()[0]["msg"]


def test_a_runner_that_does_not_end_a_call_in_time_is_given_up(make_play: Any) -> None:
    play = make_play(deadlines=Deadlines(grace=0.5))
    play.run(HERE, [one("who")])
    pid = play.results()[0]["pid"]
    segment = play.start(HERE, [one("sleep", seconds=20, timeout=0.2)])
    while not isinstance(play.inputs.get(timeout=10), CallBegan):
        pass
    os.kill(pid, signal.SIGSTOP)
    try:
        end = play.wait(segment)
    finally:
        os.kill(pid, signal.SIGKILL)
    assert isinstance(end, SegmentLost)
    assert end.unreachable
    assert "whether it finished is not known" in end.message


def test_c11_cancel_once_lets_the_running_call_end_and_runs_nothing_more(play: Any) -> None:
    segment = play.start(HERE, [one("sleep", id=1, seconds=0.6), one("nothing", id=2)])
    while not isinstance(play.inputs.get(timeout=10), CallBegan):
        pass
    play.pool.cancel()
    play.wait(segment)
    assert play.results() == [{"changed": True}]
    assert isinstance(play.run(HERE, [one("nothing")]), SegmentLost)


def test_c11_cancel_twice_ends_the_running_call(play: Any) -> None:
    segment = play.start(HERE, [one("sleep", id=1, seconds=20), one("nothing", id=2)])
    while not isinstance(play.inputs.get(timeout=10), CallBegan):
        pass
    began = time.monotonic()
    play.pool.cancel()
    play.pool.cancel()
    play.wait(segment)
    assert time.monotonic() - began < 5
    assert [result.get("cancelled") for result in play.results()] == [True]


def test_a_closed_session_takes_no_more_work(play: Any) -> None:
    session = play.pool.session(HERE)
    session.call(one("nothing"))
    play.pool.close()
    with pytest.raises(Interrupted):
        session.submit(HostName("here"), Segment(9, (one("nothing"),)))
    with pytest.raises(Interrupted):
        play.pool.session(HERE)


def test_closing_leaves_no_runner_behind(make_play: Any) -> None:
    play = make_play()
    play.run(HERE, [one("who")])
    pid = play.results()[0]["pid"]
    play.pool.close()
    wait_until_gone(pid)


def test_becoming_the_user_one_is_needs_no_sudo(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    import getpass  # noqa: PLC0415

    assert isinstance(play.run(HERE, [one("nothing")], Become(getpass.getuser())), SegmentEnded)


def test_a_become_that_failed_is_not_tried_again(play: Any) -> None:
    become = Become("daemon", method="su")
    for _ in range(2):
        end = play.run(HERE, [one("nothing")], become)
        assert isinstance(end, SegmentLost)
        assert not end.unreachable
        assert "su" in end.message
    with pytest.raises(HostFailed):
        play.pool.session(HERE).call(one("nothing"), become)


def test_an_unknown_connection_is_a_clear_error(play: Any) -> None:
    end = play.run(Target(HostName("x"), connection="winrm"), [one("nothing")])
    assert isinstance(end, SegmentLost)
    assert "`connection: winrm` of x is not supported" in end.message


def test_forks_must_be_positive() -> None:
    with pytest.raises(UsageError):
        SessionPool(lambda event: None, forks=0)


def test_a_call_runs_in_the_folder_it_names_and_the_next_one_at_home(play: Any, tmp_path: Path) -> None:
    folders = [str(tmp_path), "", str(tmp_path / "not-there")]
    play.run(HERE, [ModuleCall(CallId(number), "command", {"cmd": "pwd"}, folder=folder)
                    for number, folder in enumerate(folders)])
    home = str(Path("~").expanduser().resolve())
    assert [result["stdout"] for result in play.results()] == [str(tmp_path), home, home]
    assert not any(result.get("warnings") for result in play.results())


def test_relative_paths_begin_in_the_folder_of_the_call(play: Any, tmp_path: Path) -> None:
    play.run(HERE, [ModuleCall(CallId(1), "file", {"path": "made", "state": "directory"}, folder=str(tmp_path))])
    assert (tmp_path / "made").is_dir()
