"""Starts releases again, host after host in waves: to go back, to restart, to change variables."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from provisioner.actions.base import Driving
from provisioner.diag import ProvisionError, UsageError
from provisioner.nextjs.day2.gather import Answers, Report, Result, Results, ask, failed, needs_a_process, on_each
from provisioner.nextjs.day2.target import target
from provisioner.nextjs.rollout import Rollout
from provisioner.values import Secret

Order = Callable[[Report], Mapping[str, Any] | None]
"""What to tell `nextjs_again` about a host; None where nothing is to do."""
Sizes = Sequence[int | str]
SHOWN = "********"
"""What stands for a secret."""


def roll_back(
    calls: Sequence[Driving], name: str | None, *, to: str | None, sizes: Sizes, hooks: bool = True
) -> Results:
    """To the release `to` (the beginning of its id), or to what ran before. hooks: run the project's own commands."""
    answers = ask(calls, name)
    if not answers.reports:
        return answers.others
    _refuse_half(answers)
    goal = target(answers.reports, to)

    def order(report: Report) -> Mapping[str, Any] | None:
        if report["release"] == goal.release and not report["interrupted"] and not goal.undoes:
            return None
        return {"release": goal.release, **({"undo": True} if goal.undoes else {}),
                **({"hooks": "after"} if hooks else {})}  # fmt: skip

    leaving = next((call for call in answers.having(calls) if order(answers.reports[call.host])), None)
    if hooks and leaving is not None and "before_rollback" in answers.reports[leaving.host]["hooks"]:
        prepared = _before_any(leaving, answers)
        if prepared.get("failed"):
            return {**{call.host: {"skipped": True, "changed": False} for call in calls}, **answers.others,
                    leaving.host: prepared}  # fmt: skip
    return _in_waves(calls, answers, order, sizes)


def _before_any(call: Driving, answers: Answers) -> Result:
    """The commands of `before_rollback`, on the first host that goes back."""
    result = call.call("nextjs_again", {"name": answers.app, "hooks": "before"})
    call.step("before_rollback", result)
    return result


def restart(calls: Sequence[Driving], name: str | None, *, sizes: Sizes) -> Results:
    answers = ask(calls, name)
    needs_a_process(answers, "the web server serves them; `provision app status` asks it for them")
    return _in_waves(calls, answers, lambda report: {}, sizes)


def _refuse_half(answers: Answers) -> None:
    """What only a controller with credentials fills would stay at the newer release."""
    buckets = sorted({report["bucket"] for report in answers.reports.values() if report["bucket"]})
    if buckets:
        raise UsageError(f"{answers.app} is published to {', '.join(buckets)} too, which only `provision apply` does",
                         hint="take the source back and apply: the release is kept, so nothing is built")  # fmt: skip


def set_variables(
    calls: Sequence[Driving],
    name: str | None,
    *,
    values: Mapping[str, str | Secret],
    unset: Sequence[str] = (),
    sizes: Sizes,
) -> Results:
    """Set variables by hand, or give them up. Hosts where nothing changes are left alone."""
    answers = ask(calls, name)
    needs_a_process(answers, "variables are frozen into the pages when they are built: change `env` in the playbook")
    known = {each for report in answers.reports.values() for each in report["overrides"]}
    strange = [each for each in unset if each not in known]
    if strange and answers.reports:
        raise UsageError(f"{', '.join(strange)}: not set by hand on any of the hosts",
                         hint=f"set are {', '.join(sorted(known))}" if known else "none is set by hand")  # fmt: skip
    plain = {each: value for each, value in values.items() if not isinstance(value, Secret)}
    secret = {each: value for each, value in values.items() if isinstance(value, Secret)}

    def order(report: Report) -> Mapping[str, Any] | None:
        mine = [each for each in unset if each in report["overrides"]]
        same = not secret and all(report["overrides"].get(each) == value for each, value in plain.items())
        return None if same and not mine else {"set": plain, "secrets": secret, "unset": mine}

    _tell_difference(answers.having(calls), answers, values, unset)
    return _in_waves(calls, answers, order, sizes)


def _tell_difference(calls: Sequence[Driving], answers: Answers, values: Mapping[str, str | Secret],
                     unset: Sequence[str]) -> None:  # fmt: skip
    """One line for each variable that changes on a host."""
    for call in calls:
        before = answers.reports[call.host]["overrides"]
        for name, value in values.items():
            new = SHOWN if isinstance(value, Secret) else value
            old = "not set by hand" if name not in before else SHOWN if before[name] is None else before[name]
            if old != new or new == SHOWN:
                call.step(f"{name}: {old} -> {new}", {"changed": True})
        for name in unset:
            if name in before:
                old = SHOWN if before[name] is None else before[name]
                call.step(f"{name}: {old} -> what the playbook says", {"changed": True})


def _in_waves(calls: Sequence[Driving], answers: Answers, order: Order, sizes: Sizes) -> Results:
    """A host that fails has gone back by itself; later waves then stay with what they run."""
    able = answers.having(calls)
    rollout = Rollout([call.host for call in able], sizes)

    def through(call: Driving) -> Result:
        report = answers.reports[call.host]
        try:
            rollout.wait_for_turn(call.host)
            result = _start(call, answers.app, report, order(report))
        except ProvisionError as error:
            result = failed(error)
        if result.get("failed"):
            rollout.failed(call.host, (str(result.get("msg")).splitlines() or ["failed"])[0])
        else:
            rollout.done(call.host)
        return result

    return {**answers.others, **on_each(able, through)}


def _start(call: Driving, app: str, report: Report, order: Mapping[str, Any] | None) -> Result:
    if order is None:
        call.step(f"release {report['release']} runs already: nothing to do", {"changed": False})
        return {"changed": False, "app": report, "release": report["release"]}
    began = time.monotonic()
    result = call.call("nextjs_again", {"name": app, **order})
    if not result.get("failed"):
        call.step(_told(report, result), result, ms=(time.monotonic() - began) * 1000)
    return {**result, "app": report}


def _told(report: Report, result: Result) -> str:
    if report["kind"] == "files":
        return f"clients get release {result['release']}"
    found = " which was still running" if result["was_warm"] else ""
    place = f" in slot {result['slot']}{found}" if result.get("slot") else ""
    return f"release {result['release']} runs{place}"
