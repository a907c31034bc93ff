"""What runs in an app's slots, from its journal, or from what is there when there is none."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from provisioner.remote.nextjs import lanes, service
from provisioner.remote.nextjs.layout import SINGLE, SLOTS, UNITS, Layout, read_state, unit_file
from provisioner.remote.sdk import Ctx

STEADY = "steady"
_LISTENS = re.compile(r"^X-Listen=(\S+):(\d+)$", re.MULTILINE)


class Occupant(NamedTuple):
    """A release in a slot. upstreams: address:port of each instance. deployment: its id, in requests of its pages."""

    slot: str
    release: "Optional[str]"
    upstreams: "Tuple[str, ...]"
    build_id: "Optional[str]" = None
    base_path: str = ""
    deployment: "Optional[str]" = None

    def as_data(self) -> "Dict[str, Any]":
        return {**self._asdict(), "upstreams": list(self.upstreams)}


def occupant(data: object) -> "Optional[Occupant]":
    if not isinstance(data, dict):
        return None
    return Occupant(data["slot"], data["release"], tuple(data["upstreams"]), data.get("build_id"),
                    data.get("base_path") or "", data.get("deployment"))  # fmt: skip


def read_journal(ctx: Ctx, layout: Layout) -> "Dict[str, Any]":
    return read_state(ctx, layout.release_journal)


def is_interrupted(journal: "Mapping[str, Any]") -> bool:
    return bool(journal) and journal.get("step") != STEADY


def listens(unit: str) -> "Optional[Tuple[str, int]]":
    """The address, as in a URL, and the port that a unit of ours says its app listens on."""
    found = _LISTENS.search(unit)
    return (found[1], int(found[2])) if found else None


def upstream_of(unit: str) -> "Optional[str]":
    """Where the app of this unit is reached from the same host; None for a unit that is not ours."""
    found = listens(unit)
    if found is None:
        return None
    address, port = found
    address = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(address, address)  # noqa: S104 - compared only
    return "%s:%d" % (address, port)


def upstreams_of(units: "Iterable[str]") -> "Tuple[str, ...]":
    return tuple(upstream for upstream in map(upstream_of, units) if upstream)


def port_of(upstream: str) -> int:
    return int(upstream.rpartition(":")[2])


def live(ctx: Ctx, layout: Layout, journal: "Mapping[str, Any]") -> "Optional[Occupant]":
    """What requests go to (during a release: what they went to before it)."""
    known = occupant(journal.get("live"))
    if known is not None:
        return known
    lane = lanes.opened(ctx, layout)
    if lane is not None and units(ctx, layout, lane.to):
        return _found(ctx, layout, lane.to)
    return _found(ctx, layout, SINGLE) if ctx.stat(layout.unit_file) is not None else None


def warm(journal: "Mapping[str, Any]") -> "Optional[Occupant]":
    """The release before, where it is kept running."""
    return occupant(journal.get("previous")) if journal.get("kept", "stop") != "stop" else None


def free(live: "Optional[Occupant]", warm: "Optional[Occupant]") -> str:
    """The slot for the next release. The single service uses the link and the port of the first slot."""
    taken = {lanes.of_slot(found.slot) for found in (live, warm) if found}
    return next(slot for slot in SLOTS if slot not in taken)


def units(ctx: Ctx, layout: Layout, slot: str) -> "List[str]":
    """The units a slot has on this host, the first instance first."""
    if slot == SINGLE:
        return [layout.unit] if ctx.stat(layout.unit_file) is not None else []
    found = [name for name in ctx.listdir(UNITS) if layout.slot_of(name) == slot]
    return sorted(found, key=lambda name: (len(name), name))


def is_active(ctx: Ctx, layout: Layout, slot: str) -> bool:
    """Whether all instances run."""
    found = units(ctx, layout, slot)
    return bool(found) and all(service.show(ctx, unit).get("ActiveState") == "active" for unit in found)


def linked(ctx: Ctx, path: str) -> "Optional[str]":
    """The release a link points to."""
    found = ctx.stat(path)
    return found.target.rpartition("/")[2] if found and found.target else None


def _found(ctx: Ctx, layout: Layout, slot: str) -> "Optional[Occupant]":
    texts = [ctx.read_text(unit_file(unit)) or "" for unit in units(ctx, layout, slot)]
    upstreams = upstreams_of(texts)
    return Occupant(slot, linked(ctx, layout.slot(slot).link), upstreams) if upstreams else None
