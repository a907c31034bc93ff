"""Groups of the host."""

from __future__ import annotations

from typing import Any, Mapping

from provisioner.remote import accounts
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="group",
    summary="Make, change or remove a group",
    identity=("name",),
    args={
        "name": Arg(required=True, doc="The group's name"),
        "state": Arg(default="present", choices=("present", "absent"), doc="Whether the group shall exist"),
        "gid": Arg(type="int", doc="Its number; the system picks one when this is not given"),
        "system": Arg(
            type="bool", default=False, doc="Make it a system group (low number); only looked at when it is made"
        ),
        "non_unique": Arg(type="bool", default=False, doc="Allow a `gid` that another group has"),
        "force": Arg(type="bool", default=False, doc="Remove it even if it is some user's primary group"),
        "local": Arg(type="bool", default=False, doc="Accepted for compatibility: groups are always made locally"),
        "gid_min": Arg(type="int", doc="Lowest number the system may pick"),
        "gid_max": Arg(type="int", doc="Highest number the system may pick"),
    },
    examples="""
- name: A group for the app
  group:
    name: app
    system: true
- name: No more guests
  group:
    name: guests
    state: absent
""",
    returns={
        "name": "the group's name",
        "gid": "its number",
        "state": "present or absent",
        "system": "whether a system group was asked for",
    },
)


def current(ctx: Ctx, a: Arguments) -> "dict[str, Any]":
    accounts.check_name(ctx, "group", a.name)
    predicted = ctx.predicted("group", a.name) if ctx.check else None
    if predicted is not None:
        return (
            {"state": "absent"}
            if predicted.get("kind") == "absent"
            else {"state": "present", "gid": predicted.get("gid")}
        )
    found = next((group for group in accounts.groups(ctx) if group.name == a.name), None)
    return {"state": "absent"} if found is None else {"state": "present", "gid": found.gid}


def wanted(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]") -> "dict[str, Any]":
    if a.state == "absent":
        return {"state": "absent"}
    result = {"state": "present", "gid": current.get("gid") if a.gid is None else a.gid}
    return result if current["state"] == "present" or a.gid is not None else {"state": "present"}


def apply(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> None:
    number = ["--gid", str(a.gid)] if a.gid is not None else []
    if number and a.non_unique:
        number.append("--non-unique")
    if wanted["state"] == "absent":
        argv = ["groupdel", *(["--force"] if a.force else []), "--", a.name]
    elif current["state"] == "absent":
        limits = [("GID_MIN", a.gid_min), ("GID_MAX", a.gid_max)]
        options = [option for key, value in limits if value is not None for option in ("--key", "%s=%d" % (key, value))]
        argv = ["groupadd", *number, *options, *(["--system"] if a.system else []), "--", a.name]
    else:
        argv = ["groupmod", *number, "--", a.name]
    ctx.run(argv, check=True)


def report(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "dict[str, Any]":
    found = None if wanted["state"] == "absent" else accounts.find_group(ctx, a.name)
    result = {"name": a.name, "state": wanted["state"], "system": a.system}
    number = found.gid if found is not None and not ctx.check else wanted.get("gid")
    return result if number is None else {**result, "gid": number}


def predictions(
    ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]"
) -> "list[tuple[str, str, Mapping[str, Any]]]":
    if wanted["state"] == "absent":
        return [("group", a.name, {"kind": "absent"})]
    return [("group", a.name, {"kind": "present", "gid": wanted.get("gid")})]
