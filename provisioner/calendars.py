"""Schedules of jobs: crontab's five fields as systemd's calendar expressions; systemd's own as they are. Pure."""

from __future__ import annotations

import re

_CALENDAR = re.compile(r"[A-Za-z0-9*,./~:_+-]+(?: [A-Za-z0-9*,./~:_+-]+){0,3}")
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_SHORT = {
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}  # fmt: skip
_LONGEST = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}  # days of months that lack the 31st


def calendars(schedule: str, zone: str = "UTC") -> tuple[str, ...]:
    """What to write after `OnCalendar=`, each line further times; ValueError with what is wrong.

    A crontab line is in that time zone; "" is the one of the machine that runs it. Where it names days of the month
    and days of the week, it means either, which takes two expressions here."""
    text = " ".join(schedule.split())
    fields = _SHORT.get(text, text).split(" ")
    if len(fields) == 5:
        return _from_crontab(fields, zone)
    if text.startswith("@"):
        raise ValueError(f"`{text}` is none of {', '.join(_SHORT)}")
    if not _CALENDAR.fullmatch(text):
        raise ValueError("it is neither five fields of a crontab nor a calendar expression of systemd")
    return (text,)


def _from_crontab(fields: list[str], zone: str) -> tuple[str, ...]:
    minutes = _values(fields[0], 0, 59, "minute")
    hours = _values(fields[1], 0, 23, "hour")
    days = _values(fields[2], 1, 31, "day of the month")
    months = _values(fields[3], 1, 12, "month", _MONTHS)
    weekdays = _values(fields[4], 0, 7, "day of the week", {name: day for day, name in enumerate(_DAYS)})
    if days and not any(day <= _LONGEST.get(month, 31) for day in days for month in months or (1,)) and not weekdays:
        raise ValueError("no such month has such a day, so it would never run")
    time = f"{_listed(hours)}:{_listed(minutes)}:00 {zone}".rstrip()
    named = ",".join(_DAYS[day].capitalize() for day in sorted({day % 7 for day in weekdays or ()}))
    any_day, by_month = f"*-{_listed(months)}-*", f"*-{_listed(months)}-{_listed(days)}"
    if weekdays and days and not (fields[2].startswith("*") or fields[4].startswith("*")):
        return f"{by_month} {time}", f"{named} {any_day} {time}"
    return (f"{named} {by_month} {time}" if weekdays else f"{by_month} {time}",)


def _values(field: str, lowest: int, highest: int, what: str, names: dict[str, int] | None = None) -> list[int] | None:
    """The numbers that a field means; None for all."""
    found: set[int] = set()
    for part in field.lower().split(","):
        span, _, step = part.partition("/")
        if not span or (step and not (step.isdecimal() and int(step))) or part.endswith("/"):
            raise ValueError(f"`{field}` is no {what}")
        first, dash, last = span.partition("-")
        if span == "*":
            low, high = lowest, highest
        else:
            low = _number(first, lowest, highest, what, names)
            high = _number(last, lowest, highest, what, names) if dash else (highest if step else low)
        if low > high:
            raise ValueError(f"`{part}` ends before it begins; write it as two, with a comma between them")
        found |= set(range(low, high + 1, int(step or 1)))
    return None if field == "*" else sorted(found)


def _number(text: str, lowest: int, highest: int, what: str, names: dict[str, int] | None) -> int:
    number = (names or {}).get(text, int(text) if text.isdecimal() and len(text) < 4 else -1)
    if not lowest <= number <= highest:
        raise ValueError(f"`{text}` is no {what}: {lowest} to {highest}")
    return number


def _listed(values: list[int] | None) -> str:
    return "*" if values is None else ",".join(f"{value:02d}" for value in values)
