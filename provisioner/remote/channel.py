"""The runner's end of the protocol: never blocks on writing while the controller writes, sees `cancel` early.

Frames are read whenever anything waits, also while a child process runs (`process` polls `fileno()` and calls
`pump`). So the controller may send a whole segment before it reads a single result.
"""

from __future__ import annotations

import os
import select
import time
from collections import deque
from typing import Any, Callable, Mapping, Optional

from provisioner.remote.sdk import Cancelled
from provisioner.remote.wire import Decoder, Frame, encode

READ_SIZE = 256 << 10
BATCH = 32 << 10  # bytes of results that are worth a write of their own
PROMPT = 0.05  # seconds an answer may wait for company
CONGESTED = 1 << 20  # unsent bytes above which live output is dropped


class Channel:
    """Frames from and to the controller over two descriptors.

    arrived: sees `code` and `task` frames when they are read, before their turn.
    ended: the controller is gone; nothing can be read or sent any more.
    cancelled: the running segment shall stop; reset by `segment_over`.
    """

    def __init__(self, source: int, sink: int, arrived: "Callable[[Frame], None]") -> None:
        self._arrived = arrived
        self._source = source
        self._sink = sink
        self._decoder = Decoder()
        self._queue: "deque[Frame]" = deque()
        self._blobs: "deque[Frame]" = deque()
        self._owed = 0  # contents asked for that have not come to their end
        self._dropped = 0  # how many of them nobody waits for any more
        self._out = bytearray()
        self._flushed = time.monotonic()
        self._dropping = False
        self._tasks_since_seal = 0
        self.in_segment = False
        self.ended = False
        self.cancelled = False
        os.set_blocking(sink, False)

    def feed(self, data: bytes) -> None:
        """Bytes that somebody else has read from the source already."""
        self._decoder.feed(data)
        self._sort()

    # -- up -------------------------------------------------------------------------------------------------
    def send(self, header: "Mapping[str, Any]", body: bytes = b"") -> None:
        """Queue a frame; it leaves with the next `flush`, or by itself when enough has gathered."""
        if self.ended:
            return
        self._out += encode(header, body)
        if len(self._out) >= BATCH or time.monotonic() - self._flushed > PROMPT:
            self._write()

    def want(self, header: "Mapping[str, Any]") -> None:
        """Ask for content; `next_blob` gives what comes, in the order of asking."""
        self._owed += 1
        self.send(header)

    def forget_blobs(self) -> None:
        """The task is over: what it asked for and did not read is dropped, also what is still on its way."""
        self._blobs.clear()
        self._dropped = self._owed

    def send_live(self, header: "Mapping[str, Any]", body: bytes) -> None:
        """A frame that may be lost when the link can't keep up."""
        if len(self._out) < CONGESTED:
            self.send(header, body)
            self._write()

    def send_bulk(self, header: "Mapping[str, Any]", body: bytes) -> None:
        """A frame of many; waits until the link has taken what came before it."""
        self.send(header, body)
        while len(self._out) > CONGESTED and not self.ended:
            self._wait(None)
            self._check()

    def flush(self) -> None:
        """Wait until everything is sent (reading meanwhile)."""
        self._write()
        while self._out and not self.ended:
            self._wait(None)

    def tick(self) -> None:
        """Called now and then by long work: sends what waits too long and notices `cancel`."""
        if time.monotonic() - self._flushed > PROMPT:
            self.pump()
            self._check()

    # -- down ---------------------------------------------------------------------------------------------
    def fileno(self) -> int:
        """The descriptor to poll for input, -1 when there is none any more."""
        return -1 if self.ended else self._source

    def pump(self) -> None:
        """Take in what waits and send what can be sent, without waiting."""
        self._write()
        while not self.ended and self._readable():
            self._read()

    def next(self) -> Optional[Frame]:
        """The next frame for the runner; waits for it. None when the controller is gone."""
        if not self.ended and self._readable():
            self._read()  # a `cancel` may stand behind the tasks
        if not self._queue:
            self._write()
        while not self._queue and not self.ended:
            self._wait(None)
        return self._queue.popleft() if self._queue and not self.ended else None

    def wait_until(self, arrived: "Callable[[], bool]") -> None:
        """Read until `arrived()`. Raises Cancelled when that can't happen any more."""
        self._write()
        while not arrived():
            if self.ended:
                raise Cancelled("the controller is gone")
            self._check()
            self._wait(None)

    def next_blob(self) -> Frame:
        """The next `blob` frame while something was asked for by `want`."""
        self.wait_until(lambda: bool(self._blobs))
        return self._blobs.popleft()

    def segment_over(self) -> None:
        self.in_segment = False
        self.cancelled = False

    # -- inside -------------------------------------------------------------------------------------------
    def _check(self) -> None:
        if self.cancelled:
            raise Cancelled("the run was stopped")

    def _readable(self) -> bool:
        poll = select.poll()
        poll.register(self._source, select.POLLIN)
        return bool(poll.poll(0))

    def _wait(self, timeout: "Optional[float]") -> None:
        poll = select.poll()
        poll.register(self._source, select.POLLIN)
        if self._out:
            poll.register(self._sink, select.POLLOUT | (select.POLLIN if self._sink == self._source else 0))
        for fd, event in poll.poll(None if timeout is None else timeout * 1000):
            if fd == self._sink and event & (select.POLLOUT | select.POLLERR | select.POLLHUP):
                self._write()
            if fd == self._source and not self.ended:
                self._read()

    def _read(self) -> None:
        try:
            data = os.read(self._source, READ_SIZE)
        except BlockingIOError:  # a terminal: source and sink are one description
            return
        except OSError:
            data = b""  # a terminal whose other end is gone says EIO
        if not data:
            self.ended = True
            return
        self._decoder.feed(data)
        self._sort()

    def _sort(self) -> None:
        for frame in self._decoder.frames():
            kind = frame.kind
            if kind == "cancel":
                self._cancel(finish=bool(frame.header.get("finish")))
            elif kind == "blob":
                self._blob(frame)
            elif kind == "code":
                self._arrived(frame)
            elif kind == "task":
                if not self._dropping:
                    self._tasks_since_seal += 1
                    self._queue.append(frame)
                    self._arrived(frame)
            else:
                if kind == "seal":
                    self._tasks_since_seal = 0
                    self._dropping = False
                self._queue.append(frame)

    def _blob(self, frame: Frame) -> None:
        if not self._dropped:
            self._blobs.append(frame)
        if not frame.header.get("more"):
            self._owed = max(0, self._owed - 1)
            self._dropped = max(0, self._dropped - 1)

    def _cancel(self, *, finish: bool) -> None:
        """Stop the segments that were sent before this frame, never one that comes after it."""
        if not finish and (self.in_segment or any(frame.kind == "task" for frame in self._queue)):
            self.cancelled = True
        self._dropping = self._tasks_since_seal > 0
        self._queue = deque(frame for frame in self._queue if frame.kind != "task")

    def _write(self) -> None:
        self._flushed = time.monotonic()
        try:
            while self._out:
                with memoryview(self._out) as view:
                    sent = os.write(self._sink, view[: 1 << 18])
                del self._out[:sent]
        except BlockingIOError:
            return
        except OSError:  # EPIPE: the controller is gone; the running task goes on all the same
            self._out.clear()
            self.ended = True

