"""How to tell that an app is well. The pattern for a group of settings: options, value, `read`, `problems`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.nextjs.settings.common import with_defaults
from provisioner.remote.spec import Arg, Problem

OPTIONS = {
    "path": Arg(default="/", doc="What to ask for"),
    "status": Arg(type="int", doc="The status that must come; by default any from 200 to 399"),
    "timeout": Arg(type="float", default=60.0, doc="Seconds until it must answer"),
    "settle": Arg(type="float", default=0.0, doc="Seconds it must then stay well before it gets the first request"),
}


@dataclass(frozen=True, slots=True)
class Health:
    path: str = "/"
    status: int | None = None
    timeout: float = 60.0
    settle: float = 0.0


def read(value: Mapping[str, Any]) -> Health:
    return Health(**with_defaults(OPTIONS, value))


def problems(value: Mapping[str, Any], *, proxy: str) -> Iterator[Problem]:
    if not str(value.get("path", "/")).startswith("/"):
        yield Problem("health", f"the health path `{value['path']}` does not start with /")
    settle = value.get("settle", 0.0)
    if not 0 <= settle <= 600:
        yield Problem("health", f"`settle: {settle:g}` is not between 0 and 600 seconds")
    if settle and proxy == "none":
        yield Problem("health", "`settle` needs a web server in front, which keeps requests from the new release",
                      "leave `proxy: none` or `settle` out")  # fmt: skip
