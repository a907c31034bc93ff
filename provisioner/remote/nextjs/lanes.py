"""Which slot gets the requests: a lane is a directory whose file names say so; `live` links to the one that is open.

The web server looks for these names with every request, so that opening another lane is one rename. It needs no
reload: a reload closes connections that clients keep open, and some of those have just sent a request.

    to-b                the requests go to slot b
    spare-a             what b does not take, as nothing listens there, goes to slot a
    pin-a.<deployment>  requests of pages that this deployment made go to slot a
"""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Tuple

from provisioner.remote.nextjs.layout import SINGLE, SLOTS, Layout, ensure_directory
from provisioner.remote.sdk import Ctx

_TO, _SPARE, _PIN = "to-", "spare-", "pin-"


class Lane(NamedTuple):
    """pin: slot and deployment."""

    to: str
    spare: "Optional[str]" = None
    pin: "Optional[Tuple[str, str]]" = None

    @property
    def name(self) -> str:
        return "_".join(self.files)

    @property
    def files(self) -> "List[str]":
        return [
            _TO + self.to,
            *([_SPARE + self.spare] if self.spare else []),
            *(["%s%s.%s" % (_PIN, *self.pin)] if self.pin else []),
        ]


def of_slot(slot: str) -> str:
    """The single service has the port of the first slot, and is reached as that."""
    return SLOTS[0] if slot == SINGLE else slot


def opened(ctx: Ctx, layout: Layout) -> "Optional[Lane]":
    """The lane that is open; None before the first release, and for one that nobody could read anything from."""
    found: "dict[str, str]" = {}
    for name in ctx.listdir(layout.live):
        for kind in (_TO, _SPARE, _PIN):
            if name.startswith(kind):
                found[kind] = name[len(kind) :]
    if found.get(_TO) not in SLOTS:
        return None
    slot, _, deployment = found.get(_PIN, "").partition(".")
    return Lane(found[_TO], found.get(_SPARE), (slot, deployment) if deployment else None)


def open_lane(ctx: Ctx, layout: Layout, lane: Lane) -> None:
    """From now on every new request takes this lane, also after a power cut."""
    if opened(ctx, layout) == lane:
        return
    ensure_directory(ctx, layout.lanes, "0755")
    path = "%s/%s" % (layout.lanes, lane.name)
    ensure_directory(ctx, path, "0755")
    for name in lane.files:
        if ctx.stat("%s/%s" % (path, name)) is None:
            ctx.write("%s/%s" % (path, name), b"", mode="0644")
    ctx.symlink("lanes/%s" % lane.name, layout.live)
    for other in ctx.listdir(layout.lanes):
        if other != lane.name:
            ctx.remove("%s/%s" % (layout.lanes, other), recursive=True)

