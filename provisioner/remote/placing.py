"""One file put at one place: what `copy` does once, and for every entry of a tree.

A `Source` is where the bytes come from: the controller (`reference`) or a file of this host (`path`). Nothing
is pulled from the controller before it is known that the host's file differs.
"""

from __future__ import annotations

import os
from typing import IO, Any, Mapping, NamedTuple, Optional, Union

from provisioner.remote.fileattrs import (
    BESIDE_CONTENT,
    attribute_diff,
    change_attributes,
    describe,
    look,
    with_attributes,
)
from provisioner.remote.filecontent import DIFF_LIMIT, content_diff, install, open_regular, size_diff
from provisioner.remote.sdk import Ctx, Stat

SMALL = 1 << 20  # content up to this is handled in memory


class Source(NamedTuple):
    """The content that a file shall have. `label`: its name for people (the local path)."""

    sha256: str
    size: int
    reference: "Optional[Mapping[str, Any]]" = None
    path: Optional[str] = None
    label: str = ""
    secret: bool = False


def of_host(ctx: Ctx, path: str, there: Stat) -> Source:
    """A regular file of this host as a source."""
    return Source(ctx.sha256(path) or "", there.size, path=path, label=path)


def read_all(ctx: Ctx, source: Source) -> bytes:
    if source.path is not None:
        return ctx.read(source.path) or b""
    return ctx.content(source.reference or {})


def open_source(ctx: Ctx, source: Source) -> "Union[bytes, IO[bytes]]":
    """The content: bytes when it is small, else a file object that the caller closes."""
    if source.size <= SMALL:
        return read_all(ctx, source)
    if source.path is not None:
        return open_regular(ctx, os.path.realpath(source.path))
    return ctx.content_file(source.reference or {})


def file_state(ctx: Ctx, path: str, there: Optional[Stat], source: Source) -> "dict[str, Any]":
    """The state of `path` with `sha256`, which is read only when the size fits; "" then means other content."""
    state = describe(there)
    state["sha256"] = ""
    if there is None:
        return state
    if there.kind == "file":
        state["state"] = "file"  # a hard link is a file like any other here
        entry = ctx.predicted("path", path) if ctx.check else None
        if entry is not None:
            state["sha256"] = entry.get("sha256", "")
        elif there.size == source.size:
            state["sha256"] = ctx.sha256(path) or ""
    elif there.kind != "link":
        raise ctx.fail("%s is a %s; it is not replaced by a file" % (path, there.kind))
    return state


def wanted_file(
    ctx: Ctx, a: Any, current: "Mapping[str, Any]", source: Source, mode: Optional[str] = None
) -> "dict[str, Any]":
    base: "dict[str, Any]" = dict(current) if current["state"] == "file" else {"state": "file"}
    base.update(sha256=source.sha256, size=source.size)
    return with_attributes(ctx, a, base, mode=mode)


def same_content(current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> bool:
    return current["state"] == wanted["state"] and current.get("sha256") == wanted.get("sha256")


def place(
    ctx: Ctx, a: Any, path: str, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]", source: Source
) -> "dict[str, Any]":
    """Make the file so; gives extra result fields."""
    if same_content(current, wanted):
        change_attributes(ctx, path, current, wanted)
        return {}
    content = open_source(ctx, source)
    try:
        return install(ctx, path, content, current, wanted, validate=a.validate, backup=a.backup)
    finally:
        if not isinstance(content, bytes):
            content.close()


def file_diff(
    ctx: Ctx, path: str, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]", source: Source
) -> "list[dict[str, Any]]":
    """The diffs of one file: of its content and of its attributes, as far as they differ."""
    found = []
    if not same_content(current, wanted):
        exists = current["state"] == "file"
        if source.size > DIFF_LIMIT or (exists and current.get("size", 0) > DIFF_LIMIT):
            found.append(size_diff(path, current.get("size") if exists else None, source.size, source=source.label))
        else:
            foreseen = ctx.predicted("path", path) if ctx.check else None
            before = None if not exists else b"" if foreseen is not None else ctx.read(path)
            found.append(content_diff(path, before, read_all(ctx, source), source=source.label, secret=source.secret))
    is_new = bool(found) and current["state"] == "absent"
    keys = BESIDE_CONTENT if is_new else ("state", *BESIDE_CONTENT)
    attributes = attribute_diff(path, current, wanted, keys)
    if attributes is not None:
        found.append(attributes)
    return found


# -- directories around it -----------------------------------------------------------------------------------------


def missing_directories(ctx: Ctx, path: str) -> "list[str]":
    """`path` and the directories above it that are not there, the topmost first."""
    missing: "list[str]" = []
    while path not in ("", "/"):
        there = look(ctx, path, follow=True)
        if there is not None:
            if there.kind != "directory":
                raise ctx.fail("%s is a %s, not a directory" % (path, there.kind))
            break
        missing.append(path)
        path = os.path.dirname(path)
    return missing[::-1]
