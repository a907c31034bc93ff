"""Clients of one web address, as a program of its own that writes down what came of every request.

    python -m provisioner.testing.traffic ADDRESS [--clients 20] [--pause 0.3] [--large 0.05]

Half of the clients keep their connection, 30 % of the requests are POST, a tenth takes 1.5 s. Nothing is ever tried
twice. As every client that keeps connections, these look whether the server has closed one before they use it again.
One line of JSON per request (`Answer`), until standard input ends; then a line with what the program itself cost
(`Cost`). A process of its own, so that nothing else keeps it from asking in time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import select
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TextIO

TIMEOUT = 30.0
TICK = 0.05
BODY = b"x" * 1000
SLOW = "/api/slow?ms=1500"


@dataclass(frozen=True, slots=True)
class Answer:
    """Seconds of the machine's monotonic clock; `build` as the header `x-build` or the health page names it."""

    request: str
    began: float
    ended: float
    build: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What the program used of one processor, from 0 to 1, and the longest time that it was late, in seconds."""

    share: float
    late: float


class Broken(Exception):
    """The answer is not what HTTP or the app promise."""


@dataclass(slots=True)
class Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def is_usable(self) -> bool:
        """False once the server has closed the idle connection: then there is an end to read."""
        if self.reader.at_eof() or self.writer.is_closing():
            return False
        return not select.select([self.writer.get_extra_info("socket").fileno()], [], [], 0)[0]

    async def ask(self, method: str, path: str, host: str, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers by their small names, and the whole body."""
        head = [f"{method} {path} HTTP/1.1", f"Host: {host}", "User-Agent: traffic", "Accept: */*"]
        if method == "POST":
            head += ["Content-Type: text/plain", f"Content-Length: {len(body)}"]
        self.writer.write("\r\n".join([*head, "", ""]).encode() + body)
        await self.writer.drain()
        status, headers = await self._head()
        return status, headers, await self._body(headers)

    async def _head(self) -> tuple[int, Mapping[str, str]]:
        text = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = text.rstrip().split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return int(first.split()[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}

    async def _body(self, headers: Mapping[str, str]) -> bytes:
        if "content-length" in headers:
            return await self.reader.readexactly(int(headers["content-length"]))
        if headers.get("transfer-encoding", "").lower() != "chunked":
            raise Broken("an answer without a length")
        body = b""
        while size := int((await self.reader.readuntil(b"\r\n")).partition(b";")[0], 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readuntil(b"\r\n")
        return body

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


@dataclass(slots=True)
class Client:
    """One client: asks, notes, pauses. `large` is the share of requests for a large page, of those that are GET."""

    address: str
    number: int
    pause: float
    large: float
    dice: random.Random = field(init=False)
    kept: Connection | None = None

    def __post_init__(self) -> None:
        self.dice = random.Random(self.number)  # noqa: S311 - no secret

    async def answers(self, over: asyncio.Event) -> AsyncIterator[Answer]:
        while not over.is_set():
            yield await self._answer(*self._choice())
            await _sleep(self.pause * self.dice.random() * 2, over)
        if self.kept:
            await self.kept.close()

    def _choice(self) -> tuple[str, str]:
        kind = self.dice.random()
        if kind < 0.3:
            return "POST", "/api/echo"
        if kind < 0.4:
            return "GET", SLOW
        return "GET", "/api/large" if self.dice.random() < self.large else "/api/health"

    async def _answer(self, method: str, path: str) -> Answer:
        words = f"{method} {path}"
        began, build, problem, keeps = time.monotonic(), None, None, False
        try:
            async with asyncio.timeout(TIMEOUT):
                words += " on a kept connection" if await self._is_kept() else ""
                connection = self.kept = self.kept or await self._connect()
                status, headers, body = await connection.ask(
                    method, path, self.address, BODY if method == "POST" else b""
                )
            keeps = self.number % 2 == 0 and headers.get("connection", "").lower() != "close"
            problem = _problem(method, path, status, body)
            build = headers.get("x-build") or (_named(body) if path == "/api/health" and not problem else None)
        except (OSError, EOFError, TimeoutError, ValueError, Broken) as error:
            problem = f"{type(error).__name__}: {error}".rstrip(": ")
        if self.kept and (problem or not keeps):
            await self.kept.close()
            self.kept = None
        return Answer(words, began, time.monotonic(), build, problem)

    async def _is_kept(self) -> bool:
        if self.kept and not self.kept.is_usable():
            await self.kept.close()
            self.kept = None
        return self.kept is not None

    async def _connect(self) -> Connection:
        host, _, port = self.address.partition(":")
        return Connection(*await asyncio.open_connection(host, int(port or 80)))


def _problem(method: str, path: str, status: int, body: bytes) -> str | None:
    if status != 200:
        return f"status {status}"
    if method == "POST" and body != BODY:
        return f"{len(body)} bytes come back of {len(BODY)}"
    return None


def _named(body: bytes) -> str:
    return str(json.loads(body)["build"])


async def _sleep(seconds: float, over: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(over.wait(), seconds)


async def traffic(address: str, over: asyncio.Event, out: TextIO, *, clients: int, pause: float, large: float) -> None:
    """Ask until `over`, then let every request that is running have its answer."""
    late = 0.0

    async def work(client: Client) -> None:
        async for answer in client.answers(over):
            out.write(json.dumps(asdict(answer)) + "\n")

    async def watch() -> None:
        nonlocal late
        while not over.is_set():
            planned = time.monotonic() + TICK
            await asyncio.sleep(TICK)
            late = max(late, time.monotonic() - planned)
            out.flush()

    began, used = time.monotonic(), time.process_time()
    await asyncio.gather(watch(), *(work(Client(address, number, pause, large)) for number in range(clients)))
    share = (time.process_time() - used) / max(time.monotonic() - began, 0.001)
    out.write(json.dumps(asdict(Cost(round(share, 3), round(late, 3)))) + "\n")
    out.flush()


async def _until_input_ends(options: argparse.Namespace) -> None:
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, over.set)
    await traffic(
        options.address, over, sys.stdout, clients=options.clients, pause=options.pause, large=options.large
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Clients of a web address; see the head of the source.")
    parser.add_argument("address")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--pause", type=float, default=0.3, help="seconds between requests, on the average")
    parser.add_argument("--large", type=float, default=0.0, help="share of the GETs that ask for /api/large")
    options = parser.parse_args()
    asyncio.run(_until_input_ends(options))


if __name__ == "__main__":
    main()
