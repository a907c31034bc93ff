"""Asks all hosts about an app, side by side, and finds out which app is meant and which hosts have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from provisioner.actions.base import Driving
from provisioner.diag import HostUnreachable, ProvisionError, UsageError, near
from provisioner.values import HostName

Result = dict[str, Any]
Results = dict[HostName, Result]
Report = Mapping[str, Any]
"""What `nextjs_report` tells about an app on a host."""


@dataclass(frozen=True, slots=True)
class Answers:
    """app: its name. reports: of the hosts that have it. others: results of the hosts that have not, or are lost."""

    app: str
    reports: Mapping[HostName, Report]
    others: Results

    def having(self, calls: Sequence[Driving]) -> list[Driving]:
        return [call for call in calls if call.host in self.reports]


def on_each(calls: Sequence[Driving], work: Callable[[Driving], Result]) -> Results:
    """`work` for each host, side by side; its errors become the host's result."""

    def guarded(call: Driving) -> Result:
        try:
            return work(call)
        except ProvisionError as error:
            return failed(error)

    if not calls:
        return {}
    with ThreadPoolExecutor(len(calls), thread_name_prefix="app") as pool:
        return dict(zip((call.host for call in calls), pool.map(guarded, calls), strict=True))


def failed(error: ProvisionError) -> Result:
    told: Result = {"failed": True, "msg": error.message, **({"hint": error.hint} if error.hint else {})}
    return {**told, "unreachable": True} if isinstance(error, HostUnreachable) else told


def ask(calls: Sequence[Driving], name: str | None) -> Answers:
    """What the hosts tell about the app `name`; about the only one there is, where that is None. Raises
    `UsageError` when no host has it, unless one that could not be asked may have it."""
    answers = on_each(calls, lambda call: call.call("nextjs_report", {"name": name} if name else {}))
    told = {host: answer for host, answer in answers.items() if not answer.get("failed")}
    known = sorted({each for answer in told.values() for each in answer["apps"]})
    app = name or _only(known, complete=len(told) == len(calls))
    reports = {host: answer["app"] for host, answer in told.items() if answer["app"] and answer["app"]["name"] == app}
    if not reports and len(told) == len(calls):
        where = f"on {'this host' if len(calls) == 1 else f'these {len(calls)} hosts'}"
        there = f"there {'is' if len(known) == 1 else 'are'} {', '.join(known)}" if known else "there is none at all"
        raise UsageError(f"there is no app {app!r} {where}", hint=near(app, known) or there)
    others = {host: {"skipped": True, "changed": False} if host in told else answer
              for host, answer in answers.items() if host not in reports}
    return Answers(app, reports, others)


def needs_a_process(answers: Answers, why: str) -> None:
    """Raises `UsageError` where the app is exported as files. why: what there is to do instead."""
    if any(report["kind"] == "files" for report in answers.reports.values()):
        raise UsageError(f"{answers.app} is exported as files: no process of it runs on the hosts", hint=why)


def _only(known: Sequence[str], *, complete: bool) -> str:
    if len(known) == 1:
        return known[0]
    if known:
        raise UsageError("several apps are deployed on these hosts: say which one", hint=", ".join(known))
    if complete:
        raise UsageError("no app is deployed on these hosts", hint="`provision apply` with `nextjs_app` deploys one")
    return ""


def tell(calls: Sequence[Driving], name: str | None) -> Results:
    """Each host's report, as its result under `app`."""
    answers = ask(calls, name)
    return {**answers.others, **{host: {"changed": False, "app": report} for host, report in answers.reports.items()}}
