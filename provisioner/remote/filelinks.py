"""Symbolic and hard links, for `file` with `state: link` and `state: hard`."""

from __future__ import annotations

import os
from typing import Any, Mapping, Optional

from provisioner.remote.fileattrs import (
    attribute_diff,
    change_attributes,
    describe,
    look,
    need_parent,
    path_of,
    with_attributes,
)
from provisioner.remote.sdk import Ctx, Stat
from provisioner.remote.spec import Arguments


def state_of(ctx: Ctx, a: Arguments, path: str, there: Optional[Stat], aim: str) -> "dict[str, Any]":
    """What links add to the state: where it leads, and with `follow` the attributes of what is there."""
    if aim == "link":
        target = there.target if there is not None and there.kind == "link" else None
        return {"target": target, **_behind(ctx, a, path, a.src or target)}
    other = look(ctx, path_of(ctx, a.src, "src"), follow=True) if a.src else None
    same = (
        there is not None
        and other is not None
        and (there.device, there.inode) == (other.device, other.inode)
        and there.inode
    )
    return {"links_to": a.src if same else None}


def _behind(ctx: Ctx, a: Arguments, path: str, target: Optional[str]) -> "dict[str, Any]":
    if not a.follow or not target or not _attributes_are_asked_for(a):
        return {}
    whole = _whole(path, target)
    there = look(ctx, whole, follow=True)
    if there is None:
        ctx.warn("%s does not exist, so it gets no mode or owner; with `follow: false` they are the link's own" % whole)
        return {}
    return {"behind": {"path": whole, **describe(there)}}


def _attributes_are_asked_for(a: Arguments) -> bool:
    return any(one is not None for one in (a.mode, a.owner, a.group))


def _whole(path: str, target: str) -> str:
    return os.path.normpath(os.path.join(os.path.dirname(path), target))


def wanted(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]") -> "dict[str, Any]":
    if current["aim"] == "link":
        target = _target(ctx, a, current)
        _refuse_replacing(ctx, a, current, is_a_link=current["target"] is not None)
        _check_target(ctx, a, current["path"], target)
        return _wanted_symbolic(ctx, a, current, target)
    if a.src is None and current["state"] == "hard":
        return with_attributes(ctx, a, current)
    _check_other(ctx, a, current["path"])
    _refuse_replacing(ctx, a, current, is_a_link=current["links_to"] is not None)
    return _wanted_hard(ctx, a, current)


def _refuse_replacing(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", *, is_a_link: bool) -> None:
    """Fail where something is in the way; is_a_link: what is there is a link of the kind that is asked for."""
    path, state = current["path"], current["state"]
    # as in Ansible, force also replaces a directory, but only an empty one
    if state == "directory" and not a.force:
        raise ctx.fail("refusing to convert from directory to a link for %s" % path, path=path)
    if state == "directory" and ctx.listdir(path):
        raise ctx.fail("the directory %s is not empty, refusing to convert it" % path, path=path)
    if state != "absent" and not a.force and not is_a_link:
        raise ctx.fail(
            "refusing to convert from %s to a link for %s; `force: true` does it" % (state, path), path=path
        )
    if state == "absent":
        need_parent(ctx, path)


def _wanted_symbolic(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", target: str) -> "dict[str, Any]":
    behind = {"behind": with_attributes(ctx, a, current["behind"])} if "behind" in current else {}
    if current["target"] == target:
        return {**_with_own_attributes(ctx, a, current), **behind}
    base = {"path": current["path"], "aim": "link", "state": "link", "target": target}
    return {**(base if a.follow else with_attributes(ctx, a, base)), **behind}


def _with_own_attributes(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]") -> "dict[str, Any]":
    """A link that is right itself: `follow: false` sets its own owner (a link has no mode of its own)."""
    wanted = dict(current) if a.follow else with_attributes(ctx, a, current)
    wanted["mode"] = current["mode"]
    return wanted


def _wanted_hard(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]") -> "dict[str, Any]":
    if current["links_to"] is not None:
        return with_attributes(ctx, a, current)
    base = {"path": current["path"], "aim": "hard", "state": "hard", "links_to": a.src}
    if not _attributes_are_asked_for(a):
        return base
    return {**with_attributes(ctx, a, describe(look(ctx, path_of(ctx, a.src, "src"), follow=True))), **base}


def _target(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]") -> str:
    if a.src is not None:
        if not a.src or "\0" in a.src:
            raise ctx.fail("`src` can't be %r" % a.src)
        return ctx.expand(a.src) if a.src.startswith(("~", "$")) else str(a.src)
    if current["state"] == "link":
        return str(current["target"])
    raise ctx.fail("src is required for creating new symlinks")


def _check_other(ctx: Ctx, a: Arguments, path: str) -> None:
    if a.src is None:
        raise ctx.fail("src is required for creating new hardlinks")
    if look(ctx, path_of(ctx, a.src, "src"), follow=True) is None:
        if ctx.check:
            raise ctx.unknown("src does not exist yet: %s" % a.src)
        raise ctx.fail("src does not exist", dest=path, src=a.src)


def _check_target(ctx: Ctx, a: Arguments, path: str, target: str) -> None:
    whole = _whole(path, target)
    if not a.force and look(ctx, whole, follow=True) is None:
        message = "the target %s does not exist" % whole
        if ctx.check:
            raise ctx.unknown(message + " yet")
        raise ctx.fail(message + "; `force: true` makes the link all the same", path=path, src=target)


def apply(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> None:
    path, key = current["path"], "target" if wanted["aim"] == "link" else "links_to"
    if current[key] == wanted[key]:
        change_attributes(ctx, path, current, wanted)
    else:
        if current["state"] == "directory":
            ctx.remove(path)
        if key == "target":
            ctx.symlink(wanted[key], path)
            change_attributes(ctx, path, {}, {**wanted, "mode": None})
        else:
            ctx.hardlink(path_of(ctx, a.src, "src"), path)
            change_attributes(ctx, path, describe(ctx.stat(path)), wanted)
    if current.get("behind") != wanted.get("behind"):
        change_attributes(ctx, wanted["behind"]["path"], current["behind"], wanted["behind"], follow=True)


def diffs(current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "list[dict[str, Any]]":
    """before and after of the link, with its target as `src`, and of what is behind it."""
    def told(state: "Mapping[str, Any]") -> "dict[str, Any]":
        return {("src" if key == "target" else key): value for key, value in state.items() if value is not None}

    found = [attribute_diff(current["path"], told(current), told(wanted),
                            ("state", "mode", "owner", "group", "src", "links_to"))]
    if "behind" in current:
        found.append(attribute_diff(current["behind"]["path"], current["behind"], wanted["behind"]))
    return [diff for diff in found if diff is not None]
