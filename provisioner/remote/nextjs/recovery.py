"""Ends a release at boot that a power cut interrupted: nobody has to be connected for that.

The program is this package as one file, beside the journal and of the version that wrote it; a unit starts it.
"""

from __future__ import annotations

import os
import sys
from typing import IO, Any, Dict, Iterable, List, Mapping

from provisioner.remote.context import Context, Services, Task
from provisioner.remote.nextjs import lock, slots, switching
from provisioner.remote.nextjs.layout import RELEASE_JOURNALS, SLOTS, Layout, ensure_directory, unit_file
from provisioner.remote.sdk import Ctx, ModuleFailed

_UNIT = """\
# Made by provision for the app %(app)s; changes made here are overwritten.
[Unit]
Description=End an interrupted release of the app %(app)s
After=network.target %(units)s

[Service]
Type=oneshot
ExecStart=%(python)s -I %(program)s %(app)s
TimeoutStartSec=600

[Install]
WantedBy=multi-user.target
"""


def install(ctx: Ctx, layout: Layout, program: "Mapping[str, Any]") -> None:
    """Put the program and its unit on the host, unless they are there. Never while a release is interrupted: what
    that one wrote is for its own program to read."""
    if ctx.sha256(layout.recovery) != program["sha256"]:
        ensure_directory(ctx, RELEASE_JOURNALS, "0700")
        ctx.write(layout.recovery, ctx.content(program), mode="0600", owner="root", group="root")
    units = " ".join(layout.unit_of(slot) for slot in SLOTS)
    text = _UNIT % {"app": layout.name, "units": units, "python": sys.executable, "program": layout.recovery}
    path = unit_file(layout.recovery_unit)
    if ctx.read_text(path) != text:
        ctx.write(path, text.encode(), mode="0644", owner="root", group="root")
        ctx.run(["systemctl", "daemon-reload"], check=True, timeout=60)
        ctx.run(["systemctl", "enable", "--quiet", layout.recovery_unit], check=True, timeout=60)


def main(argv: "List[str]") -> int:
    """`argv`: the name of the app. 0 also where nothing is to do, or another run is at it."""
    context = Context(Task("nextjs_switch"), Services(_Alone(), _Nothing(), _say, lambda: None, _call, "/root", 0o022))
    layout = Layout(argv[1])
    try:
        with lock.held(context, layout):
            journal = slots.read_journal(context, layout)
            if not slots.is_interrupted(journal):
                return 0
            _tell("the release that was at `%s` when the host went down is ended now" % journal.get("step"))
            ended = switching.resume(context, layout, journal)
    except ModuleFailed as error:
        _tell(str(error))
        return 1
    live = slots.live(context, layout, slots.read_journal(context, layout))
    _tell("%s runs%s" % (live.release if live else "nothing", ": " + ended.problem if ended.problem else ""))
    return 1 if ended.stuck else 0


def _tell(line: str) -> None:
    os.write(1, (line + "\n").encode())


def _say(stream: str, data: bytes) -> None:
    os.write(1, data)


def _call(context: Context, module: str, args: "Mapping[str, Any]") -> "Dict[str, Any]":
    raise ModuleFailed("the module %s is not here" % module)


class _Alone:
    """There is no controller that could say anything."""

    ended = False
    cancelled = False

    def fileno(self) -> int:
        return -1

    def pump(self) -> None:
        """Nothing ever comes."""


class _Nothing:
    """Content comes from a controller."""

    def open(self, ref: "Mapping[str, Any]") -> "IO[bytes]":
        raise ModuleFailed("there is no controller to ask for content")

    def ask_ahead(self, refs: "Iterable[Mapping[str, Any]]") -> None:
        """Nobody is there to hear it."""

    def send(self, source: "IO[bytes]") -> int:
        raise ModuleFailed("there is no controller to send anything to")
