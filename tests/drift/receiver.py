"""A chat's webhook."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer


@contextmanager
def receiver(*codes: int, address: str = "127.0.0.1") -> Iterator[tuple[str, list[str]]]:
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

    server = HTTPServer((address, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://{address}:{server.server_port}/secret-token", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
