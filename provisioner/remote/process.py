"""Child processes: own session, a deadline, capped output, no shell, and an eye on the controller meanwhile."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from typing import IO, Callable, Mapping, NamedTuple, Optional, Protocol, Sequence

from provisioner.remote.cancel import TimedOut
from provisioner.remote.sdk import Cancelled, Completed

OUTPUT_LIMIT = 1 << 20  # bytes kept of each stream: the first and the last half
TERM_GRACE = 5.0  # seconds between SIGTERM and SIGKILL
ORPHAN_BOUND = 3600.0  # seconds a task without a deadline may go on after the controller is gone
DRAIN = 0.2  # seconds for output that a finished process (or a daemon it left) still has in the pipe
SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


class Watch(Protocol):
    """What `run` keeps an eye on; the real one is `channel.Channel`."""

    @property
    def ended(self) -> bool: ...
    @property
    def cancelled(self) -> bool: ...
    def fileno(self) -> int: ...
    def pump(self) -> None: ...


class Order(NamedTuple):
    """One process to run. deadline: `time.monotonic()` when the task is over; timeout: seconds for this process."""

    argv: "Sequence[str]"
    env: "Mapping[str, str]"
    input: "Optional[bytes]" = None
    cwd: Optional[str] = None
    timeout: Optional[float] = None
    deadline: Optional[float] = None
    umask: Optional[int] = None
    limit: int = OUTPUT_LIMIT


class Overdue(Exception):
    """The process took longer than its own `timeout`; `completed` is what it said until then."""

    def __init__(self, completed: Completed) -> None:
        super().__init__("timeout")
        self.completed = completed


class Capture:
    """The head and the tail of a stream, never more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._lost = 0

    def add(self, data: bytes) -> None:
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        if len(self._tail) > 2 * self._half:
            self._trim()

    def _trim(self) -> None:
        over = len(self._tail) - self._half
        if over > 0:
            self._lost += over
            del self._tail[:over]

    @property
    def truncated(self) -> bool:
        self._trim()
        return self._lost > 0

    def text(self) -> str:
        between = b"\n[... %d bytes left out ...]\n" % self._lost if self.truncated else b""
        return bytes(self._head + between + self._tail).decode("utf-8", "backslashreplace")


def find_program(name: str, env: "Mapping[str, str]", cwd: Optional[str] = None) -> Optional[str]:
    """The program's path as the child would find it; the system's own directories are looked at last."""
    if "/" in name:
        return name if os.path.exists(os.path.join(cwd or "", name)) else None
    for folder in (*env.get("PATH", "").split(":"), *SYSTEM_PATH):
        path = os.path.join(folder, name)
        if folder.startswith("/") and _executable(path):
            return path
    return None


def _executable(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def describe(rc: int) -> str:
    """An exit status in words."""
    if rc >= 0:
        return "exit status %d" % rc
    try:
        return "killed by %s" % signal.Signals(-rc).name
    except ValueError:
        return "killed by signal %d" % -rc


def run(order: Order, watch: Watch, on_output: "Callable[[str, bytes], None]") -> Completed:
    """Run it to the end. Raises Overdue, TimedOut, Cancelled: then the whole process group is gone."""
    program = find_program(order.argv[0], order.env, order.cwd)
    if program is None:
        return Completed(127, "", "%s: command not found\n" % order.argv[0], tuple(order.argv))
    try:
        child = subprocess.Popen(
            order.argv, executable=program, env=dict(order.env), cwd=order.cwd,
            stdin=subprocess.DEVNULL if order.input is None else subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
            start_new_session=True,  # its own group to end, and no terminal to ask passwords on
            umask=-1 if order.umask is None else order.umask,
        )  # fmt: skip
    except OSError as error:
        if order.cwd is not None and error.filename == order.cwd:
            raise
        return Completed(126, "", "%s: %s\n" % (order.argv[0], error.strerror), tuple(order.argv))
    return _Supervision(child, order, watch, on_output).finish()


class _Supervision:
    """One running child, from start to the end of its group."""

    def __init__(self, child: "subprocess.Popen[bytes]", order: Order, watch: Watch,
                 on_output: "Callable[[str, bytes], None]") -> None:
        self.child = child
        self.order = order
        self.watch = watch
        self.on_output = on_output
        self.captures = {"stdout": Capture(order.limit), "stderr": Capture(order.limit)}
        self.poll = select.poll()
        self.streams: "dict[int, tuple[str, IO[bytes]]]" = {}
        self.pending = memoryview(order.input or b"")
        self.started = time.monotonic()
        self.orphaned: Optional[float] = None
        self.pidfd = _pidfd(child.pid)

    def finish(self) -> Completed:
        try:
            self._register()
            while not self._exited():
                self._step()
            self._drain()
        except BaseException as error:
            self._end_group()
            if isinstance(error, TimedOut):
                done = self._completed(self.child.returncode)
                error.data = {"rc": done.rc, "stdout": done.stdout, "stderr": done.stderr, "cmd": list(done.argv)}
            raise
        finally:
            self._close()
        return self._completed(self.child.wait())

    def _register(self) -> None:
        for name, stream in (("stdout", self.child.stdout), ("stderr", self.child.stderr)):
            assert stream is not None
            os.set_blocking(stream.fileno(), False)
            self.streams[stream.fileno()] = (name, stream)
            self.poll.register(stream.fileno(), select.POLLIN)
        if self.child.stdin is not None:
            os.set_blocking(self.child.stdin.fileno(), False)
            self.poll.register(self.child.stdin.fileno(), select.POLLOUT)
        if self.pidfd >= 0:
            self.poll.register(self.pidfd, select.POLLIN)
        if self.watch.fileno() >= 0:
            self.poll.register(self.watch.fileno(), select.POLLIN)

    def _exited(self) -> bool:
        if self.pidfd >= 0:  # not reaped yet, so its number still stands for its group
            return os.waitid(os.P_PID, self.child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        return self.child.poll() is not None

    def _step(self) -> None:
        watched = self.watch.fileno()
        events = self.poll.poll(self._patience() * 1000)
        for fd, _ in events:
            if fd in self.streams:
                self._read(fd)
            elif self.child.stdin is not None and not self.child.stdin.closed and fd == self.child.stdin.fileno():
                self._feed(self.child.stdin)
        self.watch.pump()  # also sends the `begin` that announced us
        if self.watch.ended and watched >= 0:
            self.poll.unregister(watched)
        self._check_limits()

    def _patience(self) -> float:
        """Seconds to wait for something to happen."""
        now = time.monotonic()
        limits = [limit for limit in self._limits() if limit is not None]
        nap = 0.05 if self.pidfd < 0 or now - self.started < 0.1 else 60.0  # soon after the start `begin` wants out
        return max(0.0, min([nap] + [limit - now for limit in limits]))

    def _limits(self) -> "tuple[Optional[float], Optional[float], Optional[float]]":
        own = None if self.order.timeout is None else self.started + self.order.timeout
        orphan = None if self.orphaned is None or self.order.deadline is not None else self.orphaned + ORPHAN_BOUND
        return own, self.order.deadline, orphan

    def _check_limits(self) -> None:
        now = time.monotonic()
        if self.watch.cancelled:
            raise Cancelled("the run was stopped")
        if self.watch.ended and self.orphaned is None:
            self.orphaned = now
        own, deadline, orphan = self._limits()
        if deadline is not None and now >= deadline:
            raise TimedOut("the deadline of the task has passed")
        if orphan is not None and now >= orphan:
            raise Cancelled("the controller is gone")
        if own is not None and now >= own:
            self._end_group()
            raise Overdue(self._completed(self.child.wait()))

    def _read(self, fd: int) -> bool:
        name, stream = self.streams[fd]
        try:
            data = os.read(fd, 64 << 10)
        except BlockingIOError:
            return False
        if not data:
            self.poll.unregister(fd)
            del self.streams[fd]
            stream.close()
            return False
        self.captures[name].add(data)
        self.on_output(name, data)
        return True

    def _feed(self, stdin: "IO[bytes]") -> None:
        try:
            if self.pending:
                self.pending = self.pending[os.write(stdin.fileno(), self.pending[: 64 << 10]):]
        except BlockingIOError:
            return
        except OSError:  # it does not want to read: its own affair
            self.pending = memoryview(b"")
        if not self.pending:
            self.poll.unregister(stdin.fileno())
            stdin.close()

    def _drain(self) -> None:
        """What is still in the pipes. A daemon that keeps them open is not waited for."""
        until = time.monotonic() + DRAIN
        while self.streams and time.monotonic() < until:
            progress = [self._read(fd) for fd in list(self.streams)]  # each of them, whatever the first says
            if not any(progress):
                return

    def _end_group(self) -> None:
        """SIGTERM to the whole group, SIGKILL to what is left of it. Once is enough."""
        if self.child.returncode is not None:
            return
        _signal_group(self.child.pid, signal.SIGTERM)
        until = time.monotonic() + TERM_GRACE
        while not self._exited() and time.monotonic() < until:
            time.sleep(0.01)
            for fd in list(self.streams):
                self._read(fd)
        _signal_group(self.child.pid, signal.SIGKILL)
        try:
            self.child.wait(timeout=TERM_GRACE)
        except subprocess.TimeoutExpired:  # in the kernel's hands, or somebody else's process: it can't hold us up
            self.child.returncode = -signal.SIGKILL

    def _close(self) -> None:
        for stream in (self.child.stdin, self.child.stdout, self.child.stderr):
            if stream is not None:
                stream.close()
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1

    def _completed(self, rc: int) -> Completed:
        out, err = self.captures["stdout"], self.captures["stderr"]
        return Completed(rc, out.text(), err.text(), tuple(self.order.argv), out.truncated or err.truncated)


def _pidfd(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # Linux before 5.3
        return -1


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # the latter: all of it is somebody else's (sudo)
        os.killpg(group, number)
