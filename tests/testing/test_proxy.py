from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from provisioner.testing.proxy import FaultProxy


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A server that sends back what it gets."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(peer: socket.socket) -> None:
        with peer:
            try:
                while data := peer.recv(1 << 16):
                    peer.sendall(data)
            except ConnectionError:
                return

    def accept() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(peer,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield listener.getsockname()[:2]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def exchange(sock: socket.socket, data: bytes) -> bytes:
    sock.sendall(data)
    got = b""
    while len(got) < len(data):
        piece = sock.recv(1 << 16)
        if not piece:
            break
        got += piece
    return got


def all_of(sock: socket.socket) -> bytes:
    """What comes until the connection ends, one way or the other."""
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := sock.recv(100):
            got += piece
    return got


def connect(proxy: FaultProxy) -> socket.socket:
    return socket.create_connection(proxy.address, timeout=5)


def test_bytes_pass_both_ways_unchanged(echo: tuple[str, int]) -> None:
    data = bytes(range(256)) * 8192
    with FaultProxy(echo) as proxy, connect(proxy) as sock:
        sender = threading.Thread(target=sock.sendall, args=(data,))
        sender.start()
        got = b""
        while len(got) < len(data):
            got += sock.recv(1 << 16)
        sender.join()
    assert got == data
    assert (proxy.bytes_up, proxy.bytes_down, proxy.connections) == (len(data), len(data), 1)


def test_a_turn_is_counted_each_time_the_client_speaks_after_the_server(echo: tuple[str, int]) -> None:
    with FaultProxy(echo) as proxy, connect(proxy) as sock:
        for _ in range(7):
            exchange(sock, b"question")
        assert proxy.turns == 7


def test_delay_is_added_in_each_direction(echo: tuple[str, int]) -> None:
    with FaultProxy(echo, delay=0.05) as proxy, connect(proxy) as sock:
        began = time.monotonic()
        exchange(sock, b"x")
        assert 0.1 <= time.monotonic() - began < 1


def test_a_connection_is_cut_at_exactly_the_byte_asked_for(echo: tuple[str, int]) -> None:
    with FaultProxy(echo, cut_after=10, counting="down") as proxy:
        with connect(proxy) as sock:
            sock.sendall(b"0123456789abcdef")
            assert "0123456789".startswith(all_of(sock).decode())  # a reset may overtake what was not read yet
        assert proxy.bytes_down == 10
        with connect(proxy) as sock:
            assert exchange(sock, b"again") == b"again"


def test_a_frozen_connection_stays_open_and_goes_on_when_thawed(echo: tuple[str, int]) -> None:
    with FaultProxy(echo, freeze_after=4, counting="up") as proxy, connect(proxy) as sock:
        sock.sendall(b"0123")
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            sock.recv(4)
        sock.settimeout(5)
        proxy.thaw()
        assert sock.recv(4) == b"0123"


def test_the_end_of_one_direction_is_passed_on(echo: tuple[str, int]) -> None:
    with FaultProxy(echo) as proxy, connect(proxy) as sock:
        sock.sendall(b"last words")
        sock.shutdown(socket.SHUT_WR)
        assert all_of(sock) == b"last words"


def test_a_target_that_refuses_resets_the_client() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = closed.getsockname()[:2]
    with FaultProxy(address) as proxy, connect(proxy) as sock:
        assert all_of(sock) == b""
