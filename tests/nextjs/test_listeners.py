"""Who listens on a port."""

from __future__ import annotations

import os
import socket

import pytest

from provisioner.remote.nextjs.listeners import endpoint, listeners
from provisioner.testing.inprocess import make_context


def test_a_listening_process_is_found_with_its_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        (found,) = listeners(make_context(), [port])
        assert (found["port"], found["address"], found["pid"]) == (port, "127.0.0.1", os.getpid())
        assert found["process"]
        with socket.create_connection(("127.0.0.1", port)):  # a connection is no listener
            assert len(listeners(make_context(), [port])) == 1
    assert listeners(make_context(), [port]) == []


@pytest.mark.parametrize(("column", "expected"), [
    ("0100007F:0BB8", ("127.0.0.1", 3000)),
    ("00000000:0050", ("0.0.0.0", 80)),
    ("00000000000000000000000000000000:0050", ("::", 80)),
    ("00000000000000000000000001000000:0BB8", ("::1", 3000)),
])  # fmt: skip
def test_a_column_of_the_kernel_names_address_and_port(column: str, expected: tuple[str, int]) -> None:
    assert endpoint(column) == expected
