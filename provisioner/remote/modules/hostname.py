"""The host's name."""

from __future__ import annotations

import os
import re
from typing import Any, Mapping

from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="hostname",
    summary="Set the host's name, now and for the next boot",
    args={
        "name": Arg(required=True, doc="The name"),
        "use": Arg(default="auto", choices=("auto", "systemd", "debian", "generic"), doc="Accepted for compatibility"),
    },
    identity=("name",),
    examples="""
- name: Called as in the inventory
  hostname:
    name: "{{ inventory_hostname_short }}"
""",
    returns={"name": "the name"},
)


def current(ctx: Ctx, a: Arguments) -> "dict[str, Any]":
    if not re.fullmatch(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9][A-Za-z0-9-]{0,62})*", a.name):
        raise ctx.fail("%r is not the name of a host: letters, digits and dashes, in parts of at most 63" % a.name)
    return {"running": os.uname().nodename, "at_boot": (ctx.read_text("/etc/hostname") or "").strip()}


def wanted(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]") -> "dict[str, Any]":
    return {"running": a.name, "at_boot": a.name}


def apply(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> None:
    if current["at_boot"] != a.name:
        ctx.write("/etc/hostname", a.name.encode() + b"\n", mode="0644")
    if current["running"] != a.name:
        ctx.run(["hostname", a.name], check=True)  # hostnamectl would need a bus that answers


def report(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "dict[str, Any]":
    return {"name": a.name}


def predictions(
    ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]"
) -> "list[tuple[str, str, Mapping[str, Any]]]":
    return [("path", "/etc/hostname", {"kind": "file"})]
