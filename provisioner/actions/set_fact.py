"""`set_fact`: sets variables of the host for the rest of the run."""

from __future__ import annotations

from provisioner.actions.base import Done, Expansion
from provisioner.actions.local import refused, why_no_name
from provisioner.remote.spec import Arg, Spec

SPEC = Spec(
    name="set_fact",
    summary="Set variables of the host for the rest of the run",
    check="run",
    open_ended=True,
    args={"cacheable": Arg(type="bool", default=False, doc="Keep them as facts too, for later runs")},
    notes="Every other argument is a variable.",
    examples="""
- name: Which release this is
  set_fact:
    release: "{{ ansible_date_time.epoch }}"
""",
    returns={"ansible_facts": "the variables set"},
)


def expand(call: Expansion) -> Done:
    a = SPEC.bind(call.args)
    if not a.extra:
        return refused("No key/value pairs provided, at least one is required for this action to succeed")
    for name in a.extra:
        if why := why_no_name(name):
            return refused(why)
    return Done(
        {"changed": False, "ansible_facts": dict(a.extra)}, variables=a.extra, facts=a.extra if a.cacheable else {}
    )
