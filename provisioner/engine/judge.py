"""What a raw result means: `changed_when`, `failed_when`, loops, and the status that is told and counted."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.diag import TemplateError
from provisioner.lang.model import Task
from provisioner.values import Condition, Unknown

Evaluate = Callable[[Condition, Mapping[str, Any]], "bool | Unknown"]
"""Evaluates a condition with these variables (the registered result) on top of the task's own."""

ENGINE_KEYS = ("predictions", "unknown")
"""Fields of a result that are messages to the engine and never part of what the user registers."""
_NO_TRACEBACK = "(traceback unavailable)"


@dataclass(frozen=True, slots=True)
class Judged:
    """status: ok | changed | skipped | failed | unknown. `result` is what `register` stores."""

    status: str
    result: Mapping[str, Any]
    reason: str = ""
    """Why it is unknown."""

    @property
    def failed(self) -> bool:
        return self.status == "failed"

    @property
    def registered(self) -> Any:
        """The value of the `register` variable. A failure has an `exception`, as in Ansible without tracebacks."""
        if self.status == "unknown":
            return Unknown(self.reason)
        return {"exception": _NO_TRACEBACK, **self.result} if self.failed else self.result


def status_of(result: Mapping[str, Any]) -> str:
    """The status that the fields of a result amount to."""
    for field, status in (("unknown", "unknown"), ("failed", "failed"), ("skipped", "skipped"), ("changed", "changed")):
        if result.get(field):
            return status
    return "ok"


def _all_hold(conditions: Sequence[Condition], evaluate: Evaluate, variables: Mapping[str, Any]) -> bool | Unknown:
    for condition in conditions:
        held = evaluate(condition, variables)
        if held is not True:
            return held
    return True


def judge(raw: Mapping[str, Any], task: Task, evaluate: Evaluate) -> Judged:
    """One result (of one loop item) after the task's own conditions about it."""
    result = {key: value for key, value in raw.items() if key not in ENGINE_KEYS}
    result.setdefault("changed", False)
    if raw.get("unknown"):
        return Judged("unknown", result, str(raw["unknown"]))
    if result.get("skipped"):
        return Judged("skipped", result)
    result.setdefault("failed", False)
    try:
        return _by_conditions(result, task, evaluate)
    except TemplateError as error:
        return Judged("failed", {**result, **broken(error)})


def _by_conditions(result: dict[str, Any], task: Task, evaluate: Evaluate) -> Judged:
    variables = {task.register: result} if task.register else {}
    if task.failed_when is not None:
        failed = _told("failed_when", task.failed_when, result, evaluate, variables)
        if isinstance(failed, Unknown):
            return Judged("unknown", result, failed.reason)
        if result["failed"] and not failed:
            result["failed_when_suppressed_exception"] = result.pop("exception", _NO_TRACEBACK)
        result["failed_when_result"] = result["failed"] = failed
    if task.changed_when is not None:
        changed = _told("changed_when", task.changed_when, result, evaluate, variables)
        if isinstance(changed, Unknown):
            return Judged("unknown", result, changed.reason)
        result["changed"] = changed
    return Judged(status_of(result), result)


def _told(keyword: str, conditions: Sequence[Condition], result: dict[str, Any], evaluate: Evaluate,
          variables: Mapping[str, Any]) -> bool | Unknown:
    """Whether they hold; an error in them becomes a field of the result, too."""
    try:
        return _all_hold(conditions, evaluate, variables)
    except TemplateError as error:
        result[f"{keyword}_result"] = error.message
        raise


_RISKY = re.compile(r"[\[/%]|from_|mandatory|hostvars|lookup|query")


def cannot_break(condition: Condition, register: str | None, fields: frozenset[str]) -> bool:
    """Whether evaluating a condition about a result is sure to give no error.

    It may read only the result, and of it only what the module says it returns (`fields`).
    """
    if condition.constant is not None:
        return True
    if register is None or _RISKY.search(condition.source):
        return False
    known = fields | {"changed", "failed", "skipped"}
    read = re.findall(rf"\b{re.escape(register)}\b(?:\.(\w+))?", condition.source)
    without_texts = re.sub(r"'[^']*'|\"[^\"]*\"", "", condition.source)
    names = set(re.findall(r"(?<![.\w])[A-Za-z_]\w*", without_texts))
    return all(field in known or not field for field in read) and names <= {register, *_WORDS}


_WORDS = frozenset({
    "and", "or", "not", "in", "is", "true", "false", "True", "False", "none", "None", "changed", "failed", "skipped",
    "succeeded", "success", "search", "match", "regex", "defined", "int", "default", "bool", "length", "lower", "trim",
    "string",
})
"""Words of conditions that are sure to work on whatever a result holds."""


def holds_until(judged: Judged, task: Task, evaluate: Evaluate) -> bool:
    """Whether retries are over: `until` holds, or without one the attempt has not failed."""
    if judged.status in ("unknown", "skipped"):
        return True
    if task.until is None:
        return not judged.failed
    variables = {task.register: judged.result} if task.register else {}
    held = _all_hold(task.until, evaluate, variables)
    return True if isinstance(held, Unknown) else held


def aggregate(items: Sequence[Judged]) -> Judged:
    """The result of a loop from those of its items."""
    results = [judged.registered for judged in items]
    if not items:
        return Judged("skipped", {"changed": False, "skipped": True, "skipped_reason": "No items in the list",
                                  "results": []})
    merged: dict[str, Any] = {"results": results, "changed": any(j.result.get("changed") for j in items)}
    statuses = {judged.status for judged in items}
    if "failed" in statuses:
        return Judged("failed", {**merged, "failed": True, "msg": "One or more items failed"})
    if statuses == {"skipped"}:
        return Judged("skipped", {**merged, "skipped": True, "msg": "All items skipped"})
    merged.update(msg="All items completed", skipped=False, failed=False)
    if statuses == {"unknown"} or ("changed" not in statuses and "unknown" in statuses):
        return Judged("unknown", merged, next(j.reason for j in items if j.status == "unknown"))
    return Judged("changed" if merged["changed"] else "ok", merged)


def skipped(false_condition: str) -> dict[str, Any]:
    """The result of a task whose `when` does not hold."""
    return {"changed": False, "skipped": True, "skip_reason": "Conditional result was False",
            "false_condition": False if false_condition == "False" else false_condition}  # a boolean as it was written


def failure(error: TemplateError) -> dict[str, Any]:
    """The result of a task whose arguments or conditions could not be rendered."""
    return {"changed": False, **broken(error)}


def broken(error: TemplateError) -> dict[str, Any]:
    """What an error of the task's own templates adds to its result."""
    where = f"{error.span}: " if error.span else ""
    result = {"failed": True, "msg": f"{where}{error.message}"}
    if error.hint:
        result["hint"] = error.hint
    return result


CENSORED: Mapping[str, Any] = {
    "censored": "the output has been hidden due to the fact that 'no_log: true' was specified for this result",
}


def shown(result: Mapping[str, Any], *, no_log: bool) -> Mapping[str, Any]:
    """The result as it may leave the engine."""
    if not no_log:
        return result
    return {**CENSORED, **{key: result[key] for key in ("changed", "failed", "skipped") if key in result}}
