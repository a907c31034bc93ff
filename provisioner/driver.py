"""The loop around the engine: commands out to sessions, actions and answers; what happens comes back in one queue.

The engine runs on the thread that calls `run`; sessions and driving actions have threads of their own and only
post to the queue. Events leave here through `emit`, on the engine's thread, in order.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from provisioner.actions.driving import HostDriving, drive
from provisioner.actions.registry import Registry
from provisioner.diag import Interrupted, ProvisionError
from provisioner.engine.engine import Engine
from provisioner.events import Event, Warned
from provisioner.messages import (
    ActionEnded,
    Answered,
    Ask,
    Become,
    CallEnded,
    CallId,
    Command,
    Emit,
    Fail,
    Finish,
    Input,
    ModuleCall,
    RunAction,
    RunSegment,
    SegmentEnded,
    SegmentLost,
    Target,
)
from provisioner.parting import Parting
from provisioner.transport.pool import SessionPool
from provisioner.values import HostName, Secret, Value

_INTERRUPTED = "interrupted: what runs on hosts is left to end, nothing more is started; Ctrl-C again ends it now"
_INTERRUPTED_TWICE = "interrupted again: what runs on hosts is ended now; a third Ctrl-C leaves at once"
_PARTING_MAY_TAKE = 60.0  # seconds on each host
_PARTING_AT_ONCE = 32  # hosts


class Answerer(Protocol):
    """Answers the engine's questions about the controller's world; raises what the user is to be told."""

    def answer(self, ask: Ask) -> Value: ...


@dataclass(frozen=True, slots=True)
class _Crashed:
    """A thread ended with an exception that is a bug of ours: raised again on the engine's thread."""

    error: BaseException


@dataclass(slots=True)
class _Reached:
    """`parting.Reached`. Of the users that a run became on a host, root counts before others."""

    pool: SessionPool
    _as: dict[HostName, tuple[Target, Become | None]] = field(default_factory=dict)
    lost: frozenset[HostName] = frozenset()

    def note(self, host: HostName, target: Target, become: Become | None) -> None:
        if target.host == host and target.connection != "local" and (
                host not in self._as or (become is not None and become.user == "root")):  # fmt: skip
            self._as[host] = (target, become)

    def places(self) -> Mapping[HostName, str]:
        return {host: f"{target.address}:{target.port or ''}"
                for host, (target, _) in self._as.items() if host not in self.lost}  # fmt: skip

    def call_all(self, module: str, args: Mapping[HostName, Mapping[str, Any]], *,
                 check: bool) -> Mapping[HostName, Mapping[str, Any]]:  # fmt: skip
        if not args:
            return {}

        def call(host: HostName) -> Mapping[str, Any]:
            target, become = self._as[host]
            asked = ModuleCall(CallId(0), module, args[host], check=check, timeout=_PARTING_MAY_TAKE)
            try:
                return self.pool.session(target).call(asked, become)
            except ProvisionError as error:
                return {"failed": True, "msg": error.message}

        with ThreadPoolExecutor(min(len(args), _PARTING_AT_ONCE), thread_name_prefix="parting") as threads:
            return dict(zip(args, threads.map(call, args), strict=True))


@dataclass(slots=True)
class Driver:
    """Of one run."""

    engine: Engine
    registry: Registry
    answerer: Answerer
    emit: Callable[[Event], None]
    learn_secrets: Callable[[object], None]
    cache_dir: str
    state_dir: str
    forks: int = 5
    patient: bool = True
    """The first Ctrl-C lets end what runs on hosts; else it ends that, as the second one does."""
    partings: Sequence[Parting] = ()
    inbox: queue.SimpleQueue[Input | Event | _Crashed] = field(default_factory=queue.SimpleQueue)
    _pool: SessionPool | None = None
    _reached: _Reached | None = None
    _finished: Finish | None = None
    _interrupted: int = 0
    _outstanding: int = 0
    _calls_left: dict[int, int] = field(default_factory=dict)
    """Of each segment that is out."""

    def run(self) -> Finish:
        """Carry the playbook out. Raises `Interrupted` after Ctrl-C, once what was running has ended."""
        with SessionPool(self.inbox.put, forks=self.forks) as pool:
            self._pool = pool
            self._reached = _Reached(pool)
            self._take(self.engine.start())
            while self._finished is None:
                try:
                    self._next()
                except KeyboardInterrupt:
                    self._interrupt()
                if self._interrupted and not self._outstanding:
                    raise Interrupted("interrupted: what was running has ended, nothing more was started")
            self._reached.lost = self._finished.unreachable
            for parting in self.partings:
                parting.part(self._reached)
        return self._finished

    # -- in -------------------------------------------------------------------------------------------------

    def _next(self) -> None:
        given = self.inbox.get()
        if isinstance(given, _Crashed):
            raise given.error
        if isinstance(given, Input):
            if _ends_something(given):
                self._outstanding -= 1
            if self._is_broken_off(given) or (self._interrupted and not self.patient):
                return  # what was ended on purpose has not failed
            commands = self.engine.feed(given)
            self._take([c for c in commands if isinstance(c, (Emit, Fail))] if self._interrupted else commands)
        else:
            self.emit(given)

    def _is_broken_off(self, given: Input) -> bool:
        """Whether a segment ends before its last call because of Ctrl-C: the host is not lost, and all was told."""
        if isinstance(given, CallEnded):
            self._calls_left[given.segment] -= 1
        return bool(isinstance(given, SegmentEnded) and self._calls_left.pop(given.segment) and self._interrupted)

    def _interrupt(self) -> None:
        """Once: finish what runs and start nothing. Twice: end it now."""
        self._interrupted += 1 if self.patient or self._interrupted else 2
        if self._interrupted > 2:
            raise Interrupted("interrupted three times: left at once, hosts may still be busy")
        if self.patient:
            self.emit(Warned(_INTERRUPTED if self._interrupted == 1 else _INTERRUPTED_TWICE))
        assert self._pool is not None
        self._pool.cancel()
        if not self.patient:
            self._pool.cancel()

    # -- out ------------------------------------------------------------------------------------------------

    def _take(self, commands: Sequence[Command]) -> None:
        for command in commands:
            match command:
                case Emit():
                    self.emit(command.event)
                case RunSegment():
                    self._run_segment(command)
                case RunAction():
                    self._run_action(command)
                case Ask():
                    self._outstanding += 1
                    self._answer(command)
                case Finish():
                    self._finished = command
                case Fail():
                    raise command.error

    def _run_segment(self, command: RunSegment) -> None:
        assert self._pool is not None
        assert self._reached is not None
        self._reached.note(command.host, command.target, command.segment.become)
        self.learn_secrets(command.target)
        self.learn_secrets(command.segment.become)
        for call in command.segment.calls:
            self.learn_secrets(call.args)
            self.learn_secrets(call.environment)
            self._learn_arguments(call.module, call.args)
        self._outstanding += 1
        self._calls_left[command.segment.id] = len(command.segment.calls)
        self._pool.session(command.target).submit(command.host, command.segment)

    def _run_action(self, command: RunAction) -> None:
        assert self._reached is not None
        for share in command.hosts:
            self._reached.note(share.host, share.target, share.become)
            self.learn_secrets(share.args)
            self._learn_arguments(command.action, share.args)
        self._outstanding += 1
        self._start(self._act, command)

    def _learn_arguments(self, module: str, args: Mapping[str, object]) -> None:
        """Values of arguments that the module declares secret are masked like secrets of the vault."""
        info = self.registry.get(module)
        if info is not None and info.spec is not None:
            for name in info.spec.secrets():
                value = args.get(name)
                if isinstance(value, str) and value:
                    self.learn_secrets(Secret(value))

    def _answer(self, ask: Ask) -> None:
        kind = getattr(ask.effect, "kind", "")
        if kind == "sleep":
            timer = threading.Timer(float(ask.effect.args[0]), self.inbox.put, [Answered(ask.id)])
            timer.daemon = True
            timer.start()
            return
        self.inbox.put(_answered(self.answerer, ask))

    def _act(self, command: RunAction) -> None:
        """On a thread of its own: one driving action."""
        assert self._pool is not None
        calls = [HostDriving(share, self._pool, self.inbox.put, self.learn_secrets, self.cache_dir, self.state_dir)
                 for share in command.hosts]
        results, lost = drive(self.registry.action(command.action), calls)
        trips = {call.host: call.round_trips for call in calls}
        self.inbox.put(ActionEnded(command.id, results, lost, trips))

    def _start(self, work: Callable[[RunAction], None], command: RunAction) -> None:
        def guarded() -> None:
            try:
                work(command)
            except BaseException as error:  # handed to the engine's thread, which raises it
                self.inbox.put(_Crashed(error))

        threading.Thread(target=guarded, name=f"action {command.action}", daemon=True).start()


def _answered(answerer: Answerer, ask: Ask) -> Answered:
    try:
        return Answered(ask.id, answerer.answer(ask))
    except (ProvisionError, OSError) as error:
        return Answered(ask.id, error=error)


def _ends_something(given: Input) -> bool:
    return isinstance(given, (SegmentEnded, SegmentLost, ActionEnded, Answered))
