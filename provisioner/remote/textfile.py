"""One text file changed in part: what `lineinfile`, `blockinfile` and `replace` share.

The whole text is the state (`content`), so that check mode, diff and `changed` follow from comparing it. Text is
UTF-8; bytes that are not survive as they are. Line ends are kept: a line is added with the ones the file has.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import Any, Mapping, Optional

from provisioner.remote.fileattrs import (
    ATTRIBUTE_ARGS,
    ATTRIBUTE_RETURNS,
    BESIDE_CONTENT,
    attribute_diff,
    content_is_foreseen,
    describe,
    look,
    path_of,
    prediction,
    refuse_unsupported,
    shown,
    with_attributes,
)
from provisioner.remote.filecontent import BACKUP, VALIDATE, content_diff, settle
from provisioner.remote.placing import missing_directories
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg

LONGEST_FORESEEN = 8 << 10
"""Characters of a text that later tasks of a check run are told; it travels with each of them."""

TEXT_ARGS: "dict[str, Arg]" = {
    "path": Arg("path", required=True, aliases=("dest", "destfile", "name"), doc="The file."),
    "encoding": Arg(default="utf-8", doc="How the file is encoded."),
    "follow": Arg("bool", default=True, doc="Change the file that a link points to; `false` refuses links."),
    "backup": BACKUP,
    "validate": VALIDATE,
    **ATTRIBUTE_ARGS,
}

TEXT_RETURNS: "dict[str, str]" = {
    "path": "Path of the file.",
    "msg": "What was done, in words.",
    "backup_file": "Where the old file went.",
    **ATTRIBUTE_RETURNS,
}


def read(
    ctx: Ctx, a: Any, *, create: bool = False, needed: bool = True, missing_as: str = "Path %s does not exist !"
) -> "dict[str, Any]":
    """The state of the file with `content` (None when it is not there).

    create: it may be made, with its directory. needed: not being there is a failure (rc 257), told as `missing_as`;
    the words are Ansible's, as playbooks look for them in a failed result.
    """
    refuse_unsupported(ctx, a)
    path = path_of(ctx, a.path)
    there = look(ctx, path)
    if there is not None and there.kind == "link":
        if not a.follow:
            raise ctx.fail("%s is a link and `follow` is false" % path)
        path = os.path.realpath(path)
        there = look(ctx, path)
    foreseen = _foreseen(ctx, path) if there is not None else None
    if foreseen is None:
        content_is_foreseen(ctx, path)
    if there is None:
        if needed and not create:
            if ctx.check:
                raise ctx.unknown("%s does not exist yet" % path)
            raise ctx.fail(missing_as % path, rc=257)
        missing = missing_directories(ctx, os.path.dirname(path)) if create else []
        return {"path": path, "state": "absent", "content": None, "missing": missing}
    if there.kind == "directory":
        raise ctx.fail("Path %s is a directory !" % path, rc=256)
    if there.kind != "file":
        raise ctx.fail("%s is a %s, not a file" % (path, there.kind), rc=256)
    if foreseen is not None:
        return {"path": path, **describe(there), "state": "file", "content": foreseen}
    data = ctx.read(path) or b""
    return {"path": path, **describe(there), "state": "file", "content": _decode(ctx, a, data)}


def wanted(ctx: Ctx, a: Any, current: "Mapping[str, Any]", content: Optional[str]) -> "dict[str, Any]":
    """`current` with other content and the attributes asked for; a file that is not to be made stays away."""
    if content is None:
        return dict(current)
    base = {**current, "state": "file", "content": content}
    if "missing" in base:
        base["missing"] = []
    return with_attributes(ctx, a, base)


def apply(ctx: Ctx, a: Any, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "dict[str, Any]":
    for directory in current.get("missing", ()):
        ctx.mkdir(directory, mode="0755")
    same = current["content"] == wanted["content"]
    data = None if same else _encode(ctx, a, wanted["content"])
    return settle(ctx, current["path"], data, current, wanted, validate=a.validate, backup=a.backup)


def report(
    ctx: Ctx, a: Any, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]", message: str
) -> "dict[str, Any]":
    """Result fields; `message` says what happened to the content ("" when nothing did)."""
    if any(current.get(key) != wanted.get(key) for key in ("mode", "owner", "group")) and current["state"] != "absent":
        message = "%s%sownership or permissions changed" % (message, " and " if message else "")
    final = current if current == wanted else wanted if ctx.check else describe(ctx.stat(current["path"]))
    return {
        "path": current["path"],
        "msg": message,
        **shown({**final, "size": None if ctx.check else final.get("size")}),
    }


def diff(ctx: Ctx, a: Any, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "list[dict[str, Any]]":
    found = []
    if current["content"] != wanted["content"]:
        before = None if current["content"] is None else _encode(ctx, a, current["content"])
        found.append(content_diff(current["path"], before, _encode(ctx, a, wanted["content"])))
    is_new = current["content"] is None
    keys = BESIDE_CONTENT if is_new else ("state", *BESIDE_CONTENT)
    attributes = attribute_diff(current["path"], current, wanted, keys)
    return found + ([attributes] if attributes is not None else [])


def predictions(ctx: Ctx, a: Any, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "list[Any]":
    made = [prediction(path, {"state": "directory", "mode": "0755"}) for path in current.get("missing", ())]
    digest = hashlib.sha256(_encode(ctx, a, wanted["content"])).hexdigest()
    told = {"text": wanted["content"]} if _can_be_told(wanted["content"]) else {}
    return [*made, prediction(current["path"], {**wanted, "size": None}, sha256=digest, **told)]


def _can_be_told(text: str) -> bool:
    """Bytes that are no text would come back as others."""
    return len(text) <= LONGEST_FORESEEN and not any("\ud800" <= sign <= "\udfff" for sign in text)


def _foreseen(ctx: Ctx, path: str) -> Optional[str]:
    """In check mode: the text as an earlier task would leave it, so that what a later one changes is told too."""
    entry = ctx.predicted("path", path)
    return entry["text"] if entry is not None and "text" in entry else None


def compiled(ctx: Ctx, argument: str, pattern: str, flags: int = 0) -> "re.Pattern[str]":
    try:
        return re.compile(pattern, flags)
    except re.error as error:
        raise ctx.fail("`%s` is not a regular expression: %s: %s" % (argument, error, pattern)) from None


def line_end(text: str) -> str:
    """The line end that most lines of the text have."""
    windows = text.count("\r\n")
    return "\r\n" if windows and windows * 2 > text.count("\n") else "\n"


def split_lines(text: str) -> "list[str]":
    """Lines with their ends; only a line feed ends a line (`str.splitlines` also cuts at form feeds and others)."""
    lines = text.split("\n")
    last = lines.pop()
    return [line + "\n" for line in lines] + ([last] if last else [])


def bare(line: str) -> str:
    """A line without its end."""
    return line.rstrip("\r\n")


def _decode(ctx: Ctx, a: Any, data: bytes) -> str:
    try:
        return data.decode(
            a.encoding, "surrogateescape" if a.encoding.lower() in ("utf-8", "utf8", "ascii") else "strict"
        )
    except (LookupError, ValueError) as error:
        raise ctx.fail("%s can't be read as %s: %s" % (a.path, a.encoding, error)) from None


def _encode(ctx: Ctx, a: Any, text: str) -> bytes:
    try:
        return text.encode(
            a.encoding, "surrogateescape" if a.encoding.lower() in ("utf-8", "utf8", "ascii") else "strict"
        )
    except (LookupError, ValueError) as error:
        raise ctx.fail("the new content of %s can't be written as %s: %s" % (a.path, a.encoding, error)) from None
