"""The directories of an app, with their owners and modes."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

from provisioner.remote.nextjs.layout import Layout
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_tree",
    summary="Make the directories of a Next.js app",
    args={
        "name": Arg(required=True, doc="The app"),
        "user": Arg(doc="The app's user; without it all is whoever's we are"),
        "place": Arg(type="path", doc="Where the app is built, if not below /srv"),
    },
    identity=("name",),
)

State = Dict[str, Any]


def current(ctx: Ctx, a: Arguments) -> State:
    found: State = {}
    for path, attributes in wanted(ctx, a, {}).items():
        stat = ctx.stat(path)
        if stat is None:
            found[path] = None
        elif stat.kind != "directory":
            raise ctx.fail("%s is in the way: a %s, where a directory must be" % (path, stat.kind))
        else:
            there = {"mode": stat.mode, "owner": stat.owner, "group": stat.group}
            found[path] = {name: there[name] for name in attributes}
    return found


def wanted(ctx: Ctx, a: Arguments, current: State) -> State:
    return dict(Layout(a.name, a.place).directories(a.user))


def apply(ctx: Ctx, a: Arguments, current: State, wanted: State) -> None:
    for path, attributes in wanted.items():
        if current[path] is None:
            ctx.mkdir(path, **attributes)
        elif current[path] != attributes:
            if a.user:
                ctx.chown(path, attributes["owner"], attributes["group"])
            ctx.chmod(path, attributes["mode"])


def diff(ctx: Ctx, a: Arguments, current: State, wanted: State) -> "Dict[str, str]":
    def lines(state: State) -> str:
        return "".join(
            "%s %s\n" % (path, _access(found))
            for path, found in state.items()
            if found is not None and current[path] != wanted[path]
        )

    return {"before": lines(current), "after": lines(wanted)}


def _access(found: "Mapping[str, str]") -> str:
    owner = " %s:%s" % (found["owner"], found["group"]) if "owner" in found else ""
    return found["mode"] + owner


def predictions(ctx: Ctx, a: Arguments, current: State, wanted: State) -> "List[Tuple[str, str, Mapping[str, Any]]]":
    return [("path", path, {"kind": "directory", **attributes}) for path, attributes in wanted.items()]
