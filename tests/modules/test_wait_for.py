"""`wait_for`: ports and files that come and go, and how long it takes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioner.testing.inprocess import run_module


def wait_for(*, check: bool = False, **args: Any) -> dict[str, Any]:
    return run_module("wait_for", {"sleep": 0, "timeout": 5, **args}, check=check)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def port_of(server: socket.socket) -> int:
    return int(server.getsockname()[1])


def test_a_port_that_answers_and_one_that_does_not(listener: socket.socket) -> None:
    port = port_of(listener)
    assert not wait_for(port=port).get("failed")
    assert "Timeout when waiting for 127.0.0.1" in wait_for(port=port, state="stopped", timeout=0)["msg"]
    listener.close()
    assert not wait_for(port=port, state="stopped").get("failed")
    assert wait_for(port=port, timeout=0, msg="too late")["msg"] == "too late"


def test_a_file_that_comes_while_we_wait(tmp_path: Path) -> None:
    later = threading.Timer(0.05, (tmp_path / "f").write_text, ["ready on port 3000\n"])
    later.start()
    result = wait_for(path=str(tmp_path / "f"), search_regex=r"port (?P<port>\d+)$")
    later.join()
    assert result["match_groups"] == ["3000"]
    assert result["match_groupdict"] == {"port": "3000"}


def test_a_file_that_goes(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    later = threading.Timer(0.05, (tmp_path / "f").unlink)
    later.start()
    assert not wait_for(path=str(tmp_path / "f"), state="absent").get("failed")
    later.join()


def test_what_a_port_says_first(listener: socket.socket) -> None:
    def greet() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"SSH-2.0-")
            connection.sendall(b"test\r\n")

    thread = threading.Thread(target=greet)
    thread.start()
    assert wait_for(port=port_of(listener), search_regex="^SSH-2.0-(t)")["match_groups"] == ["t"]
    thread.join()


def test_drained_waits_for_open_connections(listener: socket.socket) -> None:
    port = port_of(listener)
    with socket.create_connection(("127.0.0.1", port)) as client, listener.accept()[0]:
        assert "to drain" in wait_for(port=port, state="drained", timeout=0)["msg"]
        assert not wait_for(port=port, state="drained", exclude_hosts=["127.0.0.1"]).get("failed")
        client.close()


def test_nothing_to_wait_for_is_a_pause() -> None:
    started = time.monotonic()
    assert not wait_for(timeout=1).get("failed")
    assert time.monotonic() - started >= 1


def test_a_pause_begins_after_the_delay() -> None:
    assert wait_for(timeout=1, delay=1)["elapsed"] >= 2


def test_check_mode_looks_once(tmp_path: Path) -> None:
    started = time.monotonic()
    assert "doesn't wait" in wait_for(path=str(tmp_path / "f"), timeout=300, delay=30, check=True)["unknown"]
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "args",
    [
        {"path": "/x", "port": 1},
        {"state": "drained"},
        {"state": "stopped"},
        {"path": "/x", "search_regex": "("},
        {"path": "/x", "state": "absent", "search_regex": "x"},
    ],
)
def test_mistakes_are_told(args: dict[str, Any]) -> None:
    result = wait_for(**args)
    assert result["failed"]
    assert "exception" not in result
