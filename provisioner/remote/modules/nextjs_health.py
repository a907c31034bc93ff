"""Waits until a Next.js app on this host answers with the build it should."""

from __future__ import annotations

from provisioner.remote.nextjs import probe, service, slots
from provisioner.remote.nextjs.layout import SINGLE, Layout
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_health",
    summary="Wait until a Next.js app is healthy",
    check="run",
    args={
        "name": Arg(required=True, doc="The app"),
        "health": Arg(type="dict", required=True, doc="address, port, path, status, host, timeout"),
        "slot": Arg(required=True, doc="What it runs in"),
        "build_id": Arg(doc="The build that must answer"),
        "base_path": Arg(default="", doc="The app's `basePath`"),
    },
)


def run(ctx: Ctx, a: Arguments) -> Result:
    layout = Layout(a.name)
    live = slots.live(ctx, layout, slots.read_journal(ctx, layout)) if a.slot != SINGLE else None
    ports = [slots.port_of(upstream) for upstream in live.upstreams] if live else [a.health["port"]]
    for number, port in enumerate(ports):
        unit = layout.unit_of(a.slot, number + 1)
        problem = probe.wait(ctx, unit, {**a.health, "port": port}, a.build_id, a.base_path)
        if problem is not None:
            lines = service.journal_lines(ctx, unit) or "(none)"
            raise ctx.fail("the app is not healthy: %s\nthe last lines of its journal:\n%s" % (problem, lines))
    return Result(msg="healthy")
