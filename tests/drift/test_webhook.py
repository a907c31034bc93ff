from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from provisioner.diag import UsageError
from provisioner.drift.webhook import send


@contextmanager
def receiver(*codes: int) -> Iterator[tuple[str, list[str]]]:
    """(its address, texts it got); answers with these codes, one after the other."""
    got: list[str] = []
    left = list(codes)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(left.pop(0))
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/secret-token", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_text_is_posted() -> None:
    with receiver(200) as (url, got):
        assert send(url, "web-1: 1 drifted ✓") == ""
    assert got == ["web-1: 1 drifted ✓"]


def test_a_receiver_that_is_busy_is_asked_again_and_one_that_refuses_is_not() -> None:
    with receiver(503, 429, 200) as (url, got):
        assert send(url, "x", (0.0, 0.0)) == ""
        assert len(got) == 3
    with receiver(404) as (url, got):
        assert send(url, "x", (0.0, 0.0)) == "it answers 404"


def test_one_that_never_answers_is_told_without_its_address() -> None:
    with receiver() as (url, _):
        pass
    problem = send(url, "x", (0.0,))
    assert problem.startswith("no answer")
    assert "secret" not in problem


def test_only_web_addresses_are_taken() -> None:
    with pytest.raises(UsageError, match="not an http"):
        send("file:///etc/passwd", "x")
