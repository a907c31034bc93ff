"""`set_stats`: numbers and words about the run, told at its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.actions.base import Done, Expansion
from provisioner.actions.local import refused, why_no_name
from provisioner.remote.spec import Arg, Spec, to_bool

SPEC = Spec(
    name="set_stats",
    summary="Keep values about the run, told at its end",
    check="run",
    args={
        "data": Arg(type="raw", required=True, doc="The values by name"),
        "per_host": Arg(type="raw", default=False, doc="Keep them for this host instead of for the whole run"),
        "aggregate": Arg(
            type="raw",
            default=True,
            doc="Add to what is there: numbers and texts are added, lists appended, mappings joined; false replaces it",
        ),
    },
    notes="They are shown after the recap where `show_custom_stats` is set, and are always in the task's result.",
    examples="""
- name: How many sites this run has moved
  set_stats:
    data:
      moved_sites: "{{ moved | length }}"
""",
    returns={"ansible_stats": "`data`, `per_host` and `aggregate`"},
)


def expand(call: Expansion) -> Done:
    a = SPEC.bind(call.args)
    if not isinstance(a.data, Mapping):
        return refused("The 'data' option needs to be a dictionary/hash")
    for name in a.data:
        if why := why_no_name(name):
            return refused(why)
    stats = {"data": dict(a.data), "per_host": _is_on(a.per_host), "aggregate": _is_on(a.aggregate)}
    return Done({"changed": False, "ansible_stats": stats})


def _is_on(value: Any) -> bool:
    """As a switch; what is no word for one is off, as in Ansible."""
    try:
        return to_bool(value)
    except ValueError:
        return False
