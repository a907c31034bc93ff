"""Removes the oldest releases of an app, never the one that runs, and files kept for tabs that nobody has any more."""

from __future__ import annotations

import time
from typing import Any, Dict, Set

from provisioner.remote.nextjs import assemble, assets, records, slots
from provisioner.remote.nextjs.layout import Layout
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_prune",
    summary="Remove old releases of a Next.js app",
    identity=("name",),
    args={
        "name": Arg(required=True, doc="The app"),
        "keep": Arg(type="int", required=True, doc="How many releases stay"),
        "keep_releases": Arg(type="int", default=5, doc="Of how many releases `_next/static` stays at least"),
        "keep_hours": Arg(type="float", default=24.0, doc="Hours it stays at least after a release was replaced"),
        "place": Arg(type="path", doc="Where the app is built, if not below /srv"),
        "arriving": Arg(doc="In check mode: the release that would be new by now"),
    },
)

State = Dict[str, Any]


def current(ctx: Ctx, a: Arguments) -> State:
    layout = Layout(a.name, a.place)
    names = [release["id"] for release in assemble.releases(ctx, layout)]
    if ctx.check and a.arriving and a.arriving not in names:
        names.insert(0, a.arriving)
    return {"releases": names, "assets": sorted(assets.read_records(ctx, layout))}


def wanted(ctx: Ctx, a: Arguments, current: State) -> State:
    """What runs is the first to be kept, also when newer ones were tried and taken back."""
    layout = Layout(a.name, a.place)
    used = set() if a.place else _in_use(ctx, layout)
    if ctx.check and a.arriving:
        used = {a.arriving}
    names = current["releases"]
    preferred = sorted(names, key=lambda name: name not in used)
    kept = preferred[: max(a.keep, len(used))]
    gone = assets.expired(assets.read_records(ctx, layout), set(kept), a.keep_releases, a.keep_hours, time.time())
    return {
        "releases": [name for name in names if name in kept],
        "assets": [name for name in current["assets"] if name not in gone],
    }


def _in_use(ctx: Ctx, layout: Layout) -> "Set[str]":
    journal = slots.read_journal(ctx, layout)
    live, warm = slots.live(ctx, layout, journal), slots.warm(journal)
    known = (live.release if live else None, warm.release if warm else None, slots.linked(ctx, layout.current))
    return {name for name in known if name}


def apply(ctx: Ctx, a: Arguments, current: State, wanted: State) -> None:
    layout = Layout(a.name, a.place)
    for name in current["releases"]:
        if name not in wanted["releases"]:
            ctx.remove(layout.release(name), recursive=True)
            if not a.place:  # the app may run on this host too, by another play
                records.forget(ctx, layout, name)
    gone = [name for name in current["assets"] if name not in wanted["assets"]]
    if gone:
        assets.remove(ctx, layout, gone)


def diff(ctx: Ctx, a: Arguments, current: State, wanted: State) -> "Dict[str, str]":
    def lines(state: State) -> str:
        static = ("_next/static of %s\n" % name for name in state["assets"] if name not in state["releases"])
        return "".join([*(name + "\n" for name in state["releases"]), *static])

    return {"before": lines(current), "after": lines(wanted)}
