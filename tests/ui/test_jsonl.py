from __future__ import annotations

import io
import json
from typing import Any

import pytest

from provisioner.events import (
    KINDS,
    Event,
    HostBegan,
    HostStats,
    HostText,
    Included,
    ItemResult,
    MachinesPlanned,
    MachineStep,
    MetaResult,
    NoHosts,
    PlannedChange,
    PlayStarted,
    Retry,
    RunEnded,
    RunStarted,
    Step,
    TaskRef,
    TaskResult,
    TaskStarted,
    Warned,
    from_json,
    to_json,
)
from provisioner.ui.jsonl import JsonLines, encode
from provisioner.values import HostName

H = HostName("h1")
TASK = TaskRef("1.0-3", "Install", "apt", "site.yml:9", role="base")
WHERE = {"task_id": "1.0-3", "name": "Install", "module": "apt", "role": "base"}
STATS = {"ok": 2, "changed": 1, "unreachable": 0, "failed": 0, "skipped": 0, "rescued": 0, "ignored": 0, "unknown": 0}

CASES: list[tuple[Event, list[dict[str, Any]]]] = [
    (RunStarted("abc", ("site.yml",), True, True, "1.0"),
     [{"type": "run_start", "playbooks": ["site.yml"], "check": True, "diff": True, "version": "1.0",
       "command": [], "fixes": False, "plays": []}]),
    (PlayStarted("Web", (H,), "site.yml:1"),
     [{"type": "play_start", "name": "Web", "hosts": ["h1"], "path": "site.yml:1"}]),
    (NoHosts("Web"), [{"type": "no_hosts", "play": "Web", "reason": ""}]),
    (TaskStarted(TASK), [{"type": "task_start", **WHERE, "path": "site.yml:9", "handler": False, "check": False}]),
    (HostBegan(H, TASK, "a"), [{"type": "host_begin", "host": "h1", **WHERE, "item": "a"}]),
    (HostText(H, TASK, "stderr", "x\n"), [{"type": "log", "host": "h1", **WHERE, "stream": "stderr", "text": "x\n"}]),
    (Step(H, TASK, "Build", "changed", 12.3456, {"diff": {"before": 1, "after": 2}, "n": 1}),
     [{"type": "diff", "host": "h1", **WHERE, "step": "Build", "before": 1, "after": 2},
      {"type": "step", "host": "h1", **WHERE, "step": "Build", "status": "changed", "ms": 12.346, "result": {"n": 1}}]),
    (ItemResult(H, TASK, "a", "changed", {"rc": 0}, 1.0),
     [{"type": "result", "host": "h1", **WHERE, "status": "changed", "ms": 1.0, "item": "a", "result": {"rc": 0}}]),
    (Retry(H, TASK, 2), [{"type": "retry", "host": "h1", **WHERE, "left": 2, "result": {}}]),
    (TaskResult(H, TASK, "ok", {"changed": False}, loop=True, delegate="h2"),
     [{"type": "result", "host": "h1", **WHERE, "status": "ok", "ms": 0.0, "loop": True, "delegate": "h2",
       "result": {"changed": False}}]),
    (Included("tasks.yml", (H,), TASK), [{"type": "included", "file": "tasks.yml", "hosts": ["h1"], **WHERE}]),
    (MetaResult(H, TASK, "noop"), [{"type": "meta", "host": "h1", **WHERE, "text": "noop", "skipped": False,
                                      "implicit": False}]),
    (MachinesPlanned("shop", (PlannedChange("create", "+", "machine web", "ec2",
                                            (("size", None, "small", "restart"),)),), 2,
                     ("ec2 eu-central-1, account 1",), "20.00", "ab", remarks=("Without prices: no",)),
     [{"type": "machines_plan", "site": "shop", "unchanged": 2, "accounts": ["ec2 eu-central-1, account 1"],
       "monthly": "20.00", "digest": "ab", "remarks": ["Without prices: no"], "changes": [
           {"action": "create", "sign": "+", "resource": "machine web", "provider": "ec2", "notes": [],
            "fields": [["size", None, "small", "restart"]]}]}]),
    (MachineStep("shop", "machine web", "create", "done", "192.0.2.1", 12.5),
     [{"type": "machine_step", "site": "shop", "resource": "machine web", "action": "create", "phase": "done",
       "text": "192.0.2.1", "ms": 12.5}]),
    (Warned("careful", host="h1"), [{"type": "warning", "message": "careful", "path": "", "host": "h1"}]),
    (RunEnded(2, {H: HostStats(ok=2, changed=1)}, 1500.0, {H: 3}),
     [{"type": "stats", "hosts": {"h1": STATS}},
      {"type": "run_end", "exit_code": 2, "hosts": {"h1": STATS}, "duration_ms": 1500.0, "round_trips": {"h1": 3}}]),
]


def lines_of(*events: Event) -> list[dict[str, Any]]:
    out = io.StringIO()
    sink = JsonLines(out)
    for event in events:
        sink.handle(event, 1_700_000_000.25)
    sink.close()
    return [json.loads(line, parse_constant=pytest.fail) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize(("event", "wanted"), CASES, ids=[type(event).__name__ for event, _ in CASES])
def test_each_event_is_told_as_documented(event: Event, wanted: list[dict[str, Any]]) -> None:
    run = event.run if isinstance(event, RunStarted) else ""
    head = {"v": 1, "time": "2023-11-14T22:13:20.250Z", "run": run}
    assert lines_of(event) == [{**head, **line} for line in wanted]


@pytest.mark.parametrize("event", [event for event, _ in CASES], ids=[type(event).__name__ for event, _ in CASES])
def test_each_event_is_made_again_from_its_json(event: Event) -> None:
    assert from_json(json.loads(json.dumps(to_json(event)))) == event


def test_every_kind_of_event_has_a_case() -> None:
    assert {type(event) for event, _ in CASES} == set(KINDS)


def test_the_run_is_on_every_line() -> None:
    assert {line["run"] for line in lines_of(*(event for event, _ in CASES))} == {"abc"}


@pytest.mark.parametrize(("more", "status"), [({"ignored": True}, "ignored"), ({"rescued": True}, "rescued"),
                                              ({}, "failed")])
def test_a_failure_says_what_became_of_it(more: dict[str, bool], status: str) -> None:
    assert lines_of(TaskResult(H, TASK, "failed", {}, **more))[0]["status"] == status  # type: ignore[arg-type]


def test_nan_broken_text_and_odd_keys_are_still_json() -> None:
    line = encode({"a": float("nan"), "b": [float("inf")], "c": "\udc80\x85\u2028😀", "d": {(1, 2): {3}}})
    assert len(line.splitlines()) == 1
    assert line.isascii()
    assert json.loads(line) == {"a": "nan", "b": ["inf"], "c": "\\udc80\x85\u2028😀", "d": {"(1, 2)": [3]}}
