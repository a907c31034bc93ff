"""What a release is made of and how it is started."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from provisioner.remote.spec import Problem

Mode = Literal["auto", "server", "standalone", "static", "docker"]
MODES: tuple[Mode, ...] = ("auto", "server", "standalone", "static", "docker")

_NOT_YET = {
    "docker": "use standalone: as little is brought to the host, and it runs on a Node.js of its own without an image",
}


def problems(mode: str) -> Iterator[Problem]:
    if mode in _NOT_YET:
        yield Problem("mode", f"`mode: {mode}` is not there yet", _NOT_YET[mode])
