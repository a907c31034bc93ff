"""Dates: text to a date and back, with the moment given. The present moment is the effect `now`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from jinja2.runtime import Context
from jinja2.utils import pass_context

from provisioner.template.effects import Effect
from provisioner.template.lookups import scope_of
from provisioner.values import Value


def to_datetime(text: str, format: str = "%Y-%m-%d %H:%M:%S") -> datetime:
    """
    >>> to_datetime("2026-01-02 03:04:05").day
    2
    """
    return datetime.strptime(text, format)  # noqa: DTZ007 - naive, as written, so that two can be subtracted


@pass_context
def strftime(context: Context, format: str, second: Value = None, utc: bool = False) -> str:
    """`format` filled in for `second` (seconds since 1970), or for the moment of the attempt.

    A given moment is shown in UTC unless the attempt's own clock is asked, which knows the local zone.

    >>> evaluate("'%Y-%m-%d %H:%M' | strftime(1767323045)"), evaluate("('%Y' | strftime) == now(fmt='%Y')")
    ('2026-01-02 03:04', True)
    """
    if second is None:
        moment: datetime = scope_of(context).effects.ask(Effect("now", (bool(utc),)))
        return moment.strftime(format)
    try:
        moment = datetime.fromtimestamp(float(second), UTC)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"Invalid value for epoch value ({second})") from None
    return moment.strftime(format)


FILTERS: Mapping[str, Callable[..., Any]] = {"to_datetime": to_datetime, "strftime": strftime}
