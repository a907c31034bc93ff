"""Where an app is built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.nextjs.settings.common import with_defaults
from provisioner.remote.spec import Arg, Problem

FIRST, CONTROLLER = "first", "controller"

OPTIONS = {
    "on": Arg(
        default=FIRST,
        doc="`first` (the first host of the play), `controller` (this machine), or the name of a host, of the play "
        "or only of the inventory",
    ),
}


@dataclass(frozen=True, slots=True)
class Build:
    on: str = FIRST


def read(value: Mapping[str, Any]) -> Build:
    return Build(**with_defaults(OPTIONS, value))


def problems(value: Mapping[str, Any]) -> Iterator[Problem]:
    if value.get("on") == "":
        yield Problem("build", "`on` in `build` is empty", "first, controller, or the name of a host")
