"""Says when things of the host were changed, and who was there, for findings of `provision drift`."""

from __future__ import annotations

from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec
from provisioner.remote.survey.traces import KINDS, logins, traced

SPEC = Spec(
    name="host_traces",
    summary="Say when files, packages and units were changed, and who had logged in before",
    args={kind: Arg("list", default=[], doc="each %s to be asked about" % kind) for kind in KINDS},
    check="run",
    notes="`provision drift` calls it for what has drifted. Logs can be changed by root: hints, no proofs.",
    examples="""
- name: Ask who may have changed the greeting
  host_traces:
    path: [/etc/motd]
  register: hints
""",
    returns={
        "traces": "by kind and name: `moment` (seconds since the epoch), `what` happened, `by` whom, if it is recorded",
        "logins": "who came over SSH or became another by sudo in the hour before: `user`, `origin`, `moment`",
    },
)


def run(ctx: Ctx, a: Arguments) -> Result:
    asked = {kind: [str(name) for name in getattr(a, kind)] for kind in KINDS}
    traces = {kind: {name: trace for name in found if (trace := traced(ctx, kind, name))}
              for kind, found in asked.items()}  # fmt: skip
    moments = [trace["moment"] for found in traces.values() for trace in found.values()]
    return Result(traces=traces, logins=logins(ctx, moments) if moments else [])
