"""Reads what is in a place where a Next.js app is only built: one that no release of it runs in."""

from __future__ import annotations

from provisioner.remote.nextjs import assemble, building
from provisioner.remote.nextjs.cage import meminfo
from provisioner.remote.nextjs.layout import Layout
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_place",
    summary="Look at the place where a Next.js app is built",
    check="run",
    args={
        "name": Arg(required=True, doc="The app"),
        "place": Arg(type="path", required=True, doc="The directory"),
    },
)


def run(ctx: Ctx, a: Arguments) -> Result:
    layout = Layout(a.name, a.place)
    return Result(
        node=building.node(ctx, layout),
        build=building.look(ctx, layout),
        releases=assemble.releases(ctx, layout),
        memory={name: meminfo(ctx).get(name, 0) for name in ("MemTotal", "MemAvailable", "SwapFree")},
    )
