"""When something was changed on a host, and who had logged in before: hints from the host itself, no proof."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from provisioner.drift.findings import DRIFTED, UNMANAGED, Finding
from provisioner.events import Event, ItemResult, PlayStarted, Resource, TaskResult
from provisioner.history.surveys import is_survey
from provisioner.parting import Reached
from provisioner.remote.survey.traces import BEFORE
from provisioner.ui.moments import utc
from provisioner.values import HostName

MODULE: Final = "host_traces"
_FILES: Final = frozenset({"blockinfile", "copy", "file", "get_url", "lineinfile", "replace", "template"})
_PACKAGES: Final = frozenset({"apt", "package"})
_UNITS: Final = frozenset({"service", "systemd"})
_ELSEWHERE: Final = {"user": "/etc/passwd", "group": "/etc/group", "hostname": "/etc/hostname"}
_BY_WATCH: Final = {"packages": "package", "units": "unit", "failed_units": "unit", "files": "path", "crontabs": "path",
                    "sudoers": "path", "authorized_keys": "path"}  # fmt: skip
_OF_SYSTEMD: Final = "/etc/systemd/system"
_LATEST: Final = 4e9  # of a moment that is believed: the year 2096
_LOGINS: Final = 5

Thing = tuple[str, str]
"""What a host can be asked about: `path`, `package` or `unit`, and its name."""


@dataclass(slots=True)
class Traces:
    """A `Parting`: asks each host, once, about what a check found to differ there. told: the answers.

    noticed: what the watch list finds in these events.
    """

    noticed: Callable[[Sequence[Event]], Iterable[Finding]] = lambda events: ()
    told: dict[HostName, Mapping[str, Any]] = field(default_factory=dict)
    _asked: dict[HostName, dict[Thing, None]] = field(default_factory=dict)
    _surveys: list[Event] = field(default_factory=list)

    def handle(self, event: Event, time: float) -> None:
        if isinstance(event, PlayStarted) or (isinstance(event, TaskResult) and is_survey(event.resource)):
            self._surveys.append(event)
        elif (isinstance(event, TaskResult | ItemResult) and event.checked and event.status == "changed"
                and event.resource is not None):  # fmt: skip
            self._asked.setdefault(event.host, {}).update(dict.fromkeys(things(event.resource)))

    def close(self) -> None:
        """Nothing is open."""

    def part(self, reached: Reached) -> None:
        for finding in self.noticed(self._surveys):
            self._asked.setdefault(finding.host, {}).update(dict.fromkeys(things_found(finding)))
        places = reached.places()
        args: dict[HostName, dict[str, list[str]]] = {}
        for host, asked in self._asked.items():
            for kind, name in asked if host in places else ():
                args.setdefault(host, {}).setdefault(kind, []).append(name)
        answers = reached.call_all(MODULE, args, check=True)
        self.told = {host: answer for host, answer in answers.items() if not answer.get("failed")}


def things(resource: Resource) -> Iterator[Thing]:
    """What a resource is on the host, where it is something that leaves traces."""
    if resource.module in _ELSEWHERE:
        yield "path", _ELSEWHERE[resource.module]
        return
    named = json.loads(resource.name) if resource.name.startswith("{") else {}
    if resource.module in _FILES:
        path = named.get("path") or named.get("dest")
        if isinstance(path, str) and path.startswith("/") and not path.endswith("/"):
            yield "path", path
    elif resource.module in _PACKAGES:
        given = named.get("name") or []
        names = given.split(",") if isinstance(given, str) else given
        yield from (("package", str(name).partition("=")[0].partition(":")[0].strip()) for name in names)
    elif resource.module in _UNITS and named.get("scope", "system") == "system" and isinstance(named.get("name"), str):
        yield "unit", named["name"]


def things_found(finding: Finding) -> Iterator[Thing]:
    """What has drifted, or what the watch list found."""
    if finding.kind == DRIFTED and finding.resource is not None:
        yield from things(finding.resource)
    elif finding.kind == UNMANAGED:
        watch, item = finding.task.name, finding.item
        if watch == "users":
            yield "path", "/etc/passwd"
        elif watch == "sudoers" and item.startswith("group "):
            yield "path", "/etc/group"
        elif watch == "units" and "/" in item:
            yield "path", f"{_OF_SYSTEMD}/{item}"
        elif (kind := _BY_WATCH.get(watch)) and (kind != "path" or item.startswith("/")):
            yield kind, item


def hinted(finding: Finding, told: Mapping[HostName, Mapping[str, Any]]) -> Finding:
    """With what the host says of it, if that has happened since the last apply."""
    answer = told.get(finding.host)
    if answer is None:
        return finding
    lines: list[str] = []
    asked = list(things_found(finding))
    for kind, name in asked:
        trace = _given(_given(_given(answer, "traces"), kind), name)
        moment = _moment(trace)
        if moment is None or moment < (finding.applied or 0.0):
            continue
        by = f", asked for by {trace['by']}" if trace.get("by") else ""
        lines.append(f"{f'{name}: ' if len(asked) > 1 else ''}{utc(moment)}: {trace.get('what')}{by}")
        came = list(_logins(answer, moment))
        if came:
            lines.append(f"in the hour before: {', '.join(came)}")
    return replace(finding, hint="\n".join(lines))


def _logins(answer: Mapping[str, Any], moment: float) -> Iterator[str]:
    """The latest first."""
    given = answer.get("logins")
    logins = [(came, login) for login in (given if isinstance(given, list) else ())
              if (came := _moment(login)) is not None and moment - BEFORE <= came <= moment + 1]  # fmt: skip
    for came, login in sorted(logins, key=lambda pair: -pair[0])[:_LOGINS]:
        yield f"{login.get('user')} from {login.get('origin')} ({utc(came)})"


def _given(answer: Any, key: str) -> Mapping[str, Any]:
    """A host may answer anything."""
    found = answer.get(key)
    return found if isinstance(found, Mapping) else {}


def _moment(entry: Any) -> float | None:
    moment = entry.get("moment") if isinstance(entry, Mapping) else None
    return float(moment) if isinstance(moment, (int, float)) and 0 < moment < _LATEST else None
