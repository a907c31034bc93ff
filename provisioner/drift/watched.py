"""Pure: from what hosts tell for the watch list to findings. Nothing of it is in the playbook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from provisioner.drift.findings import UNKNOWN, UNMANAGED, Finding
from provisioner.drift.watchlist import SETTINGS, SINCE_APPLY
from provisioner.events import Event, PlayStarted, TaskRef, TaskResult
from provisioner.history.surveys import Surveyed, Told, is_survey, told

_MOST: Final = 40
"""Findings of one watch on one host; the rest is counted."""
_NAMED: Final = 10  # packages named in a reason
_DAY: Final = 86400
_MANUAL: Final = "installed"
"""What the survey says of packages that are no mere dependencies; those come and go with upgrades."""
_NO_BASELINE: Final = "nothing to compare with: the next `provision apply` records what there is"


@dataclass(frozen=True, slots=True)
class Known:
    """What there was. baseline: by place, watch and settings. manages: whether an apply has made a file at a place.
    compared: a line of a watch as baselines have it."""

    baseline: Callable[[str, str, str], Surveyed | None]
    manages: Callable[[str, str], bool]
    compared: Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class _Difference:
    item: str
    reason: str
    diff: Any = None


def watched(events: Iterable[Event], known: Known, applying: Sequence[str], now: float) -> Iterator[Finding]:
    """applying: runs that were changing hosts meanwhile, which tells nothing about what they change."""
    play = ""
    for event in events:
        if isinstance(event, PlayStarted):
            play = event.name
        if not isinstance(event, TaskResult) or event.status != "ok" or not is_survey(event.resource):
            continue
        assert event.resource is not None
        for watch, answer in told(event.result).items():
            task = TaskRef(f"{event.task.id} {watch}", watch, event.task.module, event.task.path)
            if applying and watch in SINCE_APPLY:
                reason = f"run {', '.join(applying)} was changing hosts meanwhile"
                yield Finding(event.host, play, task, "", UNKNOWN, reason)
            elif answer.unknown or watch not in SETTINGS:
                yield Finding(event.host, play, task, "", UNKNOWN, answer.unknown or "there is no such watch")
            elif watch not in SINCE_APPLY:
                settings = _settings(event.result, watch)
                yield from _findings(event, play, task, _CONDITIONS[watch](answer.items, settings, now), None)
            elif (before := known.baseline(event.resource.where, watch, answer.settings)) is None:
                yield Finding(event.host, play, task, "", UNKNOWN, _NO_BASELINE)
            else:
                place = event.resource.where
                found = _since_apply(watch, answer, before, known, place)
                yield from _findings(event, play, task, found, before.taken)


def _findings(event: TaskResult, play: str, task: TaskRef, found: Iterable[_Difference],
              applied: float | None) -> Iterator[Finding]:  # fmt: skip
    differences = list(found)
    if len(differences) > _MOST:
        differences[_MOST:] = [_Difference("…", f"and {len(differences) - _MOST} more")]
    for each in differences:
        yield Finding(event.host, play, task, each.item, UNMANAGED, each.reason, each.diff, applied=applied)


def _settings(result: Mapping[str, Any], watch: str) -> Mapping[str, Any]:
    given = result["survey"][watch].get("settings")
    return {**SETTINGS[watch], **(given if isinstance(given, Mapping) else {})}


# -- compared with the last apply ------------------------------------------------------------------------------------


def _since_apply(watch: str, answer: Told, before: Surveyed, known: Known, place: str) -> Iterator[_Difference]:
    for item in sorted(answer.items.keys() | before.items.keys()):
        now, then = answer.items.get(item, ()), before.items.get(item, ())
        if item in answer.shipped:
            continue  # an upgrade of its package may have changed it
        if watch == "packages":
            yield from _package(item, now, then)
        elif watch == "ports":
            if not then:
                yield _Difference(item, f"{', '.join(now)} listens there, which nothing did at the last apply")
        elif watch == "files":
            if not then and not known.manages(place, item):
                yield _Difference(item, "not there at the last apply; no task made it, no package owns it")
        else:
            yield from _lines(watch, item, now, then, known)


def _package(item: str, now: Sequence[str], then: Sequence[str]) -> Iterator[_Difference]:
    if not then and _MANUAL in now:
        yield _Difference(item, "installed since the last apply")
    if not now and _MANUAL in then:
        yield _Difference(item, "removed since the last apply")


def _lines(watch: str, item: str, now: Sequence[str], then: Sequence[str], known: Known) -> Iterator[_Difference]:
    compared = {known.compared(watch, line): line for line in now}
    more = [line for hashed, line in compared.items() if hashed not in then]
    less = [line for line in then if line not in compared]
    if not more and not less:
        return
    hidden = known.compared(watch, "") != ""  # a hash says nothing to people
    counted = [f"{len(lines)} {words}" for lines, words in ((more, "that were not there"), (less, "gone")) if lines]
    reason = ("not there at the last apply" if not then else "gone since the last apply" if not now
              else f"lines changed since the last apply: {', '.join(counted)}")  # fmt: skip
    shown = [] if hidden else less
    diff = {"before_header": item, "after_header": item, "before": _text(shown), "after": _text(more)}
    yield _Difference(item, reason, diff if shown or more else None)


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


# -- what needs attention by itself ----------------------------------------------------------------------------------

_Items = Mapping[str, Sequence[str]]


def _failed(items: _Items, settings: Mapping[str, Any], now: float) -> Iterator[_Difference]:
    for unit, lines in items.items():
        yield _Difference(unit, f"has failed: {' '.join(lines)}")


def _reboot(items: _Items, settings: Mapping[str, Any], now: float) -> Iterator[_Difference]:
    for lines in items.values():
        yield _Difference("", f"a reboot is due: {_some(lines)}")


def _updates(items: _Items, settings: Mapping[str, Any], now: float) -> Iterator[_Difference]:
    """One finding for all: which ones is another set every other day, and no news of its own."""
    if items:
        yield _Difference("", f"security updates wait: {_some(sorted(items))}")


def _certificates(items: _Items, settings: Mapping[str, Any], now: float) -> Iterator[_Difference]:
    for path, lines in items.items():
        ends = _number(lines, 0)
        if ends is not None and ends < now + settings["days"] * _DAY:
            day = datetime.fromtimestamp(ends, UTC).date()
            yield _Difference(path, f"has expired on {day}" if ends < now
                              else f"expires on {day}, in {int((ends - now) // _DAY)} days")  # fmt: skip


def _disk(items: _Items, settings: Mapping[str, Any], now: float) -> Iterator[_Difference]:
    for place, lines in items.items():
        for what, at in (("room", 0), ("files", 2)):
            free, whole = _number(lines, at), _number(lines, at + 1)
            if free is not None and whole and 100 * free / whole < settings["below"]:
                yield _Difference(place, f"{100 * free / whole:.1f} % of its {what} left")


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _number(lines: Sequence[str], at: int) -> int | None:
    try:
        return min(int(lines[at]), 2**50)  # a host may say anything, a date ends somewhere
    except (ValueError, IndexError):
        return None


_CONDITIONS: Final[Mapping[str, Callable[[_Items, Mapping[str, Any], float], Iterator[_Difference]]]] = {
    "failed_units": _failed, "reboot": _reboot, "security_updates": _updates, "certificates": _certificates,
    "disk": _disk,
}  # fmt: skip
