"""Runs driving actions: the real `actions.base.Driving` over a host's session, and how actions are called."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from types import EllipsisType, ModuleType
from typing import Any, BinaryIO

from provisioner.diag import HostUnreachable, ProvisionError
from provisioner.engine.judge import status_of
from provisioner.events import Event, HostText, Step, TaskRef, Warned, live_text
from provisioner.messages import ActionHost, Become, CallId, Content, ModuleCall, Target
from provisioner.transport.pool import SessionPool
from provisioner.values import HostName, Secret

CONTROLLER = HostName("localhost")
_NO_TASK = TaskRef("", "", "")


@dataclass(slots=True)
class HostDriving:
    """One host's share of a driving action. Thread-safe: predictions are merged under a lock."""

    share: ActionHost
    pool: SessionPool
    post: Callable[[Event], None]
    learn_secrets: Callable[[object], None]
    cache_dir: str
    state_dir: str
    round_trips: int = 0
    predictions: list[list[Any]] = field(default_factory=list)
    delegate: HostName | None = None
    """The host that does the work, where it is another one."""
    _predicted: dict[str, dict[str, Mapping[str, Any]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        for kind, named in (self.share.predicted or {}).items():
            self._predicted[kind] = dict(named)

    @property
    def host(self) -> HostName:
        return self.share.host

    @property
    def args(self) -> Mapping[str, Any]:
        return self.share.args

    @property
    def check(self) -> bool:
        return self.share.check

    @property
    def diff(self) -> bool:
        return self.share.diff

    @property
    def target(self) -> Target:
        return self.share.target

    @property
    def become(self) -> Become | None:
        return self.share.become

    @property
    def environment(self) -> Mapping[str, str | Secret]:
        return self.share.environment

    @property
    def search(self) -> tuple[str, ...]:
        return self.share.search

    @property
    def timeout(self) -> float | None:
        return self.share.timeout

    def call(self, module: str, args: Mapping[str, Any], *, become: Become | EllipsisType | None = ...,
             contents: Sequence[Content] = (), timeout: float | None = None, check: bool | None = None,
             environment: Mapping[str, str | Secret] | None = None, sink: BinaryIO | None = None,
             on_text: Callable[[str, bytes], None] | None = None) -> dict[str, Any]:
        checks = self.share.check if check is None else check
        self.learn_secrets(args)
        call = ModuleCall(
            CallId(0), module, args, check=checks, diff=self.share.diff, timeout=timeout or self.share.timeout,
            environment=self.share.environment if environment is None else environment,
            predicted=self._known_predictions() if checks else None, contents=tuple(contents), sink=sink,
            on_text=self._shown(on_text))
        user = self.share.become if isinstance(become, EllipsisType) else become
        try:
            result = dict(self.pool.session(self.share.target).call(call, user))
        except HostUnreachable as error:
            if self.delegate is None:
                raise
            raise ProvisionError(f"{self.delegate} can't be reached: {error.message}", hint=error.hint) from error
        self._keep(result)
        return result

    def on_controller(self) -> HostDriving:
        return self._elsewhere(Target(CONTROLLER, connection="local"))

    def on_host(self, name: str) -> HostDriving | None:
        host = HostName(name)
        delegate = self.share.delegates.get(host)
        return self._elsewhere(delegate.target, delegate.become, host) if delegate is not None else None

    def _elsewhere(self, target: Target, become: Become | None = None, delegate: HostName | None = None) -> HostDriving:
        share = replace(self.share, target=target, become=become, predicted=None)
        return HostDriving(share, self.pool, self.post, self.learn_secrets, self.cache_dir, self.state_dir,
                           delegate=delegate)

    def step(self, name: str, result: Mapping[str, Any], *, ms: float = 0.0) -> None:
        self.post(Step(self.host, self._task, name, status_of(result), ms, {} if self.share.no_log else result))

    def progress(self, text: str) -> None:
        if not self.share.no_log:
            self.post(HostText(self.host, self._task, "progress", text))

    def warn(self, message: str) -> None:
        if not self.share.no_log:
            self.post(Warned(message, host=self.host))

    @property
    def _task(self) -> TaskRef:
        return self.share.task or _NO_TASK

    def _shown(self, on_text: Callable[[str, bytes], None] | None) -> Callable[[str, bytes], None] | None:
        """Live output goes to the console and to whoever asked for it."""
        if self.share.no_log:
            return on_text

        def tell(stream: str, data: bytes) -> None:
            self.post(HostText(self.host, self._task, stream, live_text(data)))
            if on_text is not None:
                on_text(stream, data)

        return tell

    def _known_predictions(self) -> Mapping[str, Mapping[str, Any]] | None:
        with self._lock:
            return {kind: dict(named) for kind, named in self._predicted.items()} or None

    def _keep(self, result: Mapping[str, Any]) -> None:
        with self._lock:
            self.round_trips += 1
            for kind, name, attributes in result.get("predictions") or ():
                self.predictions.append([kind, name, attributes])
                self._predicted.setdefault(kind, {})[name] = attributes


def drive(action: ModuleType, calls: Sequence[HostDriving]) -> tuple[dict[HostName, Mapping[str, Any]],
                                                                    dict[HostName, str]]:
    """Run an action for its hosts. Gives results, and the messages of hosts that were lost."""
    if hasattr(action, "run_batch"):
        results, lost = _drive_together(action, calls)
    else:
        with ThreadPoolExecutor(len(calls), thread_name_prefix="drive") as pool:
            outcomes = list(pool.map(lambda call: _drive_one(action, call), calls))
        results = {call.host: outcome for call, outcome in zip(calls, outcomes, strict=True)
                   if not isinstance(outcome, str)}
        lost = {call.host: outcome for call, outcome in zip(calls, outcomes, strict=True) if isinstance(outcome, str)}
    for call in calls:
        if call.host in results and call.predictions:
            results[call.host] = {**results[call.host], "predictions": call.predictions}
    return results, lost


def _drive_one(action: ModuleType, call: HostDriving) -> Mapping[str, Any] | str:
    try:
        result: Mapping[str, Any] = action.run(call)
    except HostUnreachable as error:
        return error.message
    except ProvisionError as error:
        return failed(error)
    return result


def _drive_together(action: ModuleType, calls: Sequence[HostDriving]) -> tuple[dict[HostName, Mapping[str, Any]],
                                                                              dict[HostName, str]]:
    """A batch action answers for each of its hosts; an error that it lets through concerns all of them."""
    try:
        answers = dict(action.run_batch(calls))
    except HostUnreachable as error:
        return {}, {call.host: error.message for call in calls}
    except ProvisionError as error:
        return {call.host: failed(error) for call in calls}, {}
    lost = {host: str(result.get("msg", "unreachable")) for host, result in answers.items()
            if result.get("unreachable")}
    return {host: result for host, result in answers.items() if host not in lost}, lost


def failed(error: ProvisionError) -> dict[str, Any]:
    """The failed result that an error amounts to."""
    result: dict[str, Any] = {"changed": False, "failed": True, "msg": error.message}
    if error.hint:
        result["hint"] = error.hint
    return result
