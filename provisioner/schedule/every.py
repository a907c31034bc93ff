"""When a schedule is due: "every 15 min", crontab's five fields, systemd's calendar expressions. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from provisioner.calendars import calendars

_EVERY: Final = re.compile(r"every(?: (\d{1,4}))? ?([a-z]+)")
_SECONDS: Final = {"s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600,
                   "d": 86_400, "day": 86_400, "w": 604_800, "week": 604_800}  # fmt: skip
_LONGEST_DELAY: Final = 300
_DURATION: Final = re.compile(r"(\d{1,6}) ?([a-z]*)")


@dataclass(frozen=True, slots=True)
class When:
    """calendars: lines for `OnCalendar=`. delay: seconds by which a start is put off at random, so that not all
    controllers, and not all schedules of one, begin in the same second."""

    calendars: tuple[str, ...]
    delay: int = 0


def when_of(text: str) -> When:
    """What a schedule means; ValueError with what is wrong. A crontab line is in this machine's time zone.

    An interval begins at the full minute, hour or day, so that it does not wander and a missed run can be known. A
    tenth of it, at most five minutes, is the delay; times that were named are kept to the second."""
    words = " ".join(text.lower().split())
    if not words.startswith("every"):
        return When(calendars(text, zone=""))
    found = _EVERY.fullmatch(words)
    unit = _unit(found[2]) if found else None
    if found is None or unit is None:
        raise ValueError(f"`{text}` is not understood; write it as `every 15 min`, `every 2 hours` or `every day`")
    seconds = int(found[1] or 1) * unit
    return When((_calendar(seconds, text),), min(seconds // 10, _LONGEST_DELAY))


def seconds_of(text: str) -> int:
    """A duration as `90`, `30s`, `10 min`, `2h`; ValueError if it is none."""
    found = _DURATION.fullmatch(text.strip().lower())
    unit = _unit(found[2] or "s") if found else None
    if found is None or unit is None:
        raise ValueError(f"`{text}` is no duration; write it as `90s`, `10min` or `2h`")
    return int(found[1]) * unit


def _unit(word: str) -> int | None:
    return _SECONDS.get(word) or _SECONDS.get(word.removesuffix("s"))


def _calendar(seconds: int, text: str) -> str:
    if seconds == 604_800:
        return "Mon *-*-* 00:00:00"
    for unit, whole, form, words in ((1, 60, "*-*-* *:*:00/{}", "seconds in a minute"),
                                     (60, 3600, "*-*-* *:00/{}:00", "minutes in an hour"),
                                     (3600, 86_400, "*-*-* 00/{}:00:00", "hours in a day")):  # fmt: skip
        if seconds < whole:
            if seconds == 0 or seconds % unit or whole % seconds:
                fitting = [str(number) for number in range(1, whole // unit) if whole // unit % number == 0]
                raise ValueError(f"`{text}` does not divide the {words} evenly; {', '.join(fitting)} do, and a crontab "
                                 "line or a calendar expression says everything else")  # fmt: skip
            return form.format(f"{seconds // unit:02d}") if seconds > unit else form.replace("00/{}", "*")
    if seconds == 86_400:
        return "*-*-* 00:00:00"
    raise ValueError(f"`{text}`: an interval is at most a day, or a week; a crontab line or a calendar expression says "
                     "everything else")  # fmt: skip
