"""One entry of an archive compared with what is on disk, and unpacked."""

from __future__ import annotations

import fnmatch
import os
from typing import Any, Dict, Mapping, NamedTuple, Optional

from provisioner.remote.archives import Archive, Entry
from provisioner.remote.fileattrs import change_attributes, describe, given, look, with_attributes
from provisioner.remote.sdk import Ctx, Stat

PIECE = 1 << 16

State = Dict[str, Any]


class Choice(NamedTuple):
    """What of the archive is wanted."""

    strip: int
    include: "tuple[str, ...]"
    exclude: "tuple[str, ...]"

    def takes(self, name: str) -> bool:
        if self.include and not any(_matches(name, pattern) for pattern in self.include):
            return False
        return not any(_matches(name, pattern) for pattern in self.exclude)


def _matches(name: str, pattern: str) -> bool:
    """A pattern takes what it names and everything below that."""
    pattern = pattern.rstrip("/")
    return fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(name, pattern + "/*")


def compare(ctx: Ctx, a: Any, archive: Archive, entry: Entry, dest: str) -> "tuple[State, State]":
    """What is at the entry's place and what shall be; `content` stands in the second where it has to be written."""
    path = os.path.join(dest, entry.name)
    there = look(ctx, path)
    if there is not None and there.kind == "link" and entry.kind == "directory":
        there = look(ctx, path, follow=True) or there
    now = describe(there)
    if now["state"] == "link":
        now["target"] = there.target if there is not None else None
    kind = "file" if entry.kind == "hard" else entry.kind
    if now["state"] == "hard":
        now["state"] = "file"
    if kind == "link":
        return now, {**(now if now["state"] == "link" else {"state": "link"}), "target": entry.target}
    then: State = dict(now) if now["state"] == kind else {"state": kind}
    if entry.kind == "hard":
        return now, with_attributes(ctx, a, then)
    then["mode"] = entry.mode
    if kind == "file" and not _has_content(archive, entry, path, there, a.keep_newer):
        then.update(size=entry.size, content="of the archive")
    return now, with_attributes(ctx, a, then)


def unpack(
    ctx: Ctx, archive: Archive, entry: Entry, dest: str, now: "Mapping[str, Any]", then: "Mapping[str, Any]"
) -> None:
    """Make it so. Directories stay open for their content: `close_directory` gives them their mode in the end."""
    path = os.path.join(dest, entry.name)
    parent = os.path.dirname(path)
    if ctx.stat(parent, follow=True) is None:
        ctx.mkdir(parent, mode="0755", parents=True)
    if now["state"] not in ("absent", then["state"]):
        ctx.remove(path)  # a directory only when it is empty
    if entry.kind == "directory":
        if now["state"] != "directory":
            ctx.mkdir(path, mode="0700")
    elif entry.kind == "link":
        ctx.symlink(str(entry.target), path)
    elif entry.kind == "hard" and now["state"] != "file":
        ctx.hardlink(os.path.join(dest, str(entry.target)), path)
    elif "content" in then:
        with archive.read(entry) as source:
            ctx.write_from(path, source, follow=False, sync=False, **given(then))
        ctx.utime(path, mtime=entry.mtime)
    else:
        change_attributes(ctx, path, now, then)


def close_directory(ctx: Ctx, entry: Entry, dest: str, now: "Mapping[str, Any]", then: "Mapping[str, Any]") -> None:
    made = now if now["state"] == "directory" else {"state": "directory", "mode": "0700"}
    change_attributes(ctx, os.path.join(dest, entry.name), made, then)


def _has_content(archive: Archive, entry: Entry, path: str, there: Optional[Stat], keep_newer: bool) -> bool:
    """Whether the file needs no writing."""
    if there is None or there.kind != "file":
        return False
    if keep_newer and there.mtime > entry.mtime:
        return True
    if there.size != entry.size or not there.inode:
        return False
    with archive.read(entry) as packed, open(path, "rb") as unpacked:
        for piece in iter(lambda: packed.read(PIECE), b""):
            if piece != unpacked.read(len(piece)):
                return False
    return True
