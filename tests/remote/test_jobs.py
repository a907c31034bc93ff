"""Jobs of `async`, started by the real runner over pipes."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioner.lab import LabHost
from provisioner.remote import jobs
from provisioner.remote.sdk import ModuleFailed
from provisioner.testing.pipes import PipeRunner

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[PipeRunner]:
    (tmp_path / "home").mkdir()
    with PipeRunner(home=tmp_path / "home") as started:
        yield started


def begin(runner: PipeRunner, command: str, folder: Path, seconds: float = 60) -> dict[str, Any]:
    return runner.call("shell", {"cmd": command}, background=[seconds, str(folder)])


def status(runner: PipeRunner, job: dict[str, Any], **more: str) -> dict[str, Any]:
    return runner.call("async_status", {
        "jid": job["ansible_job_id"], "_async_dir": str(Path(job["results_file"]).parent), **more})


def result(runner: PipeRunner, job: dict[str, Any]) -> dict[str, Any]:
    while not (found := status(runner, job))["finished"]:
        time.sleep(0.05)
    return found


def test_a_job_is_told_at_once_and_gives_the_modules_result(runner: PipeRunner, tmp_path: Path) -> None:
    job = begin(runner, f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; echo done", tmp_path / "jobs")
    assert (job["started"], job["finished"], job["changed"]) == (True, False, True)
    running = status(runner, job)
    assert (running["finished"], running["changed"], running["ansible_job_id"]) == (False, False, job["ansible_job_id"])
    (tmp_path / "go").touch()
    ended = result(runner, job)
    assert (ended["stdout"], ended["rc"], ended["changed"], ended["started"]) == ("done", 0, True, True)


def test_a_job_outlives_the_runner(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    with PipeRunner(home=tmp_path / "home") as first:
        job = begin(first, f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; echo alive", tmp_path / "jobs")
    (tmp_path / "go").touch()
    with PipeRunner(home=tmp_path / "home") as second:
        assert result(second, job)["stdout"] == "alive"


def test_only_its_user_may_look_at_jobs(runner: PipeRunner, tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir(mode=0o777)
    job = begin(runner, "true", tmp_path / "jobs")
    assert (tmp_path / "jobs").stat().st_mode & 0o777 == 0o700
    result(runner, job)
    assert Path(job["results_file"]).stat().st_mode & 0o777 == 0o600


def test_the_default_directory_is_in_the_home(runner: PipeRunner, tmp_path: Path) -> None:
    job = runner.call("command", {"argv": ["true"]}, background=[60, "~/.ansible_async"])
    assert Path(job["results_file"]).parent == tmp_path / "home" / ".ansible_async"
    result(runner, job)


def test_a_job_that_takes_too_long_is_ended(runner: PipeRunner, tmp_path: Path) -> None:
    job = begin(runner, "sleep 600", tmp_path / "jobs", seconds=0.5)
    ended = result(runner, job)
    assert (ended["failed"], ended["msg"]) == (True, "Timed out after 0.5 second(s).")


def test_a_job_that_was_killed_says_so(runner: PipeRunner, tmp_path: Path) -> None:
    job = begin(runner, "sleep 600", tmp_path / "jobs")
    process = json.loads(Path(job["results_file"]).read_text())["process"][0]
    os.kill(process, signal.SIGKILL)
    ended = result(runner, job)
    assert ended["failed"]
    assert "ended without a result" in ended["msg"]


def test_a_failed_job_fails_whoever_asks(runner: PipeRunner, tmp_path: Path) -> None:
    ended = result(runner, begin(runner, "exit 3", tmp_path / "jobs"))
    assert (ended["failed"], ended["rc"]) == (True, 3)


def test_a_job_can_be_forgotten(runner: PipeRunner, tmp_path: Path) -> None:
    job = begin(runner, "true", tmp_path / "jobs")
    result(runner, job)
    kept = runner.call("async_status", {"jid": job["ansible_job_id"], "_async_dir": str(tmp_path / "jobs"),
                                        "mode": "cleanup"}, check=True)
    assert kept["erased"] == job["results_file"]
    assert Path(job["results_file"]).exists()
    assert status(runner, job, mode="cleanup")["erased"] == job["results_file"]
    assert status(runner, job)["msg"] == "could not find job"


def test_a_job_of_root_has_a_scope_of_its_own_on_a_real_host(shared_lab_host: LabHost) -> None:
    prefix = ["nsenter", "-t", str(shared_lab_host.leader_pid), "-a", "--"]
    units = ["systemctl", "list-units", "--no-legend", "--plain", "provision-job-*"]
    with PipeRunner(python="python3", prefix=prefix, timeout=60,
                    environment={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}) as runner:
        job = begin(runner, "while [ ! -e /root/go ]; do sleep 0.05; done", Path("/root/jobs"))
        assert f"provision-job-{job['ansible_job_id']}.scope" in shared_lab_host.run(units).stdout
        shared_lab_host.run(["touch", "/root/go"])
        assert result(runner, job)["rc"] == 0


def test_a_directory_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    if tmp_path.stat().st_uid == 0:
        tmp_path.chmod(0o755)
        with pytest.raises(ModuleFailed, match="others may enter"):
            jobs.directory(str(tmp_path), "/")
    else:
        with pytest.raises(ModuleFailed, match="belongs to another user"):
            jobs.directory(str(tmp_path), "/")
