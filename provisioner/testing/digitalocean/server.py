"""The fake over real HTTP: pages, tokens, faults, and everything that was said, for the API's description to judge."""

from __future__ import annotations

import copy
import json
import re
import threading
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from provisioner.testing.digitalocean.routes import Listing, Reply, answer
from provisioner.testing.digitalocean.world import No, World

TOKEN: Final = "dop_v1_canary4711"  # noqa: S105
_STATED: Final = {"ratelimit-limit": "5000", "ratelimit-remaining": "4816", "ratelimit-reset": "1444931833"}


@dataclass(slots=True)
class Fault:
    """What happens to the next calls whose `METHOD path?query` matches.

    skip: so many are let through first. status and content: the answer; text is sent as it is. status 0: the
    connection is closed without one. after: the call is carried out before. delay: seconds.
    """

    match: str
    times: int = 1
    skip: int = 0
    status: int = 0
    content: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    after: bool = False
    delay: float = 0


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call as it was on the wire. path: with /v2. status 0: none was sent. injected: the answer is a fault's."""

    method: str
    path: str
    query: str
    body: bytes
    status: int
    content: bytes
    injected: bool = False
    kind: str = "application/json"


class Fake:
    """Use it with `with`; `url` is for `Place.endpoint` and DIGITALOCEAN_END_POINT."""

    def __init__(self, world: World | None = None, token: str = TOKEN, port: int = 0) -> None:
        self.world = world or World()
        self.token = token
        self.faults: list[Fault] = []
        self.exchanges: list[Exchange] = []
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), self)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v2/"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def calls(self, match: str) -> list[Exchange]:
        """Those whose `METHOD path?query` matches."""
        return [each for each in self.exchanges if re.search(match, f"{each.method} {each.path}?{each.query}")]

    def struck(self, call: str) -> Fault | None:
        for fault in self.faults:
            if fault.times and re.search(fault.match, call):
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], fake: Fake) -> None:
        super().__init__(address, _Handler)
        self.fake = fake

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer takes 40 ms
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: `exchanges` has it."""

    def _serve(self) -> None:
        fake = self.server.fake
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        fault = fake.struck(f"{self.command} {path}?{query}")
        if fault is None or fault.after or fault.delay:
            reply = self._reply(path, query, sent)
        else:
            reply = Reply(fault.status, fault.content)
        if fault is not None and fault.delay:
            time.sleep(fault.delay)
        elif fault is not None and fault.after:
            reply = Reply(fault.status, fault.content)
        is_text = isinstance(reply.content, str)
        content = b"" if reply.content is None else (
            reply.content.encode() if is_text else json.dumps(reply.content).encode())
        kind = "text/html" if is_text else "application/json"
        injected = fault is not None and not fault.delay
        fake.exchanges.append(Exchange(self.command, path, query, sent, reply.status, content, injected, kind))
        if reply.status == 0:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in {**_STATED, **(fault.headers if fault else {})}.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815

    def _reply(self, path: str, query: str, sent: bytes) -> Reply:
        fake = self.server.fake
        if self.headers.get("Authorization") != f"Bearer {fake.token}":
            return _error(No(401, "unauthorized", "Unable to authenticate you"))
        asked = dict(urllib.parse.parse_qsl(query))
        body = json.loads(sent) if sent else {}
        with fake.lock:
            try:
                said = answer(fake.world, self.command, path.removeprefix("/v2/"), asked, body)
            except No as no:
                return _error(no)
            return _page(said, fake.url + path.removeprefix("/v2/"), asked) if isinstance(said, Listing) else \
                Reply(said.status, copy.deepcopy(said.content))


def _error(no: No) -> Reply:
    return Reply(no.status, {"id": no.id, "message": no.message, "request_id": "4d9d8375-3c56-4925-a3e7-eb137fed17e9"})


def _page(listing: Listing, url: str, asked: Mapping[str, str]) -> Reply:
    page, size = int(asked.get("page", "1")), int(asked.get("per_page", "20"))
    total = len(listing.items)

    def link(number: int) -> str:
        return f"{url}?{urllib.parse.urlencode({**asked, 'page': number, 'per_page': size})}"

    pages = {"next": link(page + 1), "last": link(-(-total // size))} if page * size < total else {}
    items = copy.deepcopy(listing.items[(page - 1) * size:page * size])
    return Reply(200, {listing.key: items, "links": {"pages": pages} if pages else {}, "meta": {"total": total}})
