"""Asking an app whether it is well, against a small server on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from provisioner.remote.nextjs.probe import problem, warm


class _App(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        statuses = {
            "/": 200,
            "/login": 307,
            "/broken": 500,
            "/_next/static/build-1/_buildManifest.js": 200,
            "/base/_next/static/b/_buildManifest.js": 200,
        }
        self.send_response(statuses.get(self.path, 404))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _App) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def question(port: int, path: str = "/", status: int | None = None) -> dict[str, Any]:
    return {"address": "127.0.0.1", "port": port, "path": path, "status": status, "host": "localhost"}


@pytest.mark.parametrize(("path", "status", "build", "base", "words"), [
    ("/", None, "build-1", "", None),
    ("/", 200, None, "", None),
    ("/login", None, None, "", None),
    ("/login", 200, None, "", "status 307, expected 200"),
    ("/broken", None, None, "", "status 500, expected 200 to 399"),
    ("/broken", 500, None, "", None),
    ("/", None, "build-2", "", "is not build build-2"),
    ("/", None, "b", "/base", None),
])  # fmt: skip
def test_status_and_build_are_judged(
    port: int, path: str, status: int | None, build: str | None, base: str, words: str | None
) -> None:
    found = problem(question(port, path, status), build, base)
    assert found is None if words is None else words in (found or "")


def test_silence_is_told() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _App) as server:
        free = server.server_address[1]
    assert "no answer from" in (problem(question(free), None) or "")


@pytest.mark.parametrize(("paths", "words"), [
    ([], None), (["/", "/login"], None), (["/", "/broken", "/gone"], "/broken answers with status 500"),
    (["/gone"], "status 404, expected 200 to 399"),
])  # fmt: skip
def test_paths_to_warm_up_must_be_pages(port: int, paths: list[str], words: str | None) -> None:
    found = warm({**question(port), "warm": paths, "timeout": 10})
    assert found is None if words is None else words in (found or "")
