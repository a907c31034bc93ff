"""`group_by`: groups made of what the hosts are like."""

from __future__ import annotations

from typing import Any

from provisioner.actions.base import Done, Expansion
from provisioner.actions.local import refused, with_names
from provisioner.remote.spec import Arg, Spec

SPEC = Spec(
    name="group_by",
    summary="Put the host into a group for the rest of the run",
    check="run",
    args={
        "key": Arg(required=True, doc="The group's name; spaces become dashes"),
        "parents": Arg(type="list", elements="str", default=["all"], doc="Groups that the group belongs to"),
    },
    examples="""
- name: A group for each system
  group_by:
    key: os_{{ ansible_facts.distribution }}
""",
    returns={"add_group": "the group", "parent_groups": "its parents"},
)


def expand(call: Expansion) -> Done:
    a = SPEC.bind(with_names(SPEC, call.args, "key", "parents"))
    group = a.key.replace(" ", "-")
    if not group or any(sign in group for sign in "\n\r\0"):
        return refused(f"{a.key!r} can't be the name of a group")
    known: Any = call.variable("groups")
    parents = [parent.replace(" ", "-") for parent in a.parents]
    joins = any(call.host not in known.get(name, ()) for name in (group, *parents))
    return Done({"changed": joins, "add_group": group, "parent_groups": parents})
