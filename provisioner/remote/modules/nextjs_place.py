"""Reads what is in a place where a Next.js app is only built: one that no release of it runs in."""

from __future__ import annotations

import os

from provisioner.remote.nextjs import assemble, building, preflight
from provisioner.remote.nextjs.cage import meminfo
from provisioner.remote.nextjs.layout import Layout
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

OF_ROOT = "/var/cache/provisioner/nextjs/apps/%s"
OF_USER = "~/.cache/provisioner/nextjs/apps/%s"

SPEC = Spec(
    name="nextjs_place",
    summary="Look at the place where a Next.js app is built",
    check="run",
    args={
        "name": Arg(required=True, doc="The app"),
        "place": Arg(type="path", doc="The directory; by default one of the user that we are"),
        "user": Arg(doc="The account that is to build where we are root"),
    },
    returns={
        "place": "The directory",
        "root": "Whether we are root, who builds as another user",
        "account": "What is known of that user",
        "space": "Free bytes at the directory, and where Node.js is put",
    },
)


def run(ctx: Ctx, a: Arguments) -> Result:
    root = os.geteuid() == 0
    layout = Layout(a.name, a.place or ctx.expand((OF_ROOT if root else OF_USER) % a.name))
    return Result(
        place=layout.root,
        root=root,
        account=preflight.account(a.user) if a.user else None,
        space={path: preflight.room(path) for path in (layout.root, layout.nodes)},
        node=building.node(ctx, layout),
        build=building.look(ctx, layout),
        releases=assemble.releases(ctx, layout),
        memory={name: meminfo(ctx).get(name, 0) for name in ("MemTotal", "MemAvailable", "SwapFree")},
    )
