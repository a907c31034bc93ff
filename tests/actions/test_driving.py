"""What a driving action is given to work with other machines."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from provisioner.diag import HostUnreachable, ProvisionError
from provisioner.messages import Target
from provisioner.testing.driving import bench
from provisioner.values import HostName

HERE = Target(HostName("web"), connection="local")


@pytest.fixture
def closed() -> int:
    """A port at which nobody answers."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_work_on_another_host_is_done_there_and_told_of_this_one(tmp_path: Path) -> None:
    other = Target(HostName("builder"), connection="local")
    with bench([HERE], {"name": "shop"}, scratch=tmp_path, delegates=[other]) as run:
        call = run.calls[0].on_host("builder")
        assert call is not None
        assert call.call("ping", {})["ping"] == "pong"
        assert (call.host, call.target, call.args) == ("web", other, {"name": "shop"})
        assert run.calls[0].round_trips == 0


def test_there_is_no_other_host_than_those_that_were_named(tmp_path: Path) -> None:
    with bench([HERE], {}, scratch=tmp_path) as run:
        assert run.calls[0].on_host("builder") is None


def test_another_host_that_is_lost_is_a_failure_and_no_loss_of_this_one(tmp_path: Path, closed: int) -> None:
    gone = Target(HostName("builder"), address="127.0.0.1", port=closed, user="root")
    with bench([HERE], {}, scratch=tmp_path, delegates=[gone]) as run:
        call = run.calls[0].on_host("builder")
        assert call is not None
        with pytest.raises(ProvisionError, match="builder can't be reached: ") as raised:
            call.call("ping", {})
        assert not isinstance(raised.value, HostUnreachable)
