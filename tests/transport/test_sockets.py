"""Connections to servers that are not there yet, or not any more."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from provisioner.diag import HostUnreachable
from provisioner.transport import sockets


@pytest.fixture
def port() -> Iterator[socket.socket]:
    """Taken, and nobody listens: connections are refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken


def test_a_server_that_restarts_is_asked_again(port: socket.socket) -> None:
    threading.Timer(0.3, port.listen).start()
    with sockets.connect(*port.getsockname(), timeout=60, refused=60) as made:
        assert made.getpeername() == port.getsockname()


@pytest.mark.parametrize("refused", [0.0, 0.3])
def test_a_server_that_stays_away_is_told(port: socket.socket, refused: float) -> None:
    with pytest.raises(HostUnreachable, match="refuses connections"):
        sockets.connect(*port.getsockname(), timeout=60, refused=refused)
