"""Tells what differs between a Next.js app as it was released and as it is on a host now."""

from __future__ import annotations

from provisioner.remote.nextjs import inspection
from provisioner.remote.nextjs.layout import Layout
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_inspect",
    summary="Look for what was changed by hand about a Next.js app",
    check="run",
    args={"name": Arg(required=True, doc="The app")},
    returns={"findings": "List of {kind, what, expected, found}; empty where all is as it was released"},
)


def run(ctx: Ctx, a: Arguments) -> Result:
    return Result(findings=list(inspection.findings(ctx, Layout(a.name))))
