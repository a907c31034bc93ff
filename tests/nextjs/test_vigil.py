"""Staying with an app that was healthy: what counts as its end, against a `systemctl` that says what the test wants."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from provisioner.remote.nextjs import vigil
from provisioner.remote.nextjs.vigil import Vigil
from provisioner.testing.inprocess import make_context

RUNS = "ActiveState=active\nMainPID=%d\nResult=success\nExecMainStatus=0\n"
AGAIN = "ActiveState=activating\nMainPID=0\nResult=exit-code\nExecMainStatus=3\n"


class _App(ThreadingHTTPServer):
    """Answers with the statuses it is given, the last one for ever."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.statuses = [200]
        self.asked = 0


class _Answer(BaseHTTPRequestHandler):
    server: _App

    def do_GET(self) -> None:
        statuses = self.server.statuses
        self.server.asked += 1
        self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def app() -> Iterator[_App]:
    with _App() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], object]:
    """What `systemctl show` prints from now on."""
    program, told = tmp_path / "systemctl", tmp_path / "told"
    program.write_text(f"#!/bin/sh\ncat {told}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(vigil, "ASK_EVERY", 0.1)
    monkeypatch.setattr(vigil, "PAUSE", 0.01)
    return told.write_text


def begin(app: _App) -> Vigil:
    question = {"address": "127.0.0.1", "port": app.server_address[1], "path": "/", "status": None, "host": "localhost"}
    return Vigil(make_context(), {"shop@a.service": question}, None, "", "requests were sent to it")


def test_an_app_that_runs_and_answers_is_well(app: _App, say: Callable[[str], object]) -> None:
    say(RUNS % 7)
    assert begin(app).keep(lambda seconds: seconds > 0.5) is None


@pytest.mark.parametrize("now", [AGAIN, RUNS % 8], ids=["not yet there again", "there again, and answering"])
def test_an_app_that_ended_since_the_beginning_is_not_well(app: _App, say: Callable[[str], object], now: str) -> None:
    say(RUNS % 7)
    watching = begin(app)
    say(now)
    assert "after requests were sent to it" in (watching.keep(lambda seconds: seconds > 0.5) or "")


def test_one_wrong_answer_is_forgiven_and_two_in_a_row_are_not(app: _App, say: Callable[[str], object]) -> None:
    say(RUNS % 7)
    app.statuses = [200, 500, 200, 500, 200]
    assert begin(app).keep(lambda seconds: len(app.statuses) == 1) is None
    app.statuses = [200, 500, 500, 200]
    assert "status 500" in (begin(app).keep(lambda seconds: len(app.statuses) == 1) or "")


def test_it_does_not_end_with_a_wrong_answer(app: _App, say: Callable[[str], object]) -> None:
    say(RUNS % 7)
    app.statuses = [200, 500]
    assert "status 500" in (begin(app).keep(lambda seconds: app.asked == 2) or "")
