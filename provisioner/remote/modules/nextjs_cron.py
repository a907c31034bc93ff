"""The jobs of a Next.js app that run by the clock: exactly these, each a service and its timer."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

from provisioner.remote.nextjs import jobs
from provisioner.remote.nextjs.layout import Layout, unit_file
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_cron",
    summary="Have the jobs of a Next.js app run by systemd's timers",
    identity=("name",),
    args={
        "name": Arg(required=True, doc="The app"),
        "units": Arg(type="dict", required=True, doc="File name -> text of every service and timer; others go"),
    },
)

State = Dict[str, Any]


def current(ctx: Ctx, a: Arguments) -> State:
    """running: the timers as they should be, all of them in check mode where they are only predicted."""
    units = jobs.found(ctx, Layout(a.name))
    resting = set(jobs.resting(ctx, units))
    return {"units": units, "running": [name for name in jobs.timers(units) if name not in resting]}


def wanted(ctx: Ctx, a: Arguments, current: State) -> State:
    return {"units": dict(a.units), "running": jobs.timers(a.units)}


def apply(ctx: Ctx, a: Arguments, current: State, wanted: State) -> None:
    before, after = current["units"], wanted["units"]
    gone = [name for name in before if name not in after]
    if jobs.timers(gone):
        ctx.run(["systemctl", "disable", "--now", "--quiet", *jobs.timers(gone)], timeout=60)
    for name in gone:  # a run that has begun ends in its own time
        ctx.remove(unit_file(name))
    for name, text in after.items():
        if before.get(name) != text:
            ctx.write(unit_file(name), text.encode(), mode="0644", owner="root", group="root")
    ctx.run(["systemctl", "daemon-reload"], check=True, timeout=60)
    idle = [name for name in wanted["running"] if name not in current["running"] or before.get(name) != after[name]]
    if idle:
        ctx.run(["systemctl", "enable", "--quiet", *idle], check=True, timeout=60)
        ctx.run(["systemctl", "restart", *idle], check=True, timeout=60)


def diff(ctx: Ctx, a: Arguments, current: State, wanted: State) -> "List[Dict[str, str]]":
    before, after = current["units"], wanted["units"]
    changes = [
        {"before_header": unit_file(name), "after_header": unit_file(name), "before": before.get(name, ""),
         "after": after.get(name, "")}
        for name in sorted({*before, *after}) if before.get(name) != after.get(name)
    ]  # fmt: skip
    stopped = [name for name in wanted["running"] if name in before and name not in current["running"]]
    if stopped:
        lines = "".join(name + "\n" for name in stopped)
        changes.append({"before_header": "timers", "after_header": "timers that run", "before": "", "after": lines})
    return changes


def predictions(ctx: Ctx, a: Arguments, current: State, wanted: State) -> "List[Tuple[str, str, Mapping[str, Any]]]":
    return [("service", name, {"state": "running", "enabled": True}) for name in wanted["running"]]
