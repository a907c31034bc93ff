"""How to tell that an app is well. The pattern for a group of settings: options, value, `read`, `problems`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.nextjs.settings.common import with_defaults
from provisioner.remote.spec import Arg, Problem

OPTIONS = {
    "path": Arg(default="/", doc="What to ask for"),
    "status": Arg(type="int", doc="The status that must come; by default any from 200 to 399"),
    "timeout": Arg(type="float", default=60.0, doc="Seconds until it must answer"),
    "warm": Arg(type="list", elements="str", default=[],
                doc="Paths that are asked for once it is well, so that its first visitor need not wait for them"),
    "settle": Arg(type="float", default=0.0, doc="Seconds it must then stay well before it gets the first request"),
}


@dataclass(frozen=True, slots=True)
class Health:
    path: str = "/"
    status: int | None = None
    timeout: float = 60.0
    warm: Sequence[str] = ()
    settle: float = 0.0


def read(value: Mapping[str, Any]) -> Health:
    found = with_defaults(OPTIONS, value)
    return Health(**{**found, "warm": tuple(found["warm"])})


def problems(value: Mapping[str, Any], *, proxy: str) -> Iterator[Problem]:
    if not str(value.get("path", "/")).startswith("/"):
        yield Problem("health", f"the health path `{value['path']}` does not start with /")
    for path in value.get("warm", ()):
        if not path.startswith("/"):
            yield Problem("health", f"the path to warm up `{path}` does not start with /")
    settle = value.get("settle", 0.0)
    if not 0 <= settle <= 600:
        yield Problem("health", f"`settle: {settle:g}` is not between 0 and 600 seconds")
    for name in ("warm", "settle"):
        if value.get(name) and proxy == "none":
            yield Problem("health", f"`{name}` needs a web server in front, which keeps requests from the new release",
                          f"leave `proxy: none` or `{name}` out")  # fmt: skip
