"""How long files of earlier releases stay, for tabs that were opened before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.nextjs.settings.common import with_defaults
from provisioner.remote.spec import Arg, Problem

OPTIONS = {
    "keep_releases": Arg(type="int", default=5, doc="Of how many releases `_next/static` stays at least"),
    "keep_hours": Arg(type="float", default=24.0, doc="Hours it stays at least after a release was replaced"),
}


@dataclass(frozen=True, slots=True)
class Assets:
    keep_releases: int = 5
    keep_hours: float = 24.0


def read(value: Mapping[str, Any]) -> Assets:
    return Assets(**with_defaults(OPTIONS, value))


def problems(value: Mapping[str, Any]) -> Iterator[Problem]:
    settings = read(value)
    if settings.keep_releases < 1:
        yield Problem("assets", "`keep_releases` in `assets` must be at least 1")
    if not 0 <= settings.keep_hours <= 24 * 365:
        yield Problem("assets", f"`keep_hours: {settings.keep_hours:g}` in `assets` is not between 0 and a year")
