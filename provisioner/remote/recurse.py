"""Owner, group and mode of everything below a directory, for `file` with `recurse`.

Links below are not followed, or a user could lead us to `/etc/shadow`: a link itself gets the owner. Only a link
that nobody but us (or root) can have put there leads on, as Ansible's `follow` has it.
"""

from __future__ import annotations

import os
from typing import Any, Mapping

from provisioner.remote.fileattrs import attribute_diff, change_attributes, describe, with_attributes
from provisioner.remote.sdk import Ctx, Stat


def differing(ctx: Ctx, a: Any, root: str) -> "dict[str, dict[str, Any]]":
    """{path: {"current", "wanted"}} of everything below `root` that has other attributes than asked for."""
    found: "dict[str, dict[str, Any]]" = {}
    _visit(ctx, a, root, found, set())
    return found


def apply(ctx: Ctx, root: str, entries: "Mapping[str, Mapping[str, Any]]") -> None:
    for path in sorted(entries, reverse=True):  # what is in a directory before the directory may close
        change_attributes(ctx, path, entries[path]["current"], entries[path]["wanted"])


def one_diff(path: str, entry: "Mapping[str, Any]") -> "dict[str, Any]":
    return attribute_diff(path, entry["current"], entry["wanted"]) or {}


def listing(ctx: Ctx, root: str, most: int = 200) -> "dict[str, list[str]]":
    """What a directory holds, for the diff of its removal; cut after `most` names."""
    content: "dict[str, list[str]]" = {"directories": [], "files": []}
    todo = [root]
    while todo and len(content["directories"]) + len(content["files"]) < most:
        directory = todo.pop(0)
        for name in ctx.listdir(directory):
            path = os.path.join(directory, name)
            is_directory = not os.path.islink(path) and os.path.isdir(path)
            content["directories" if is_directory else "files"].append(path)
            if is_directory:
                todo.append(path)
    return content


def _visit(ctx: Ctx, a: Any, directory: str, found: "dict[str, dict[str, Any]]", seen: "set[tuple[int, int]]") -> None:
    for name in ctx.listdir(directory):
        path = os.path.join(directory, name)
        there = ctx.stat(path)
        if there is None:
            continue
        _note(ctx, a, path, there, found)
        if there.kind == "link" and a.follow and _is_ours(ctx, directory, there):
            path = os.path.realpath(path)
            there = ctx.stat(path)
            if there is None:
                continue
            _note(ctx, a, path, there, found)
        if there.kind == "directory" and (there.device, there.inode) not in seen:
            seen.add((there.device, there.inode))
            _visit(ctx, a, path, found, seen)


def _is_ours(ctx: Ctx, directory: str, link: Stat) -> bool:
    us = (0, os.geteuid())
    around = ctx.stat(directory, follow=True)
    return around is not None and link.uid in us and around.uid in us and not int(around.mode, 8) & 0o022


def _note(ctx: Ctx, a: Any, path: str, there: Stat, found: "dict[str, dict[str, Any]]") -> None:
    current = describe(there)
    if there.kind == "link":
        wanted = {**with_attributes(ctx, a, current), "mode": current["mode"]}
    else:
        wanted = with_attributes(ctx, a, current)
    if wanted != current:
        found[path] = {"current": current, "wanted": wanted}
