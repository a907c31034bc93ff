"""Users and groups of the host, read straight from the account files.

Reading `/etc/passwd` takes microseconds where `getent` takes a process; accounts that live elsewhere
(LDAP, systemd) are asked for only when the files don't know the name.
"""

from __future__ import annotations

import grp
import pwd
import re
from typing import NamedTuple, Optional

from provisioner.remote.sdk import Ctx


class User(NamedTuple):
    name: str
    uid: int
    gid: int
    comment: str
    home: str
    shell: str


class Group(NamedTuple):
    name: str
    gid: int
    members: "tuple[str, ...]"


class Shadow(NamedTuple):
    """A line of `/etc/shadow`. Days count from 1970-01-01; None where the field is empty."""

    password: str
    minimum: Optional[int]
    maximum: Optional[int]
    warn: Optional[int]
    inactive: Optional[int]
    expires: Optional[int]


_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@\\-]*\$?")


def check_name(ctx: Ctx, kind: str, name: str) -> None:
    """Refuse a name that a tool would take for an option or that would break the account files."""
    if not _NAME.fullmatch(name) or len(name) > 256:
        raise ctx.fail(
            "%r can't be the name of a %s: letters, digits, `_`, `.`, `@` and `-` (not first) are allowed"
            % (name, kind)
        )


def check_field(ctx: Ctx, argument: str, value: Optional[str]) -> None:
    """Refuse a value that would end its field or its line in the account files."""
    if value is not None and any(bad in value for bad in (":", "\n", "\r", "\0")):
        raise ctx.fail(
            "`%s` can't hold a colon or a line break: it is one field of a line in the account files" % argument
        )


def find_user(ctx: Ctx, name: str) -> Optional[User]:
    fields = _fields(ctx, "/etc/passwd", name, 7)
    if fields is not None:
        return User(name, int(fields[2]), int(fields[3]), fields[4], fields[5], fields[6])
    try:
        entry = pwd.getpwnam(name)
    except (KeyError, ValueError):
        return None
    return User(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_gecos, entry.pw_dir, entry.pw_shell)


def find_group(ctx: Ctx, name: str) -> Optional[Group]:
    """The group called `name`; when there is none and `name` is a number, the group with that id."""
    for group in groups(ctx):
        if group.name == name:
            return group
    try:
        entry = grp.getgrgid(int(name)) if name.isdecimal() else grp.getgrnam(name)
    except (KeyError, ValueError, OverflowError):
        return None
    return Group(entry.gr_name, entry.gr_gid, tuple(entry.gr_mem))


def groups(ctx: Ctx) -> "list[Group]":
    """The groups of `/etc/group`, in the file's order."""
    found = []
    for line in (ctx.read_text("/etc/group") or "").splitlines():
        fields = line.split(":")
        if len(fields) >= 4 and fields[2].isdigit():
            found.append(Group(fields[0], int(fields[2]), tuple(name for name in fields[3].split(",") if name)))
    return found


def group_name(ctx: Ctx, gid: int) -> str:
    """The name of a group id, the number as text when it has none."""
    return next((group.name for group in groups(ctx) if group.gid == gid), str(gid))


def find_shadow(ctx: Ctx, name: str) -> Optional[Shadow]:
    fields = _fields(ctx, "/etc/shadow", name, 8)
    if fields is None:
        return None
    numbers = [int(field) if field.lstrip("-").isdigit() else None for field in fields[3:8]]
    return Shadow(fields[1], *numbers)


def is_there(ctx: Ctx, kind: str, name: str) -> bool:
    """Whether a user or group exists, or would by now in check mode."""
    predicted = ctx.predicted(kind, name) if ctx.check else None
    if predicted is not None:
        return predicted.get("kind") != "absent"
    return (find_user(ctx, name) if kind == "user" else find_group(ctx, name)) is not None


def _fields(ctx: Ctx, path: str, name: str, least: int) -> "Optional[list[str]]":
    start = name + ":"
    for line in (ctx.read_text(path) or "").splitlines():
        if line.startswith(start):
            fields = line.split(":")
            if len(fields) >= least:
                return fields
    return None
