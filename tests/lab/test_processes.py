from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from provisioner.lab.processes import Container


def test_only_the_supervisor_of_exactly_this_root_is_killed(tmp_path: Path) -> None:
    """A process that merely mentions the directory, or serves a host whose name begins alike, is left alone."""
    mine, alike = tmp_path / "web", tmp_path / "web2"
    wait = "import sys; sys.stdin.read()"

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", wait, *arguments], stdin=subprocess.PIPE)

    with (
        start("systemd-nspawn", f"--directory={mine}/root") as hit,
        start("systemd-nspawn", f"--directory={alike}/root") as neighbour,
        start("vi", f"--directory={mine}/root") as bystander,
    ):
        container = Container(mine / "root", mine / "upper")
        assert container.supervisors() == [hit.pid]
        container.kill()
        assert not container.is_running()
        assert hit.wait(10) == -9
        assert neighbour.poll() is None
        assert bystander.poll() is None


def test_a_host_that_does_not_run_has_no_leader_and_needs_no_killing(tmp_path: Path) -> None:
    container = Container(tmp_path / "root", tmp_path / "upper")
    assert container.leader() is None
    container.kill()
