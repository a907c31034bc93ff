"""Who is told of a check: each channel when the set of findings is another one than the one it was told last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioner.drift import seen, telling
from provisioner.drift.findings import Check
from provisioner.history.queries import opened


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to people. name: in the record of what was told, and in warnings."""

    name: str
    send: Callable[[str, str], str]
    """Takes a subject and a text; gives why they were not sent, or nothing."""


def tell(channels: Sequence[Channel], record: Path, scope: str, check: Check, site: str) -> Iterator[str]:
    """Tell those for whom it is news; gives the problems. What failed is told by the next check."""
    for channel in channels:
        with opened(record) as db:
            news = seen.is_news(db, scope, channel.name, check.findings)
        if not news:
            continue
        problem = channel.send(telling.subject(check, site), telling.message(check, site))
        if problem:
            yield f"the {channel.name} was not told: {problem}"
            continue
        with opened(record) as db:
            seen.was_told(db, scope, channel.name, check.findings)
