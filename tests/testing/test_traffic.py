"""The clients of the load beside a small server that misbehaves."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from provisioner.testing.traffic import Answer, traffic

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


def seen(serve: Serve, *, clients: int = 2, requests: int = 10) -> list[Answer]:
    """What two clients, one of them with a kept connection, write down about a server."""

    async def run() -> str:
        over, out = asyncio.Event(), Enough(requests)
        out.over = over
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        address = "{}:{}".format(*server.sockets[0].getsockname())
        await traffic(address, over, out, clients=clients, pause=0.001, large=0.0)
        server.close()
        return out.getvalue()

    *answers, _ = map(json.loads, asyncio.run(run()).splitlines())
    return [Answer(**answer) for answer in answers]


class Enough(io.StringIO):
    """Ends the traffic after so many answers."""

    over: asyncio.Event

    def __init__(self, wanted: int) -> None:
        super().__init__()
        self.wanted = wanted

    def write(self, text: str) -> int:
        self.wanted -= 1
        if self.wanted == 0:
            self.over.set()
        return super().write(text)


async def one_request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """The method, and the body; raises EOFError when there is no request."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = int(head.lower().partition("content-length:")[2].split()[0]) if "Content-Length" in head else 0
    return head.split()[0], await reader.readexactly(length)


def served(answer: Callable[[str, bytes], bytes], *, keeps: bool = True) -> Serve:
    """A server that sends these bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(answer(*await one_request(reader)))
                if not keeps:
                    break
        except (EOFError, ConnectionError):
            pass
        writer.close()

    return serve


def whole(method: str, body: bytes) -> bytes:
    text = body if method == "POST" else b'{"build": "one"}'
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-Build: one\r\n\r\n%s" % (len(text), text)


def chunked(method: str, body: bytes) -> bytes:
    text = body if method == "POST" else b'{"build": "one"}'
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(text), text)


@pytest.mark.parametrize("answer", [whole, chunked])
def test_whole_answers_are_written_down_with_their_build(answer: Callable[[str, bytes], bytes]) -> None:
    found = seen(served(answer), requests=30)
    assert [one.problem for one in found] == [None] * len(found)
    assert {one.build for one in found if "health" in one.request} == {"one"}
    assert {one.request.split()[0] for one in found} == {"GET", "POST"}
    assert any("on a kept connection" in one.request for one in found)
    assert all(one.ended >= one.began for one in found)


def test_a_closed_connection_is_noticed_before_it_is_used_again() -> None:
    found = seen(served(whole, keeps=False))
    assert [one.problem for one in found] == [None] * len(found)
    assert not any("on a kept connection" in one.request for one in found)


@pytest.mark.parametrize(("answer", "words"), [
    (lambda method, body: b"HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n", "status 502"),
    (lambda method, body: b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\ncut", "IncompleteReadError"),
    (lambda method, body: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ncut", "IncompleteReadError"),
    (lambda method, body: b"", "IncompleteReadError"),
    (lambda method, body: b"HTTP/1.1 200 OK\r\n\r\nwhat", "without a length"),
])  # fmt: skip
def test_everything_else_is_a_problem(answer: Callable[[str, bytes], bytes], words: str) -> None:
    found = seen(served(answer, keeps=False))
    assert all(words in (one.problem or "") for one in found), found


def test_a_body_that_comes_back_changed_is_a_problem() -> None:
    found = seen(served(lambda method, body: whole(method, body[1:])), requests=30)
    assert {one.problem for one in found if one.request.startswith("POST")} == {"999 bytes come back of 1000"}
    assert {one.problem for one in found if one.request.startswith("GET")} == {None}


def test_nobody_there_is_a_problem() -> None:
    async def run() -> str:
        over, out = asyncio.Event(), Enough(3)
        out.over = over
        await traffic("127.0.0.1:1", over, out, clients=1, pause=0.001, large=0.0)
        return out.getvalue()

    answers = [json.loads(line) for line in asyncio.run(run()).splitlines()][:-1]
    assert all("Connect call failed" in answer["problem"] for answer in answers)
