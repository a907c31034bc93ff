"""`set_fact`: sets variables of the host for the rest of the run."""

from __future__ import annotations

import keyword

from provisioner.actions.base import Done, Expansion
from provisioner.actions.local import refused
from provisioner.remote.spec import Arg, Spec

#: What templates read as values, so that variables of these names could never be read.
_CONSTANTS = frozenset({"true", "false", "none"})

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
        if not name.isidentifier() or not name.isascii() or keyword.iskeyword(name) or name in _CONSTANTS:
            return refused(
                f"Invalid variable name '{name}': it must start with a letter or underscore, have only ASCII letters, "
                "digits and underscores, and be no word of Python's or Jinja's own"
            )
    return Done(
        {"changed": False, "ansible_facts": dict(a.extra)}, variables=a.extra, facts=a.extra if a.cacheable else {}
    )
