"""The real runner in a process of its own, over pipes."""

import hashlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioner.messages import Content
from provisioner.remote.wire import encode
from provisioner.testing.pipes import PipeRunner, RunnerGone
from provisioner.transport.bundle import Bundle, pack, read_sources

pytestmark = pytest.mark.timeout(60)
HEAD = "from provisioner.remote.sdk import Result\nfrom provisioner.remote.spec import Arg, Spec\n"


def action(name: str, body: str, check: str = "run") -> tuple[str, str]:
    """A module's name and source, with `run` made of `body`."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    spec = f"SPEC = Spec(name={name!r}, summary='x', check={check!r}, open_ended=True)\n"
    return f"provisioner.remote.modules.{name}", f"{HEAD}{spec}def run(ctx, a):\n{lines}    return Result()\n"


MISCHIEF = dict([
    action("noisy", "import os, sys\nprint('x' * 10000)\nsys.stderr.write('err')\nos.write(1, b'raw')\n"
                    "ctx.run(['sh', '-c', 'echo child'])"),
    action("rude", "import os\nos.chdir('/usr')\nos.umask(0o777)\nos.environ['RUDE'] = '1'"),
    action("crashing", "raise RuntimeError('a bug')"),
    action("quitting", "raise SystemExit(5)"),
    action("odd", "return Result(data=b'\\xff', number=float('nan'), name='\\udcff', things={3, 1})"),
    action("busy", "import time\nwhile True:\n    try:\n        time.sleep(60)\n    except Exception:\n        raise"),
    action("littering", "open(ctx.tempdir() + '/f', 'w').close()\nraise RuntimeError('x')"),
    action("writing", "ctx.write('/tmp/never', b'x')", check="predict"),
    action("fetching", "with ctx.content_file(a.extra['ref']) as f:\n    return Result(n=len(f.read()))"),
    action("sending", "import io\nreturn Result(n=ctx.send(io.BytesIO(b'z' * a.extra['size'])))"),
    action("late", "from provisioner.remote import helper_of_test\nreturn Result(value=helper_of_test.VALUE)"),
    action("composed", "return Result(inner=ctx.call('ping', {'data': 'x'}), wrong=ctx.call('ping', {'dta': 1}))"),
    action("failing", "return Result(failed=True, msg='no')"),
    action("echo", "return Result(**a.extra)"),
    action("env", "import os\nreturn Result(out=ctx.query(['sh', '-c', 'echo $LC_ALL $MINE']).stdout)"),
    action("stuck", "import time\nclass Slow:\n    def read(self, size):\n        ctx.progress('half')\n"
                    "        time.sleep(0.2)\n        return b'x' * 1000\n"
                    "ctx.write_from(a.extra['path'], Slow())", check="predict"),
    action("warning", "ctx.warn('careful')\nctx.warn('careful')"),
    ("provisioner.remote.helper_of_test", "VALUE = 42\n"),
])  # fmt: skip


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """The shipped bundle with modules that behave badly."""
    sources, packages = read_sources()
    return pack({**sources, **MISCHIEF}, packages)


@pytest.fixture
def start(tmp_path: Path, bundle: Bundle) -> Iterator[Callable[..., PipeRunner]]:
    started: list[PipeRunner] = []

    def make(**options: Any) -> PipeRunner:
        started.append(PipeRunner(**{"home": tmp_path / "home", "bundle": bundle, **options}))
        return started[-1]

    (tmp_path / "home").mkdir()
    yield make
    for runner in started:
        runner.close()


@pytest.fixture
def runner(start: Callable[..., PipeRunner]) -> PipeRunner:
    return start()


def content(data: bytes) -> Content:
    return Content(hashlib.sha256(data).hexdigest(), len(data), data)


def test_hello_says_who_and_where(runner: PipeRunner) -> None:
    hello = runner.hello
    assert hello["uid"] == os.geteuid()
    assert hello["python"] == list(sys.version_info[:3])
    assert hello["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert hello["cached"] == []


def test_a_thousand_tasks_may_be_sent_before_anything_is_read(runner: PipeRunner) -> None:
    big = "y" * 2000
    outcome = runner.segment([("echo", {"n": n, "big": big}, {}) for n in range(1000)])
    assert [result["n"] for result in outcome.results.values()] == list(range(1000))
    assert outcome.sealed["stopped"] is None


def test_output_of_modules_and_children_never_reaches_the_protocol(runner: PipeRunner) -> None:
    outcome = runner.segment([("noisy", {}, {})] * 3)
    assert [result.get("failed") for result in outcome.results.values()] == [None] * 3


def test_a_module_that_changes_the_process_is_named_and_the_change_undone(runner: PipeRunner) -> None:
    rude = runner.call("rude")
    assert "the working directory" in rude["warnings"][0]
    assert "`rude`" in rude["warnings"][0]
    assert len(rude["warnings"]) == 3
    assert "warnings" not in runner.call("ping")


def test_a_bug_in_a_module_fails_its_task_alone(runner: PipeRunner) -> None:
    outcome = runner.segment([("crashing", {}, {"stop": False}), ("ping", {}, {})])
    crashed, ping = outcome.results.values()
    assert crashed["msg"] == "module `crashing` crashed: RuntimeError: a bug"
    assert "Traceback" in crashed["exception"]
    assert ping["ping"] == "pong"


def test_a_module_that_exits_does_not_end_the_runner(runner: PipeRunner) -> None:
    assert "SystemExit: 5" in runner.call("quitting")["msg"]
    assert runner.call("ping")["ping"] == "pong"


def test_results_are_made_safe(runner: PipeRunner) -> None:
    odd = runner.call("odd")
    assert (odd["data"], odd["number"], odd["name"], odd["things"]) == ("\\xff", "nan", "\\xff", [1, 3])


def test_a_failure_ends_the_segment_after_its_group(runner: PipeRunner) -> None:
    outcome = runner.segment([
        ("ping", {}, {"group": 1}),
        ("failing", {}, {"group": 2, "last": False}),
        ("ping", {}, {"group": 2, "last": False}),
        ("ping", {}, {"group": 2, "last": True}),
        ("ping", {}, {"group": 3}),
    ])
    assert list(outcome.results) == [1, 2, 3, 4]
    assert outcome.sealed["stopped"] == 2
    assert runner.call("ping")["ping"] == "pong"


def test_a_failure_that_may_happen_does_not_stop(runner: PipeRunner) -> None:
    outcome = runner.segment([("failing", {}, {"stop": False}), ("ping", {}, {})])
    assert len(outcome.results) == 2
    assert outcome.sealed["stopped"] is None


@pytest.mark.parametrize("module", ["busy", "command"])
def test_a_task_over_its_deadline_fails_in_time(runner: PipeRunner, module: str) -> None:
    started = time.monotonic()
    result = runner.call(module, {"cmd": "sleep 60"}, timeout=0.3)
    assert (result["msg"], result["timedout"]) == ("Timed out after 0.3 second(s).", {"period": 0.3})
    assert time.monotonic() - started < 5
    assert runner.call("ping")["ping"] == "pong"


def test_writers_raise_in_check_mode(runner: PipeRunner) -> None:
    result = runner.call("writing", check=True)
    assert "tried to change the host in check mode: write /tmp/never" in result["msg"]


def test_temporary_directories_go_with_their_task(start: Callable[..., PipeRunner], tmp_path: Path) -> None:
    other = start(environment={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path / "home")})
    other.call("littering")
    assert [name for name in os.listdir(tmp_path / "home") if name.startswith("provision")] == []


@pytest.mark.parametrize("size", [0, 10, 3_000_000])
def test_content_is_pulled_and_verified(runner: PipeRunner, size: int) -> None:
    wanted = content(b"q" * size)
    assert runner.call("fetching", {"ref": wanted.reference()}, contents=[wanted])["n"] == size


def test_inline_content_is_not_asked_for(runner: PipeRunner) -> None:
    given = content(b"inline")
    ref = given.reference()
    frame = runner.task_frame("fetching", {"ref": ref}, inline=[[given.sha256, given.size]])
    header_size = struct.unpack(">I", frame[:4])[0]
    runner.write(struct.pack(">II", header_size, given.size) + frame[8:] + b"inline")
    runner.write(encode({"t": "seal", "segment": 1}))
    assert next(iter(runner.until_sealed().results.values()))["n"] == 6


def test_content_that_changed_meanwhile_fails_the_task(runner: PipeRunner) -> None:
    wrong = Content(hashlib.sha256(b"other").hexdigest(), 5, b"lying")
    assert "changed on the controller" in runner.call("fetching", {"ref": wrong.reference()}, contents=[wrong])["msg"]


def test_content_that_a_stopped_task_wanted_does_not_reach_the_next(runner: PipeRunner) -> None:
    wanted = content(os.urandom(600_000))
    ref = wanted.reference()
    frames = [
        runner.task_frame("fetching", {"ref": ref}, timeout=0.3, stop=False),
        runner.task_frame("fetching", {"ref": ref}),
    ]
    pieces = [wanted.data[start:start + 200_000] for start in (0, 200_000, 400_000)] if wanted.data else []
    blobs = [
        encode({"t": "blob", "sha256": wanted.sha256, "more": number < 2}, piece) for number, piece in enumerate(pieces)
    ]
    runner.call("ping")
    runner.hold_contents = True
    runner.write(b"".join(frames) + encode({"t": "seal", "segment": 1}))
    assert runner.wait_for("want").header["sha256"] == wanted.sha256
    runner.write(blobs[0])
    late = runner.wait_for("result")
    assert json.loads(late.body)["msg"] == "Timed out after 0.3 second(s)."
    assert runner.wait_for("want").header["sha256"] == wanted.sha256
    runner.write(b"".join(blobs[1:] + blobs))
    assert json.loads(runner.wait_for("result").body)["n"] == 600_000


def test_bytes_go_up_in_pieces(runner: PipeRunner) -> None:
    outcome = runner.segment([("sending", {"size": 700_000}, {})])
    assert outcome.sent() == b"z" * 700_000
    assert [f.header["more"] for f in outcome.frames if f.kind == "data"] == [True, True, False]


def test_code_comes_once_and_is_cached(start: Callable[..., PipeRunner]) -> None:
    first = start()
    assert not first.had_core
    assert first.call("late")["value"] == 42
    assert first.asked_code == ["provisioner.remote.modules.late", "provisioner.remote.helper_of_test"]
    second = start()
    assert second.had_core
    assert second.call("late")["value"] == 42
    assert second.asked_code == []
    assert len(second.hello["cached"]) == 2


def test_a_module_the_controller_has_not_is_a_failed_task(runner: PipeRunner) -> None:
    assert runner.call("nonsense")["msg"] == "there is no module `nonsense` for hosts"


def test_code_that_is_not_the_cores_ends_the_runner_with_a_crash_frame(runner: PipeRunner) -> None:
    name = "provisioner.remote.modules.ping"
    runner.write(encode({"t": "code", "name": name, "sha256": "0" * 64}, b"import os"))
    assert b"not the one that belongs" in runner.wait_for("crash").body


def test_composed_modules(runner: PipeRunner) -> None:
    result = runner.call("composed")
    assert result["inner"]["ping"] == "x"
    assert result["wrong"]["failed"]


def test_warnings_are_told_once(runner: PipeRunner) -> None:
    assert runner.call("warning")["warnings"] == ["careful"]


def test_environment_of_the_task_reaches_its_children_and_queries_speak_c(runner: PipeRunner) -> None:
    assert runner.call("env", env={"MINE": "yes", "LC_ALL": "de_DE.UTF-8"})["out"] == "C.UTF-8 yes\n"


def test_live_output_comes_while_the_command_runs(runner: PipeRunner) -> None:
    runner.write(runner.task_frame("shell", {"cmd": "echo one; sleep 0.4; echo two"}))
    runner.write(encode({"t": "seal", "segment": 1}))
    runner.wait_for("begin")
    started = time.monotonic()
    assert runner.wait_for("text").body == b"one\n"
    assert time.monotonic() - started < 0.3
    rest = runner.until_sealed()
    assert rest.text() == b"two\n"


def test_cancel_ends_the_running_task_and_the_segment_but_not_the_next(runner: PipeRunner) -> None:
    runner.write(runner.task_frame("command", {"cmd": "sleep 60"}) + runner.task_frame("ping", {}))
    runner.write(encode({"t": "seal", "segment": 1}))
    runner.wait_for("begin")
    runner.write(encode({"t": "cancel"}))
    outcome = runner.until_sealed()
    assert [result["cancelled"] for result in outcome.results.values()] == [True]
    assert outcome.sealed["stopped"] == 1
    assert runner.call("ping")["ping"] == "pong"


def test_cancel_with_nothing_running_is_nothing(runner: PipeRunner) -> None:
    runner.call("ping")
    runner.write(encode({"t": "cancel"}))
    assert runner.call("ping")["ping"] == "pong"


def test_cancel_drops_tasks_that_are_still_on_their_way(runner: PipeRunner) -> None:
    runner.write(runner.task_frame("command", {"cmd": "sleep 60"}))
    runner.wait_for("begin")
    runner.write(encode({"t": "cancel"}) + runner.task_frame("ping", {}) + encode({"t": "seal", "segment": 1}))
    assert len(runner.until_sealed().results) == 1
    assert runner.call("ping")["ping"] == "pong"


def wait_for_end(runner: PipeRunner, seconds: float = 10) -> int:
    return runner.process.wait(seconds)


def drop(runner: PipeRunner) -> None:
    """The controller is gone, without a word: both pipes closed."""
    assert runner.process.stdin is not None
    assert runner.process.stdout is not None
    runner.process.stdin.close()
    runner.process.stdout.close()


def test_when_the_controller_is_gone_the_task_is_finished_and_the_next_not_begun(
    runner: PipeRunner, tmp_path: Path
) -> None:
    runner.call("command", {"cmd": "true"})
    runner.call("shell", {"cmd": "true"})
    script = f"sleep 0.5; echo done > {tmp_path}/first"
    runner.write(runner.task_frame("shell", {"cmd": script}))
    runner.write(runner.task_frame("command", {"cmd": f"touch {tmp_path}/second"}))
    runner.write(encode({"t": "seal", "segment": 1}))
    runner.wait_for("begin")
    drop(runner)
    assert wait_for_end(runner) == 0
    assert (tmp_path / "first").exists()
    assert not (tmp_path / "second").exists()


def test_a_task_with_a_deadline_keeps_it_when_the_controller_is_gone(runner: PipeRunner) -> None:
    runner.call("command", {"cmd": "true"})
    runner.write(runner.task_frame("command", {"cmd": "sleep 60"}, timeout=0.5))
    runner.wait_for("begin")
    drop(runner)
    assert wait_for_end(runner) == 0


@pytest.mark.parametrize("frames", range(1, 7))
def test_the_runner_ends_and_leaves_nothing_wherever_the_stream_breaks(
    start: Callable[..., PipeRunner], tmp_path: Path, frames: int
) -> None:
    home = tmp_path / "home"
    runner = start(environment={"PATH": "/usr/bin:/bin", "TMPDIR": str(home)})
    wanted = content(b"w" * 2_000_000)
    tasks = [
        runner.task_frame("fetching", {"ref": wanted.reference()}),
        runner.task_frame("littering", {}), runner.task_frame("sending", {"size": 5_000_000}),
        runner.task_frame("command", {"cmd": "sleep 0.1"}), encode({"t": "seal", "segment": 1}), encode({"t": "bye"}),
    ]  # fmt: skip
    runner.write(b"".join(tasks[:frames])[:-1])
    drop(runner)
    wait_for_end(runner)
    assert [name for name in os.listdir(home) if name != ".cache"] == []


def test_sigterm_ends_children_and_runner(runner: PipeRunner, tmp_path: Path) -> None:
    runner.call("shell", {"cmd": "true"})  # its code is there
    pid_file = tmp_path / "pid"
    runner.write(runner.task_frame("shell", {"cmd": f"echo $$ > {pid_file}; sleep 60"}))
    while not (pid_file.exists() and pid_file.read_text()):
        time.sleep(0.01)
    runner.process.send_signal(signal.SIGTERM)
    assert wait_for_end(runner) == 128 + signal.SIGTERM
    status = Path("/proc") / pid_file.read_text().strip() / "status"
    assert not status.exists() or "Z (zombie)" in status.read_text()


def test_sighup_lets_the_running_task_finish(runner: PipeRunner, tmp_path: Path) -> None:
    runner.call("shell", {"cmd": "true"})
    runner.write(runner.task_frame("shell", {"cmd": f"sleep 0.4; touch {tmp_path}/done"}))
    runner.wait_for("begin")
    runner.process.send_signal(signal.SIGHUP)
    assert wait_for_end(runner) == 0
    assert (tmp_path / "done").exists()


def test_ctrl_c_of_the_terminal_is_the_controllers_affair(runner: PipeRunner) -> None:
    runner.process.send_signal(signal.SIGINT)
    assert runner.call("ping")["ping"] == "pong"


def test_rubbish_ends_the_runner_with_a_crash_frame(runner: PipeRunner) -> None:
    runner.write(b"\xff" * 100)
    assert b"over the limits" in runner.wait_for("crash").body
    assert wait_for_end(runner) == 3


def test_source_and_sink_may_be_one_socket(tmp_path: Path, bundle: Bundle) -> None:
    """As on a terminal, where both are one description and reading may say EAGAIN."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = bundle.command(sys.executable, "n0")
        process = subprocess.Popen(command, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.DEVNULL,
                                   env={"HOME": str(tmp_path)})
        theirs.close()
        ours.settimeout(20)
        ours.sendall(encode({"t": "task", "id": 1, "module": "ping", "args": {}, "group": 1}) + encode({"t": "bye"}))
        seen = b""
        sent = False
        while piece := ours.recv(1 << 16):
            seen += piece
            if b"PROVISION-n0 need\n" in seen and not sent:
                ours.sendall(bundle.core_frame())
                sent = True
            if b'"want"' in seen and b"modules.ping" in seen:
                code = bundle.code_frame("provisioner.remote.modules.ping")
                assert code is not None
                ours.sendall(code)
                seen = seen.replace(b'"want"', b"")
        assert process.wait(10) == 0
        assert b'"ping":"pong"' in seen


def test_an_unchanged_run_of_a_hundred_tasks_costs_little(start: Callable[..., PipeRunner]) -> None:
    """A loose bound: about 60 ms of the host's processor on a quiet machine, and the tests' machine is not quiet."""
    tasks: list[tuple[str, Mapping[str, Any], Mapping[str, Any]]] = [("echo", {"n": n}, {}) for n in range(100)]
    start().segment(tasks)
    second = start()
    second.segment(tasks)
    fields = Path(f"/proc/{second.process.pid}/stat").read_text().rpartition(")")[2].split()
    user, system = int(fields[11]), int(fields[12])
    assert (user + system) / os.sysconf("SC_CLK_TCK") < 0.25


def test_the_host_never_runs_code_from_a_cache_others_can_enter(
    start: Callable[..., PipeRunner], tmp_path: Path
) -> None:
    cache = tmp_path / "home" / ".cache" / "provisioner"
    cache.mkdir(parents=True)
    cache.chmod(0o755)
    assert not start().had_core
    assert not start().had_core
    assert list(cache.iterdir()) == []


def test_a_torn_file_in_the_cache_is_not_run(start: Callable[..., PipeRunner], tmp_path: Path) -> None:
    start()
    for path in (tmp_path / "home" / ".cache" / "provisioner").iterdir():
        path.write_bytes(path.read_bytes()[:-10])
    again = start()
    assert not again.had_core
    assert again.call("ping")["ping"] == "pong"


def test_a_host_that_cannot_keep_a_cache_works_without(start: Callable[..., PipeRunner], tmp_path: Path) -> None:
    (tmp_path / "home" / ".cache").write_text("in the way")
    assert not start().had_core
    assert start().call("ping")["ping"] == "pong"


def test_a_core_that_is_not_the_one_named_is_not_run(bundle: Bundle, start: Callable[..., PipeRunner]) -> None:
    lying = replace(bundle, core=bundle.core._replace(sha256="0" * 64))
    with pytest.raises(RunnerGone, match="not what its checksum says"):
        start(bundle=lying)


def test_what_a_shell_says_before_the_runner_does_no_harm(start: Callable[..., PipeRunner]) -> None:
    noisy = start(prefix=["sh", "-c", 'echo "Welcome PROVISION-"; printf "no newline"; exec "$@"', "sh"])
    assert noisy.call("ping")["ping"] == "pong"


def test_frames_sent_before_the_core_are_kept(tmp_path: Path, bundle: Bundle) -> None:
    (tmp_path / "h").mkdir()
    early = encode({"t": "task", "id": 7, "module": "ping", "args": {}, "group": 1})
    early += encode({"t": "seal", "segment": 3})
    code = bundle.code_frame("provisioner.remote.modules.ping")
    assert code is not None
    process = subprocess.Popen(bundle.command(sys.executable, "n1"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               env={"HOME": str(tmp_path / "h")})
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(code + early + bundle.core_frame() + encode({"t": "bye"}))
        process.stdin.flush()
        said = process.stdout.read()
    assert b'"ping":"pong"' in said
    assert json.dumps({"t": "sealed", "segment": 3, "stopped": None}, separators=(",", ":")).encode() in said


def test_a_killed_runner_leaves_the_old_file_and_nothing_else(start: Callable[..., PipeRunner], tmp_path: Path) -> None:
    """K8 and K11: SIGKILL while content is being written."""
    folder = tmp_path / "place"
    folder.mkdir()
    (folder / "f").write_text("old")
    runner = start()
    runner.write(runner.task_frame("stuck", {"path": str(folder / "f")}))
    runner.wait_for("text")
    runner.process.kill()
    runner.process.wait()
    assert (folder / "f").read_text() == "old"
    assert os.listdir(folder) == ["f"]
