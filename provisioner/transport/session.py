"""One host's work: a thread that opens the connection when it is needed and runs segments one after the other.

Nothing here waits without a deadline, but for a running call whose task has none: that ends with the call, with
`cancel`, or when the connection is found dead.
"""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from provisioner.diag import BecomeFailed, HostFailed, HostLost, HostUnreachable, Interrupted, ProvisionError
from provisioner.messages import (
    Become,
    CallEnded,
    CallId,
    Input,
    ModuleCall,
    Segment,
    SegmentEnded,
    SegmentLost,
    Target,
)
from provisioner.transport import bootstrap
from provisioner.transport.bundle import Bundle
from provisioner.transport.channel import RunnerChannel
from provisioner.transport.connection import Connection, Deadlines, NoMoreSessions, StreamLost
from provisioner.transport.watch import Stage, Watch
from provisioner.values import HostName


class Shared(Protocol):
    """What the sessions of a run have in common; `pool.SessionPool` is the real one."""

    deadlines: Deadlines
    slots: threading.Semaphore
    """Hosts at work at once (`forks`)."""

    def connect(self, target: Target) -> Connection: ...
    def bundle(self) -> Bundle: ...


@dataclass(slots=True)
class _Job:
    """A segment, and who is told what happens to it. `reply` is set for `call` only."""

    host: HostName
    segment: Segment
    reply: _Reply | None = None


@dataclass(slots=True)
class _Reply:
    """The result of a `call`, for the thread that waits for it."""

    done: threading.Event = field(default_factory=threading.Event)
    result: Mapping[str, Any] | None = None
    error: BaseException | None = None


class HostSession:
    """Phases: made; `submit`/`call` any number of times, from any thread; `close`. Equal targets share one."""

    def __init__(self, target: Target, post: Callable[[Input], None], shared: Shared) -> None:
        self.target = target
        self.round_trips = 0
        """Segments sent so far."""
        self._post = post
        self._shared = shared
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._cancels = 0
        self._next_id = -1
        self._work = _Work(target, shared)

    # -- any thread -------------------------------------------------------------------------------------------
    def submit(self, host: HostName, segment: Segment) -> None:
        """Queue a segment; what becomes of it is posted, ending with `SegmentEnded` or `SegmentLost`."""
        self._enqueue(_Job(host, segment))

    def call(self, call: ModuleCall, become: Become | None = None) -> Mapping[str, Any]:
        """Run one module and wait for its result. Raises `HostUnreachable`, `HostFailed`, `ProtocolError`."""
        with self._lock:
            number, self._next_id = self._next_id, self._next_id - 1
        job = _Job(self.target.host, Segment(number, (replace(call, id=CallId(number)),), become), _Reply())
        self._enqueue(job)
        assert job.reply is not None
        job.reply.done.wait()
        if job.reply.error is not None:
            raise job.reply.error
        assert job.reply.result is not None
        return job.reply.result

    def cancel(self) -> None:
        """Once: the running call ends by itself and nothing follows it. Twice: the running call is ended too."""
        self._cancels += 1

    def close(self, timeout: float = 10.0) -> None:
        """Say goodbye and hang up. A call that runs is left to end by itself on the host; nothing runs after it."""
        with self._lock:
            self._closing = True
            thread = self._thread
        self._jobs.put(None)
        if thread is not None:
            thread.join(timeout)
            if thread.is_alive():
                self._work.hang_up()
                thread.join(timeout)

    def _enqueue(self, job: _Job) -> None:
        with self._lock:
            if self._closing:
                raise Interrupted(f"The session with {self.target.host} is closed")
            self._jobs.put(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name=f"session {self.target.host}", daemon=True)
                self._thread.start()

    # -- the session's thread ---------------------------------------------------------------------------------
    def _serve(self) -> None:
        try:
            while (job := self._jobs.get()) is not None:
                self._do(job)
        finally:
            self._work.goodbye()

    def _do(self, job: _Job) -> None:
        try:
            if self._cancels or self._closing:
                raise Interrupted("The run was stopped before this was sent")
            with self._shared.slots:
                self._work.run(job.segment, self._teller(job), self._stage)
                self.round_trips += 1
        except ProvisionError as error:
            self._lost(job, error)
        except Exception as error:  # a bug of ours
            # The engine must not wait for ever for this host, and the traceback must be seen.
            threading.excepthook(threading.ExceptHookArgs((type(error), error, error.__traceback__, self._thread)))
            self._lost(job, HostFailed(f"Internal error in the session with {self.target.host}: {error!r}"))
        else:
            if job.reply is None:
                self._post(SegmentEnded(job.host, job.segment.id))
            elif not job.reply.done.is_set():
                job.reply.error = Interrupted("The run was stopped")
                job.reply.done.set()

    def _stage(self) -> Stage:
        return Stage.CLOSED if self._closing else Stage(min(self._cancels, 2))

    def _teller(self, job: _Job) -> Callable[[Input], None]:
        if job.reply is None:
            return self._post

        def tell(event: Input) -> None:
            if isinstance(event, CallEnded) and job.reply is not None:
                job.reply.result = event.result
                job.reply.done.set()

        return tell

    def _lost(self, job: _Job, error: ProvisionError) -> None:
        if job.reply is not None:
            job.reply.error = error
            job.reply.done.set()
        else:
            self._post(SegmentLost(job.host, job.segment.id, error.message,
                                   isinstance(error, HostUnreachable | Interrupted), error.hint))


class _Work:
    """The connection and the runners of one host; used by the session's thread only, but for `hang_up`."""

    def __init__(self, target: Target, shared: Shared) -> None:
        self._target = target
        self._shared = shared
        self._connections: list[Connection] = []
        self._channels: dict[Become | None, RunnerChannel] = {}
        self._refused: dict[Become, BecomeFailed] = {}
        self._python = target.python

    def run(self, segment: Segment, tell: Callable[[Input], None], stage: Callable[[], Stage]) -> None:
        """Run a segment to its end. Raises `ProvisionError` when it could not be (fully) run."""
        self._connect()
        become = self._needed(segment.become)
        channel = self._channel(become)
        watch = Watch(self._target.host, channel, segment, tell, stage, self._shared.deadlines, self._probe)
        try:
            watch.until_sealed()
        except HostLost:
            self.hang_up()
            raise
        except BaseException:
            self._drop(become)
            raise

    def hang_up(self) -> None:
        """Close everything at once; a waiting read in the session's thread ends."""
        connections, channels, self._connections, self._channels = self._connections, self._channels, [], {}
        for channel in channels.values():
            channel.close()
        for connection in connections:
            connection.close()

    def goodbye(self) -> None:
        for channel in self._channels.values():
            with contextlib.suppress(StreamLost):  # gone already, which is all that is wanted
                channel.goodbye()
        self.hang_up()

    def _drop(self, become: Become | None) -> None:
        channel = self._channels.pop(become, None)
        if channel is not None:
            channel.close()

    def _probe(self, timeout: float) -> None:
        for connection in self._connections:
            connection.probe(timeout)

    def _connect(self) -> None:
        if self._connections and not all(connection.alive for connection in self._connections):
            self.hang_up()
        if not self._connections:
            self._connections.append(self._shared.connect(self._target))

    def _needed(self, become: Become | None) -> Become | None:
        """None for the user one is already: no second runner, and no sudo needed."""
        if become is not None and become.method == "sudo" and become.user == self._connections[0].user:
            return None
        return become

    def _channel(self, become: Become | None) -> RunnerChannel:
        if become is not None and become in self._refused:
            raise self._refused[become]
        channel = self._channels.get(become)
        if channel is not None and channel.is_over():  # killed while it had nothing to do: nothing is lost
            self._drop(become)
            channel = None
        if channel is None:
            channel = self._channels[become] = self._start(become)
        return channel

    def _start(self, become: Become | None) -> RunnerChannel:
        bundle = self._shared.bundle()
        try:
            try:
                started = self._bootstrap(self._connections[-1], bundle, become)
            except NoMoreSessions:
                if not self._channels:
                    raise
                # MaxSessions 1: a second user needs a connection of their own.
                self._connections.append(self._shared.connect(self._target))
                started = self._bootstrap(self._connections[-1], bundle, become)
        except BecomeFailed as refused:
            if become is not None:
                self._refused[become] = refused  # never a second password
            raise
        except NoMoreSessions as error:
            raise HostUnreachable(str(error), hint="raise MaxSessions in the host's sshd_config") from None
        return RunnerChannel(started.stream, bundle, started.have, started.rest, self._target.environment, become)

    def _bootstrap(self, connection: Connection, bundle: Bundle, become: Become | None) -> bootstrap.Started:
        python = self._python
        if self._target.connection == "local" and python in (None, sys.executable):
            python = None if become else sys.executable  # as good as any, but another user may not reach it
        started = bootstrap.start(connection, bundle, self._target.host, python=python, become=become,
                                  deadlines=self._shared.deadlines)
        if python is None:
            self._python = started.python  # found by a search, which need not be done again
        return started
