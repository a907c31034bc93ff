"""The runner on other Pythons than the controller's: those of this machine, and the oldest one on a real host."""

from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner.lab import LabHost
from provisioner.lab.machine import enter
from provisioner.testing.pipes import MINIMAL_PATH, PipeRunner

PYTHONS = sorted(Path("~/.pyenv/versions").expanduser().glob("3.*/bin/python3"))
SERVED = [path for path in PYTHONS if int(path.parts[-3].split(".")[1]) >= 9]


def use(runner: PipeRunner, folder: str) -> None:
    """A round through everything the runner does."""
    assert runner.call("ping")["ping"] == "pong"
    assert runner.call("shell", {"cmd": "echo a; echo b >&2"})["stderr"] == "b"
    assert runner.call("command", {"cmd": "sleep 20"}, timeout=0.2)["msg"] == "Timed out after 0.2 second(s)."
    facts = runner.call("setup")["ansible_facts"]
    assert facts["ansible_python"]["version_info"][:3] == runner.hello["python"]
    path = f"{folder}/made"
    assert runner.call("file", {"path": path, "state": "directory", "mode": "0700"}, verify=True)["changed"]
    assert runner.call("lineinfile", {"path": f"{path}/f", "line": "x=1", "create": True}, verify=True)["changed"]
    assert not runner.call("lineinfile", {"path": f"{path}/f", "line": "x=1", "create": True})["changed"]
    assert runner.call("file", {"path": path, "state": "absent"}, diff=True)["diff"]


@pytest.mark.parametrize("python", SERVED, ids=lambda path: path.parts[-3])
def test_the_runner_works_on_the_pythons_at_hand(python: Path, tmp_path: Path) -> None:
    for _ in range(2):  # with code from the controller, then from the cache
        with PipeRunner(python=str(python), home=tmp_path) as runner:
            use(runner, str(tmp_path))
            assert runner.process.stderr is not None
    assert runner.had_core
    assert runner.asked_code == []


@pytest.mark.parametrize(("release", "python"), [("bullseye", [3, 9]), ("forky", [3, 14])])
def test_the_runner_works_on_the_oldest_and_the_newest_release_we_serve(
    lab_hosts: Callable[..., list[LabHost]], release: str, python: list[int]
) -> None:
    host, = lab_hosts(1, release=release)
    assert host.leader_pid is not None
    environment = {"PATH": MINIMAL_PATH, "HOME": "/root"}
    with PipeRunner(python="/usr/bin/python3", prefix=enter(host.leader_pid), environment=environment) as runner:
        assert runner.hello["python"][:2] == python
        use(runner, "/opt")
        assert runner.call("setup")["ansible_facts"]["ansible_distribution_release"] == release


def test_a_bind_mounted_file_is_refused_in_words_on_a_real_host(shared_lab_host: LabHost) -> None:
    """F11 for real: rename(2) says EBUSY."""
    host = shared_lab_host
    host.run(["sh", "-c", "touch /opt/source /opt/bound && mount --bind /opt/source /opt/bound"])
    assert host.leader_pid is not None
    environment = {"PATH": MINIMAL_PATH, "HOME": "/root"}
    with PipeRunner(python="/usr/bin/python3", prefix=enter(host.leader_pid), environment=environment) as runner:
        result = runner.call("lineinfile", {"path": "/opt/bound", "line": "x"})
        assert "/opt/bound is a mount point" in result["msg"]
    assert host.run(["ls", "-A", "/opt"]).stdout.split() == ["bound", "source"]
