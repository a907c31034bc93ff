"""This machine as a host: the same runner, started as a child process."""

from __future__ import annotations

import contextlib
import getpass
import os
import select
import subprocess
import threading

from provisioner.transport.connection import Deadline, Tail

_READ = 1 << 18


class LocalConnection:
    """Starts commands by /bin/sh, each in a session of its own, so that Ctrl-C reaches only the controller."""

    alive = True

    def __init__(self) -> None:
        self.user = getpass.getuser()

    def open_stream(self, command: str, *, pty: bool = False) -> LocalStream:
        """A terminal is never given: sudo on the user's own machine asks for one only by a setting of their own."""
        return LocalStream(command)

    def probe(self, timeout: float) -> None:
        """A pipe needs no question: its end is always seen."""

    def close(self) -> None:
        """Nothing is held."""


class LocalStream:
    """Pipes to a child process; see `connection.Stream`."""

    def __init__(self, command: str) -> None:
        # The login shell's part (`exec /bin/sh -c …`) is played by a shell too.
        self._process = subprocess.Popen(["/bin/sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, start_new_session=True, bufsize=0)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._stderr = self._process.stderr
        for pipe in (self._stdin, self._stdout, self._stderr):
            os.set_blocking(pipe.fileno(), False)
        self._queue = bytearray()
        self._errors = Tail()
        self._errors_open = True
        self._wake_read, self._wake_write = os.pipe()
        self._closed = threading.Event()
        self._in_use = threading.Lock()
        self._finished = False

    @property
    def unsent(self) -> int:
        return len(self._queue)

    def write(self, data: bytes) -> None:
        self._queue += data
        self._flush()

    def read(self, limit: int, timeout: float) -> bytes | None:
        with self._in_use:
            return self._read(limit, Deadline(timeout))

    def _read(self, limit: int, deadline: Deadline) -> bytes | None:
        while not self._closed.is_set():
            self._flush()
            poll = select.poll()
            poll.register(self._stdout, select.POLLIN)
            poll.register(self._wake_read, select.POLLIN)
            if self._errors_open:
                poll.register(self._stderr, select.POLLIN)
            if self._queue:
                poll.register(self._stdin, select.POLLOUT)
            ready = {fd for fd, _ in poll.poll(deadline.left * 1000)}
            if self._stderr.fileno() in ready:
                self._drain_errors()
            if self._stdout.fileno() in ready:
                data = os.read(self._stdout.fileno(), min(limit, _READ))
                if not data:
                    self._end()
                return data
            if deadline.passed:
                return None
        self._end()
        return b""

    def stderr_tail(self) -> str:
        return self._errors.text()

    def exit_status(self) -> int | None:
        try:
            return self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return None

    def close(self) -> None:
        """The child sees the end of its input. A read that waits in another thread is woken first."""
        if not self._closed.is_set():
            self._closed.set()
            with contextlib.suppress(OSError):
                os.write(self._wake_write, b"x")
            with self._in_use:
                self._end()

    def _flush(self) -> None:
        while self._queue:
            try:
                with memoryview(self._queue) as view:
                    sent = os.write(self._stdin.fileno(), view[:_READ])
            except BlockingIOError:
                return
            except (OSError, ValueError):  # the child has gone; its output will say so
                self._queue.clear()
                return
            del self._queue[:sent]

    def _drain_errors(self) -> None:
        data = os.read(self._stderr.fileno(), _READ)
        if data:
            self._errors.add(data)
        else:
            self._errors_open = False

    def _end(self) -> None:
        if self._finished:
            return
        self._finished = True
        if self._errors_open:
            with contextlib.suppress(OSError, ValueError):
                self._drain_errors()
        self._stdin.close()
        self._stdout.close()
        self._stderr.close()
        os.close(self._wake_read)
        os.close(self._wake_write)
        # The runner ends its task first, which may take long; a child that was waited for by nobody is reaped here.
        threading.Thread(target=self._process.wait, daemon=True, name="reaper").start()
