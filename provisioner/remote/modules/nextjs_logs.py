"""Reads the journal of an app's units, also while it grows. What it finds is live output: one JSON object a line."""

from __future__ import annotations

from typing import List

from provisioner.remote.nextjs import jobs, slots
from provisioner.remote.nextjs.layout import SLOTS, Layout
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_logs",
    summary="Read what a Next.js app has written",
    check="skip",
    args={
        "name": Arg(required=True, doc="The app"),
        "lines": Arg(type="int", default=100, doc="How many of the last lines"),
        "since": Arg(doc="A time as `journalctl --since` takes it"),
        "grep": Arg(doc="Only lines that match this regular expression"),
        "follow": Arg(type="bool", default=False, doc="Go on until the run is stopped"),
    },
)

FIELDS = "MESSAGE,PRIORITY,_SYSTEMD_UNIT,UNIT,_PID"


def run(ctx: Ctx, a: Arguments) -> Result:
    argv = ["journalctl", "--quiet", "--no-pager", "--all", "--output", "json", "--output-fields", FIELDS,
            "--lines", str(a.lines)]  # fmt: skip
    for unit in _units(ctx, Layout(a.name)):
        argv += ["--unit", unit]
    argv += ["--since=" + a.since] if a.since else []
    argv += ["--grep=" + a.grep] if a.grep else []
    argv += ["--follow"] if a.follow else []
    done = ctx.run(argv, live=True)
    if done.rc != 0 and done.stderr.strip():  # without words it only found nothing that matches
        raise ctx.fail("journalctl: %s" % done.stderr.strip(), rc=done.rc)
    return Result(changed=False)


def _units(ctx: Ctx, layout: Layout) -> "List[str]":
    """Of its services and its jobs. By their names, and not as a pattern: that stands for those units only which have
    written before the start."""
    most = max([len(slots.units(ctx, layout, slot)) for slot in SLOTS] + [1])
    of_jobs = sorted(name for name in jobs.found(ctx, layout) if name.endswith(".service"))
    return [layout.unit, *(layout.unit_of(slot, number + 1) for slot in SLOTS for number in range(most)), *of_jobs]
