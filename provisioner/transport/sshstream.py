"""A program's input and output over an SSH channel."""

from __future__ import annotations

import contextlib
import time

import paramiko

from provisioner.transport.connection import StreamLost, Tail

GONE = (paramiko.SSHException, OSError, EOFError)
NO_WORD = "closed by the other side, or no answer from it"


class SshStream:
    """See `connection.Stream`. Sends only what the window takes at once, so that it never waits for a reader."""

    def __init__(self, transport: paramiko.Transport, channel: paramiko.Channel) -> None:
        self._transport = transport
        self._channel = channel
        self._queue = bytearray()
        self._errors = Tail()

    @property
    def unsent(self) -> int:
        return len(self._queue)

    def write(self, data: bytes) -> None:
        self._queue += data
        self._flush()

    def read(self, limit: int, timeout: float) -> bytes | None:
        self._flush()
        self._drain_errors()
        end = time.monotonic() + timeout
        while True:
            left = end - time.monotonic()
            # While something is queued we look often: the window may have opened.
            self._channel.settimeout(max(0.0, min(left, 0.01 if self._queue else 0.25)))
            try:
                data = self._channel.recv(limit)
            except TimeoutError:
                self._flush()
                self._drain_errors()
                if left <= 0:
                    return None
                continue
            self._drain_errors()
            if not data:
                self._check_ended()
            return data

    def stderr_tail(self) -> str:
        self._drain_errors()
        return self._errors.text()

    def exit_status(self) -> int | None:
        """paramiko gives -1 for a program that was killed: the server's `exit-signal` is not kept."""
        if not self._channel.status_event.wait(1.0):
            return None
        return self._channel.exit_status

    def close(self) -> None:
        with contextlib.suppress(*GONE):  # closing says goodbye, which fails when the connection is gone already
            self._channel.close()

    def _flush(self) -> None:
        self._channel.settimeout(0.0)
        while self._queue:
            try:
                sent = self._channel.send(bytes(memoryview(self._queue)[: 1 << 15]))
            except TimeoutError:
                return
            except OSError as error:
                if "closed" in str(error).lower():  # the reader will see the end, and why
                    self._queue.clear()
                    return
                raise StreamLost(str(error) or NO_WORD) from None
            except (paramiko.SSHException, EOFError) as error:
                raise StreamLost(str(error) or NO_WORD) from None
            del self._queue[:sent]

    def _drain_errors(self) -> None:
        while self._channel.recv_stderr_ready():
            self._errors.add(self._channel.recv_stderr(1 << 16))

    def _check_ended(self) -> None:
        """Raise unless the program ended by itself: a dying connection closes its channels before it says so."""
        if self._channel.eof_received or (self._channel.exit_status_ready() and self._channel.exit_status != -1):
            return
        reason = self._transport.get_exception()
        raise StreamLost(str(reason or "") or NO_WORD)
