"""Removes the oldest releases of an app, never the one that runs."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from provisioner.remote.nextjs import slots
from provisioner.remote.nextjs.layout import RELEASE_FILE, Layout, read_state
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_prune",
    summary="Remove old releases of a Next.js app",
    identity=("name",),
    args={
        "name": Arg(required=True, doc="The app"),
        "keep": Arg(type="int", required=True, doc="How many releases stay"),
        "arriving": Arg(doc="In check mode: the release that would be new by now"),
    },
)

State = Dict[str, Any]


def current(ctx: Ctx, a: Arguments) -> State:
    layout = Layout(a.name)
    found: "List[Tuple[str, str]]" = []
    for name in ctx.listdir(layout.releases):
        about = read_state(ctx, "%s/%s" % (layout.release(name), RELEASE_FILE)) if not name.startswith(".") else {}
        if about:
            found.append((str(about.get("created", "")), name))
    names = [name for _, name in sorted(found, reverse=True)]
    if ctx.check and a.arriving and a.arriving not in names:
        names.insert(0, a.arriving)
    return {"releases": names}


def wanted(ctx: Ctx, a: Arguments, current: State) -> State:
    """What runs is the first to be kept, also when newer ones were tried and taken back."""
    layout = Layout(a.name)
    journal = slots.read_journal(ctx, layout)
    live, warm = slots.live(ctx, layout, journal), slots.warm(journal)
    known = (live.release if live else None, warm.release if warm else None, slots.linked(ctx, layout.current))
    used = {name for name in known if name}
    if ctx.check and a.arriving:
        used = {a.arriving}
    names = current["releases"]
    preferred = sorted(names, key=lambda name: name not in used)
    kept = preferred[: max(a.keep, len(used))]
    return {"releases": [name for name in names if name in kept]}


def apply(ctx: Ctx, a: Arguments, current: State, wanted: State) -> None:
    layout = Layout(a.name)
    for name in current["releases"]:
        if name not in wanted["releases"]:
            ctx.remove(layout.release(name), recursive=True)


def diff(ctx: Ctx, a: Arguments, current: State, wanted: State) -> "Dict[str, str]":
    def lines(names: "List[str]") -> str:
        return "".join(name + "\n" for name in names)

    return {"before": lines(current["releases"]), "after": lines(wanted["releases"])}
