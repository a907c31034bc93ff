"""What runs in an app's slots, from its journal, or from what is there when there is none."""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping, NamedTuple, Optional

from provisioner.remote.nextjs import service
from provisioner.remote.nextjs.layout import SINGLE, SLOTS, Layout, read_state, upstream_text
from provisioner.remote.sdk import Ctx

STEADY = "steady"
_LISTENS = re.compile(r"^ExecStart=.* start -H (\S+) -p (\d+)$", re.MULTILINE)


class Occupant(NamedTuple):
    """A release in a slot. upstream: address:port for the web server."""

    slot: str
    release: "Optional[str]"
    upstream: str
    build_id: "Optional[str]" = None
    base_path: str = ""

    def as_data(self) -> "Dict[str, Any]":
        return dict(self._asdict())


def occupant(data: object) -> "Optional[Occupant]":
    if not isinstance(data, dict):
        return None
    return Occupant(data["slot"], data["release"], data["upstream"], data.get("build_id"), data.get("base_path") or "")


def read_journal(ctx: Ctx, layout: Layout) -> "Dict[str, Any]":
    return read_state(ctx, layout.release_journal)


def is_interrupted(journal: "Mapping[str, Any]") -> bool:
    return bool(journal) and journal.get("step") != STEADY


def upstream_of(unit: str) -> "Optional[str]":
    """Where the app of this unit is reached from the same host; None for a unit that is not ours."""
    found = _LISTENS.search(unit)
    if found is None:
        return None
    address, port = found.groups()
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 - compared, not listened on
    return "%s:%s" % ("[%s]" % address if ":" in address else address, port)


def port_of(upstream: str) -> int:
    return int(upstream.rpartition(":")[2])


def live(ctx: Ctx, layout: Layout, journal: "Mapping[str, Any]") -> "Optional[Occupant]":
    """What requests go to (during a release: what they went to before it)."""
    known = occupant(journal.get("live"))
    if known is not None:
        return known
    single = ctx.read_text(layout.unit_file)
    if single is not None:
        return _found(ctx, layout, SINGLE, single)
    named = ctx.read_text(layout.upstream)
    for slot in SLOTS:
        text = ctx.read_text(layout.slot(slot).unit_file)
        upstream = upstream_of(text or "")
        if upstream and upstream_text(upstream) == named and is_active(ctx, layout, slot):
            return _found(ctx, layout, slot, text or "")
    return None


def other(occupied: "Optional[Occupant]") -> str:
    """The slot for the next release. The single service uses the link and the port of the first slot."""
    if occupied is None:
        return SLOTS[0]
    return SLOTS[0] if occupied.slot == SLOTS[1] else SLOTS[1]


def is_active(ctx: Ctx, layout: Layout, slot: str) -> bool:
    return service.show(ctx, layout.slot(slot).unit).get("ActiveState") == "active"


def linked(ctx: Ctx, path: str) -> "Optional[str]":
    """The release a link points to."""
    found = ctx.stat(path)
    return found.target.rpartition("/")[2] if found and found.target else None


def _found(ctx: Ctx, layout: Layout, slot: str, unit: str) -> "Optional[Occupant]":
    upstream = upstream_of(unit)
    return Occupant(slot, linked(ctx, layout.slot(slot).link), upstream) if upstream else None
