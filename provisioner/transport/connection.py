"""The two seams of the transport: a connection to a host, and a byte stream to one program on it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds after which a wait is given up. `connect` comes from the target; each of the others bounds one phase."""

    restart: float = 2.0
    """How long a host that refuses connections is asked again: its sshd may be about to restart."""
    banner: float = 15.0
    key_exchange: float = 15.0
    authentication: float = 30.0
    channel: float = 15.0
    handshake: float = 30.0
    """From the command's start to the runner's hello: two or three round trips and Python's start."""
    become: float = 4.0
    """How long sudo may be silent after it asked something."""
    grace: float = 15.0
    """What a call may take longer than its own timeout before the host is given up: the runner ends it by itself."""
    probe: float = 30.0
    """Silence after which an SSH server is asked whether it is still there; it has as long to answer."""


@dataclass(frozen=True, slots=True)
class Liveness:
    """TCP keepalive of our own sockets. A dead peer is noticed after `idle + interval * count` seconds.

    paramiko's keepalive sends but never looks for an answer, so it cannot be used for this.
    """

    idle: int = 3
    interval: int = 3
    count: int = 3

    @property
    def total(self) -> int:
        return self.idle + self.interval * self.count


class StreamLost(Exception):
    """The connection under a stream died: nothing is known about what the program did."""


class NoMoreSessions(Exception):
    """The SSH server refuses a further program on this connection (MaxSessions)."""


class Stream(Protocol):
    """Standard input and output of a program on the host. Used by one thread, but for `close`.

    Reading and writing are one pump: `write` queues and never blocks, `read` moves bytes both ways while it waits.
    A reader that keeps reading can therefore never dead-lock against a program that is not reading.
    """

    def read(self, limit: int, timeout: float) -> bytes | None:
        """Up to `limit` bytes; b"" at the end of the stream; None when nothing came in `timeout` seconds.

        Raises `StreamLost` when the connection is gone.
        """
        ...

    def write(self, data: bytes) -> None: ...

    @property
    def unsent(self) -> int:
        """Bytes that are queued; whoever sends much should keep this small."""
        ...

    def stderr_tail(self) -> str:
        """The last 16 KiB of standard error (with a pty: nothing, it is in the output)."""
        ...

    def exit_status(self) -> int | None:
        """After the end of the stream: the program's exit status, negative for a signal, None when it is not known."""
        ...

    def close(self) -> None:
        """Both directions, at once. The program sees the end of its input. May be called twice, and by any thread."""
        ...


class Connection(Protocol):
    """A verified and authenticated connection to one host. `user` is who one is there without `become`."""

    user: str

    def open_stream(self, command: str, *, pty: bool = False) -> Stream:
        """Start `command` (text for a POSIX shell). pty: with a terminal; the command must make it raw by itself.

        Raises `NoMoreSessions` or `StreamLost`.
        """
        ...

    def probe(self, timeout: float) -> None:
        """Ask the other side whether it is still there; raises `StreamLost` if it does not say so in `timeout` s."""
        ...

    @property
    def alive(self) -> bool: ...

    def close(self) -> None: ...


class Deadline:
    """A point in time. `left` never goes below zero."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    @property
    def passed(self) -> bool:
        return self.left <= 0


@dataclass(slots=True)
class Fired:
    """Whether a guard had to act."""

    yes: bool = False


@contextmanager
def guard(seconds: float, action: Callable[[], None]) -> Iterator[Fired]:
    """Call `action` (from another thread) if the block is not left in time: for waits that take no timeout."""
    fired = Fired()

    def fire() -> None:
        fired.yes = True
        action()

    timer = threading.Timer(seconds, fire)
    timer.daemon = True
    timer.start()
    try:
        yield fired
    finally:
        timer.cancel()


class Tail:
    """The last bytes of a stream that nobody keeps."""

    def __init__(self, limit: int = 16 << 10) -> None:
        self._limit = limit
        self._kept = b""

    def add(self, data: bytes) -> None:
        self._kept = (self._kept + data)[-self._limit:]

    def text(self) -> str:
        return self._kept.decode("utf-8", "backslashreplace")
