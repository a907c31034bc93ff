"""Answers, to show that the connection, the Python and the runner work."""

from __future__ import annotations

from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="ping",
    summary="Check that tasks can be run on a host",
    args={"data": Arg(default="pong", doc="what to answer; `crash` makes the module fail")},
    check="run",
    examples="""
- name: Is it there?
  ping:
- name: Answer something else
  ping:
    data: here
""",
    returns={"ping": "the value of `data`"},
)


def run(ctx: Ctx, a: Arguments) -> Result:
    if a.data == "crash":
        raise ctx.fail("crashed, as asked for")
    return Result(ping=a.data)
