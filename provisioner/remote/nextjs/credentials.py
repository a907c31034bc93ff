"""Credentials of an app: secrets that systemd hands to its service as files, and not as variables.

    /etc/<app>/<slot>.credentials/NAME    for root alone; systemd reads it when the service starts
    $CREDENTIALS_DIRECTORY/NAME           what the app reads, in memory, for its process alone
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Dict, Iterator, Mapping, Optional, Tuple

from provisioner.remote.nextjs.envfile import MASK
from provisioner.remote.nextjs.layout import Layout
from provisioner.remote.sdk import Ctx

FOLDER_MODE, FILE_MODE = "0700", "0600"
MOST = 1 << 20  # bytes that systemd gives to one service


def oversize(values: "Mapping[str, str]") -> "Optional[str]":
    """What systemd has against these: it would not start the service."""
    size = sum(len(_bytes(value)) for value in values.values())
    return "credentials of %d bytes: systemd gives a service at most %d" % (size, MOST) if size > MOST else None


def write(ctx: Ctx, folder: str, values: "Mapping[str, str]") -> None:
    """Exactly these; without any there is no folder."""
    if not values:
        ctx.remove(folder, recursive=True)
        return
    if not _is_closed(ctx, folder):
        ctx.remove(folder, recursive=True)
        ctx.mkdir(folder, mode=FOLDER_MODE, owner="root", group="root")
    for name in ctx.listdir(folder):
        if name not in values:
            ctx.remove("%s/%s" % (folder, name), recursive=True)
    for name, value in values.items():
        ctx.write("%s/%s" % (folder, name), _bytes(value), mode=FILE_MODE, owner="root", group="root", follow=False)


def read(ctx: Ctx, folder: str) -> "Dict[str, str]":
    return {name: ctx.read_text("%s/%s" % (folder, name)) or "" for name in ctx.listdir(folder)}


def are(ctx: Ctx, folder: str, values: "Mapping[str, str]") -> bool:
    """Whether there are exactly these, and closed to everybody but root."""
    if not values:
        return ctx.stat(folder) is None
    return _is_closed(ctx, folder) and not any(access(ctx, folder).values()) and read(ctx, folder) == values


def access(ctx: Ctx, folder: str) -> "Dict[str, Optional[str]]":
    """Name -> mode and owner of a file where these are not as they should be, else None."""
    found = {}
    for name in ctx.listdir(folder):
        there = ctx.stat("%s/%s" % (folder, name))
        told = "%s %s:%s" % (there.mode, there.owner, there.group) if there and there.kind == "file" else "no file"
        found[name] = None if told == "%s root:root" % FILE_MODE else told
    return found


def difference(before: "Mapping[str, str]", after: "Mapping[str, str]") -> "Tuple[str, str]":
    """For a diff: names, and whether the value is the same."""

    def lines(values: "Mapping[str, str]", other: "Mapping[str, str]", label: str) -> str:
        return "".join(
            "%s %s\n" % (name, MASK if other.get(name) == values[name] else "%s (%s)" % (MASK, label))
            for name in sorted(values)
        )

    return lines(before, after, "old"), lines(after, before, "new")


def given(unit: str) -> str:
    """Where systemd has put them for a service that runs."""
    return "/run/credentials/%s" % unit


@contextmanager
def lent(ctx: Ctx, layout: Layout, user: str, values: "Mapping[str, str]") -> "Iterator[Dict[str, str]]":
    """For a command that is no service: the variable that leads to them, in memory, until the block ends."""
    if not values:
        yield {}
        return
    folder = "/run/provisioner-%s.credentials" % layout.name
    ctx.remove(folder, recursive=True)  # of a run that was killed
    ctx.mkdir(folder, mode="0500", owner=user, group=user)
    try:
        for name, value in values.items():
            ctx.write("%s/%s" % (folder, name), _bytes(value), mode="0400", owner=user, group=user)
        yield {"CREDENTIALS_DIRECTORY": folder}
    finally:
        ctx.remove(folder, recursive=True)


def _is_closed(ctx: Ctx, folder: str) -> bool:
    found = ctx.stat(folder)
    return found is not None and (found.kind, found.mode, found.owner, found.group) == (
        "directory", FOLDER_MODE, "root", "root")  # fmt: skip


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")
