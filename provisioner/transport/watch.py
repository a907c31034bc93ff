"""Follows one segment on its way through a runner."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import IntEnum

from provisioner.diag import HostFailed, HostLost, Interrupted, ProtocolError, ProvisionError
from provisioner.messages import CallBegan, CallEnded, CallText, Input, ModuleCall, Segment
from provisioner.remote import wire
from provisioner.transport.channel import RunnerChannel, result_of
from provisioner.transport.connection import Deadlines, StreamLost
from provisioner.values import HostName

_SLICE = 0.25  # seconds between looks at cancel and close
_NOT_KNOWN = "whether it finished is not known"


class Stage(IntEnum):
    """How far the wish to stop has gone."""

    RUNNING = 0
    FINISHING = 1
    STOPPING = 2
    CLOSED = 3


class Watch:
    """Follows one segment: hands on what the host says and gives up what takes too long."""

    def __init__(self, host: HostName, channel: RunnerChannel, segment: Segment, tell: Callable[[Input], None],
                 stage: Callable[[], Stage], deadlines: Deadlines, probe: Callable[[float], None]) -> None:
        self._host = host
        self._channel = channel
        self._segment = segment
        self._tell = tell
        self._stage = stage
        self._deadlines = deadlines
        self._probe = probe
        self._calls = {int(call.id): call for call in segment.calls}
        self._left = dict(self._calls)
        self._running: ModuleCall | None = None
        self._since = self._heard = time.monotonic()
        self._told = Stage.RUNNING
        self._sinks_broken: dict[int, OSError] = {}

    def until_sealed(self) -> None:
        """Send the segment and follow it. Raises `HostLost`, or `HostFailed` and `ProtocolError` of a bad runner."""
        try:
            self._channel.send(self._segment)
            while not self._step():
                self._check_time()
        except StreamLost as lost:
            raise HostLost(f"The connection to {self._host} was lost {self._while()}: {lost}") from None

    def _step(self) -> bool:
        """Take in what came; whether the segment is over."""
        self._pass_on_cancel()
        frames = self._channel.receive(_SLICE)
        if frames is None:
            raise self._ended()
        if frames:
            self._heard = time.monotonic()
        over = False
        for frame in frames:
            over = self._handle(frame) or over
        return over

    def _handle(self, frame: wire.Frame) -> bool:
        """Whether the segment is over."""
        header = frame.header
        if frame.kind == "sealed":
            if header.get("segment") != self._segment.id:
                raise ProtocolError(f"The runner on {self._host} sealed another segment")
            return True
        if frame.kind == "crash":
            raise ProtocolError(f"The runner on {self._host} crashed {self._while()}: "
                                f"{frame.body.decode('utf-8', 'backslashreplace').strip()}")
        number = header.get("id")
        call = self._calls.get(number) if isinstance(number, int) else None
        if call is None:
            raise ProtocolError(f"The runner on {self._host} spoke of an unknown call: {frame.kind} {number!r}")
        self._handle_call(frame, call)
        return False

    def _handle_call(self, frame: wire.Frame, call: ModuleCall) -> None:
        header = frame.header
        match frame.kind:
            case "begin":
                self._running, self._since = call, time.monotonic()
                self._tell(CallBegan(self._host, self._segment.id, call.id))
            case "text":
                stream = str(header.get("stream"))
                self._tell(CallText(self._host, self._segment.id, call.id, stream, frame.body))
                if call.on_text is not None:
                    call.on_text(stream, frame.body)
            case "data":
                self._keep(call, frame.body)
            case "result":
                self._running, self._since = None, time.monotonic()
                self._left.pop(int(call.id), None)
                result = result_of(frame)
                broken = self._sinks_broken.get(int(call.id))
                if broken is not None:
                    result |= {"failed": True, "msg": f"cannot write on the controller: {broken}"}
                self._tell(CallEnded(self._host, self._segment.id, call.id, result, float(header.get("ms") or 0)))
            case kind:
                raise ProtocolError(f"The runner on {self._host} sent an unknown frame: {kind}")

    def _keep(self, call: ModuleCall, data: bytes) -> None:
        if call.sink is None or int(call.id) in self._sinks_broken:
            return
        try:
            call.sink.write(data)
        except OSError as error:  # a full disk here is this call's failure, not the host's
            self._sinks_broken[int(call.id)] = error

    def _pass_on_cancel(self) -> None:
        wanted = self._stage()
        if wanted is Stage.CLOSED:
            raise Interrupted(f"The run was ended {self._while()}")
        if wanted > self._told:
            self._told = wanted
            self._since = time.monotonic()
            self._channel.cancel(finish=wanted is Stage.FINISHING)

    def _check_time(self) -> None:
        """Only the runner can say that a call is over; one that does not, long after it should have, is given up."""
        now = time.monotonic()
        # A runner may keep `begin` back for company, so the first call that is not reported counts as running.
        call = self._running or next(iter(self._left.values()), None)
        limit = None if call is None else call.timeout
        if self._told >= Stage.STOPPING:
            limit = 0.0
        if call is None or self._channel.hello is None:
            if now - max(self._since, self._heard) > self._deadlines.handshake:
                silent = f"{self._deadlines.handshake:.0f} s {self._while()}"
                raise HostLost(f"The runner on {self._host} has been silent for {silent}")
        elif limit is not None and now - self._since > limit + self._deadlines.grace:
            raise HostLost(f"{self._host} did not end `{call.module}` in the {limit:.0f} s it had and "
                           f"{self._deadlines.grace:.0f} s more; {_NOT_KNOWN}")
        if now - self._heard > self._deadlines.probe:
            self._probe(self._deadlines.probe)
            self._heard = time.monotonic()

    def _ended(self) -> ProvisionError:
        """The error for a runner that went away by itself while the connection holds."""
        status = self._channel.stream.exit_status()
        how = "was killed" if status is not None and status < 0 else f"ended (exit status {status})"
        said = [line.strip() for line in self._channel.stream.stderr_tail().splitlines() if line.strip()]
        last = f": {'; '.join(said[-3:])}" if said else ""
        return HostFailed(f"The runner on {self._host} {how} {self._while()}{last}",
                          hint="out of memory? look at `journalctl -k` on the host")

    def _while(self) -> str:
        if self._running is not None:
            return f"while `{self._running.module}` ran; {_NOT_KNOWN}"
        if self._left:
            left = f"{len(self._left)} of {len(self._calls)}"
            return f"with {left} tasks not reported; whether the next one ran is not known"
        return "at the end of its tasks"
