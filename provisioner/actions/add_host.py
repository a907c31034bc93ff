"""`add_host`: a host that is in the inventory for the rest of the run."""

from __future__ import annotations

import re
from typing import Any

from provisioner.actions.base import Done, Expansion
from provisioner.actions.local import refused, with_names
from provisioner.remote.spec import Arg, Spec

SPEC = Spec(
    name="add_host",
    summary="Add a host to the inventory for the rest of the run",
    check="run",
    open_ended=True,
    args={
        "name": Arg(required=True, aliases=("host", "hostname"), doc="The host's name, with `:port` if need be"),
        "groups": Arg(
            type="list", elements="str", aliases=("group", "groupname"), default=[], doc="Its groups; new ones are made"
        ),
    },
    notes="Every other argument is a variable of the host. One host does it for all of the play; `loop` adds several.",
    examples="""
- name: The machine that was just made
  add_host:
    name: "{{ machine.address }}"
    groups: [web]
    ansible_user: deploy
""",
    returns={"add_host": "the host with `host_name`, `groups` and `host_vars`"},
)

ONCE = True
"""As Ansible has it: the first host of the play adds for all."""

_WITH_PORT = re.compile(r"(?P<name>[^:]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")


def expand(call: Expansion) -> Done:
    a = SPEC.bind(with_names(SPEC, call.args, "name", "groups"))
    name, variables = a.name.strip(), dict(a.extra)
    match = _WITH_PORT.fullmatch(name)
    if match is not None:
        name = match["name"].strip("[]")
        variables.setdefault("ansible_port", int(match["port"]))
    if not name or any(sign in name for sign in "\n\r\0/ ,"):
        return refused(f"{a.name!r} can't be the name of a host")
    groups = [group for group in a.groups if group]
    added = {"host_name": name, "groups": groups, "host_vars": variables}
    return Done({"changed": not _is_there(call, name, groups), "add_host": added})


def _is_there(call: Expansion, name: str, groups: list[str]) -> bool:
    known: Any = call.variable("groups")
    return all(name in known.get(group, ()) for group in ["all", *groups])
