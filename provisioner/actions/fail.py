"""`fail`: ends the host's play with a message."""

from __future__ import annotations

from provisioner.actions.base import Done, Expansion
from provisioner.remote.spec import Arg, Spec

SPEC = Spec(
    name="fail",
    summary="Fail with a message",
    check="run",
    args={"msg": Arg(type="raw", default="Failed as requested from task", doc="Why")},
    examples="""
- name: Only Debian
  fail:
    msg: this is not Debian
  when: ansible_facts.os_family != 'Debian'
""",
    returns={"msg": "the message"},
)


def expand(call: Expansion) -> Done:
    return Done({"changed": False, "failed": True, "msg": SPEC.bind(call.args).msg})
