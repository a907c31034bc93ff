"""Makes the place where a Next.js app is built, and keeps other builds of it out until it is given back."""

from __future__ import annotations

import os

from provisioner.remote.nextjs import reservation
from provisioner.remote.nextjs.layout import Layout
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_reserve",
    summary="Reserve the place where a Next.js app is built",
    check="predict",
    identity=("name", "place"),
    args={
        "name": Arg(required=True, doc="The app"),
        "place": Arg(type="path", required=True, doc="The directory"),
        "token": Arg(required=True, doc="Names this build among those of one session"),
        "state": Arg(default="held", choices=("held", "free"), doc="Whether it is taken or given back"),
    },
    returns={"holder": "Who else has it; none when it is ours now"},
)


def run(ctx: Ctx, a: Arguments) -> Result:
    layout = Layout(a.name, a.place)
    if ctx.check:
        return Result(holder=None)
    if a.state == "free":
        reservation.give_back(layout, a.token)
        return Result(holder=None)
    above = os.path.dirname(layout.root)
    if ctx.stat(above) is None:  # root builds as another user, who must pass through
        ctx.mkdir(above, mode="0755" if os.geteuid() == 0 else "0700", parents=True)
    if ctx.stat(layout.root) is None:
        ctx.mkdir(layout.root, mode="0700")
    return Result(holder=reservation.take(layout, a.token))
