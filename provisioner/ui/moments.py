"""Pure: moments and spans of time as words."""

from __future__ import annotations

from datetime import UTC, datetime


def utc(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(sep=" ", timespec="seconds")[:19] + " UTC"


def ago(moment: float, now: float) -> str:
    """In the largest unit that fits."""
    seconds = max(0.0, now - moment)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"


def ahead(moment: float, now: float) -> str:
    """How long until then, likewise."""
    told = ago(now, moment)
    return "now" if told == "just now" else f"in {told.removesuffix(' ago')}"


def took(seconds: float) -> str:
    """1.2 s, 1 min 5 s, 1 h 2 min"""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
