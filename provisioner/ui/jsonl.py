"""Events as JSON lines for programs: one object a line, nothing else. `docs/output.md` describes each type."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from provisioner.events import (
    KINDS,
    SCHEMA,
    Event,
    HostBegan,
    HostText,
    Included,
    ItemResult,
    MachinesPlanned,
    MetaResult,
    Retry,
    RunEnded,
    RunStarted,
    Step,
    TaskRef,
    TaskResult,
    TaskStarted,
)
from provisioner.ui.diffs import diffs_of
from provisioner.ui.terminal import write

_SURROGATE: Final = re.compile(r"\\ud[89a-f]")


@dataclass(slots=True)
class JsonLines:
    """A `Sink`."""

    out: TextIO
    run: str = ""

    def handle(self, event: Event, time: float) -> None:
        if isinstance(event, RunStarted):
            self.run = event.run
        moment = datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for kind, data in _records(event):
            write(self.out, encode({"v": SCHEMA, "type": kind, "time": moment, "run": self.run, **data}) + "\n")

    def close(self) -> None:
        """Every line is out already."""


def encode(record: Mapping[str, Any]) -> str:
    """One line of ASCII that every JSON reader takes: no NaN, no lone surrogate, no line separator of any kind."""
    try:
        line = json.dumps(record, allow_nan=False, default=_other)
    except (ValueError, TypeError):  # NaN, or a key that JSON can't have
        line = json.dumps(sound(record), allow_nan=False)
    if _SURROGATE.search(line):
        line = json.dumps(sound(record), allow_nan=False)
    return line


def _records(event: Event) -> Iterator[tuple[str, dict[str, Any]]]:
    """The lines of an event: (type, fields)."""
    kind = KINDS[type(event)]
    match event:
        case TaskResult() | ItemResult():
            yield from _result(event)
        case RunEnded():
            hosts = {host: asdict(stats) for host, stats in event.stats.items()}
            yield "stats", {"hosts": hosts}
            yield kind, {"exit_code": event.exit_code, "hosts": hosts, "duration_ms": _ms(event.duration_ms),
                         "round_trips": dict(event.round_trips)}
        case TaskStarted():
            yield kind, {**_task(event.task), "path": event.task.path, "handler": event.task.handler,
                         "check": event.check}
        case HostBegan():
            yield kind, {"host": event.host, **_task(event.task), **_item(event.item)}
        case HostText():
            yield kind, {"host": event.host, **_task(event.task), "stream": event.stream, "text": event.text}
        case Step():
            yield from _diffs(event.result, {"host": event.host, **_task(event.task), "step": event.name})
            yield kind, {"host": event.host, **_task(event.task), "step": event.name, "status": event.status,
                         "ms": _ms(event.ms), "result": _without_diff(event.result)}
        case Retry():
            yield kind, {"host": event.host, **_task(event.task), "left": event.left, "result": event.result}
        case Included():
            yield kind, {"file": event.file, "hosts": event.hosts, **_task(event.task), **_item(event.item)}
        case MetaResult():
            yield kind, {"host": event.host, **_task(event.task), "text": event.text, "skipped": event.skipped,
                         "implicit": event.implicit}
        case MachinesPlanned():
            yield kind, {key: value for key, value in asdict(event).items() if key != "resources"}
        case _:
            yield kind, {key: value for key, value in asdict(event).items() if key != "run"}


def _result(event: TaskResult | ItemResult) -> Iterator[tuple[str, dict[str, Any]]]:
    status = event.status
    if event.ignored:
        status = "ignored"
    elif isinstance(event, TaskResult) and event.rescued:
        status = "rescued"
    item = _item(event.label if isinstance(event, ItemResult) else None)
    who = {"host": event.host, **_task(event.task)}
    yield from _diffs(event.result, {**who, **item})
    more: dict[str, Any] = {}
    if isinstance(event, TaskResult) and event.loop:
        more["loop"] = True
    if event.delegate:
        more["delegate"] = event.delegate
    yield "result", {**who, "status": status, "ms": _ms(event.ms), **item, **more,
                     "result": _without_diff(event.result)}


def _diffs(result: Mapping[str, Any], who: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for diff in diffs_of(result):
        yield "diff", {**who, **diff}


def _without_diff(result: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key != "diff"}


def _task(task: TaskRef) -> dict[str, Any]:
    return {"task_id": task.id, "name": task.name, "module": task.module, "role": task.role}


def _item(label: str | None) -> dict[str, Any]:
    return {} if label is None else {"item": label}


def _ms(value: float) -> float:
    return round(value, 3)


def _other(value: object) -> Any:
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return list(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    return str(value)


def sound(value: Any) -> Any:
    """`value` as JSON data that every reader takes: NaN and infinities as text, broken characters escaped."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, Mapping):
        return {sound(str(key)): sound(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [sound(item) for item in value]
    return sound(_other(value))
