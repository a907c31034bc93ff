"""A run as JUnit XML, as CI servers read it: a suite for each play, a case for each task on each host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from provisioner.events import PlayStarted, TaskResult
from provisioner.ui.colours import plain
from provisioner.ui.diffs import diffs_of, render
from provisioner.ui.escape import visible, visible_lines
from provisioner.ui.reports import Told

_KINDS: Final = {"failed": "failure", "unreachable": "failure", "unknown": "error", "skipped": "skipped"}


@dataclass(slots=True)
class _Suite:
    name: str
    started: float
    cases: list[TaskResult] = field(default_factory=list)


def junit(told: Sequence[Told]) -> str:
    """failed and unreachable are failures; what check mode could not know is an error: it was not checked."""
    suites: list[_Suite] = []
    for event, moment in told:
        if isinstance(event, PlayStarted):
            suites.append(_Suite(event.name, moment))
        elif isinstance(event, TaskResult) and event.task.module != "meta":
            if not suites:
                suites.append(_Suite("run", moment))
            suites[-1].cases.append(event)
    lines = ['<?xml version="1.0" encoding="utf-8"?>', f"<testsuites{_counts([c for s in suites for c in s.cases])}>"]
    for suite in suites:
        at = datetime.fromtimestamp(suite.started, UTC).isoformat(timespec="seconds").replace("+00:00", "")
        lines.append(f"  <testsuite name={_attribute(suite.name)} timestamp={_attribute(at)}{_counts(suite.cases)}>")
        for case in suite.cases:
            lines += _case(suite, case)
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>", ""])


def _counts(cases: Sequence[TaskResult]) -> str:
    kinds = [_kind(case) for case in cases]
    numbers = {"tests": len(cases), "failures": kinds.count("failure"), "errors": kinds.count("error"),
               "skipped": kinds.count("skipped"), "time": f"{sum(case.ms for case in cases) / 1000:.3f}"}  # fmt: skip
    return "".join(f" {name}={_attribute(str(value))}" for name, value in numbers.items())


def _kind(case: TaskResult) -> str:
    return "" if case.ignored or case.rescued else _KINDS.get(case.status, "")


def _case(suite: _Suite, case: TaskResult) -> list[str]:
    name, place = _attribute(f"[{case.host}] {case.task.title}"), _attribute(case.task.path or suite.name)
    head = f'    <testcase name={name} classname={place} time="{case.ms / 1000:.3f}"'
    inner = []
    kind = _kind(case)
    if kind:
        told = reason(case.result) or case.status
        detail = "\n".join(visible_lines(str(case.result.get("stderr") or case.result.get("msg") or "")))
        inner.append(f"      <{kind} message={_attribute(told)}>{_text(detail)}</{kind}>" if kind != "skipped" else
                     f"      <skipped message={_attribute(told)}/>")  # fmt: skip
    changes = "\n".join(text for diff in diffs_of(case.result) if (text := render(diff, plain)))
    if changes:
        inner.append(f"      <system-out>{_text(changes)}</system-out>")
    return [f"{head}>", *inner, "    </testcase>"] if inner else [f"{head}/>"]


def reason(result: Mapping[str, Any]) -> str:
    """Why it ended like this, in one line."""
    for key in ("unknown", "msg", "skip_reason", "skipped_reason"):
        if isinstance(result.get(key), str) and result[key]:
            return visible(" ".join(result[key].split()))
    return ""


def _attribute(text: str) -> str:
    return quoteattr(visible(text))


def _text(text: str) -> str:
    """XML has no way to write most control characters: they are escapes by now."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
