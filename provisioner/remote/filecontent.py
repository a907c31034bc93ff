"""What the modules that write a file's content share: validation, backup, replacement and content diffs."""

from __future__ import annotations

import hashlib
import os
import shlex
import stat as stat_bits
import time
from typing import IO, Any, Mapping, Optional, Union

from provisioner.remote.fileattrs import change_attributes, given
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg

VALIDATE = Arg(doc="A command that must succeed before the file is put in place; `%s` stands for its temporary name.")
BACKUP = Arg("bool", default=False, doc="Keep the old file beside it, with the time in its name.")

DIFF_LIMIT = 100 << 10  # more is not read by anybody, and travels and is stored with every run
OLD_HIDDEN = "(old content is not shown: this file holds a secret)\n"
NEW_HIDDEN = "(new content is not shown: this file holds a secret)\n"


def install(
    ctx: Ctx,
    path: str,
    content: "Union[bytes, IO[bytes]]",
    current: "Mapping[str, Any]",
    wanted: "Mapping[str, Any]",
    *,
    validate: Optional[str] = None,
    backup: bool = False,
    follow: bool = False,
) -> "dict[str, Any]":
    """Replace or make the file atomically with the attributes of `wanted`; gives result fields (`backup_file`)."""
    extra: "dict[str, Any]" = {}
    if validate:
        run_validation(ctx, validate, path, content)
    if backup and current["state"] in ("file", "hard"):
        extra["backup_file"] = keep_copy(ctx, path, current)
    attributes = given(wanted)
    if os.geteuid() != 0 and current["state"] in ("file", "hard"):
        # an owner that only is to stay is not asked for: who can't give the file away may replace it all the same
        attributes.update({name: None for name in ("owner", "group") if wanted.get(name) == current.get(name)})
    if isinstance(content, bytes):
        ctx.write(path, content, follow=follow, **attributes)
    else:
        content.seek(0)
        ctx.write_from(path, content, follow=follow, **attributes)
    return extra


def settle(
    ctx: Ctx,
    path: str,
    content: "Optional[bytes]",
    current: "Mapping[str, Any]",
    wanted: "Mapping[str, Any]",
    *,
    validate: Optional[str] = None,
    backup: bool = False,
) -> "dict[str, Any]":
    """Write `content`, or change attributes alone when it is None."""
    if content is None:
        change_attributes(ctx, path, current, wanted)
        return {}
    return install(ctx, path, content, current, wanted, validate=validate, backup=backup)


def run_validation(ctx: Ctx, command: str, path: str, content: "Union[bytes, IO[bytes]]") -> None:
    if "%s" not in command:
        raise ctx.fail("validate must contain %%s: %s (it stands for the file to check)" % command)
    trial = os.path.join(ctx.tempdir(), os.path.basename(path))
    if isinstance(content, bytes):
        ctx.write(trial, content, mode="0600")
    else:
        content.seek(0)
        ctx.write_from(trial, content, mode="0600")
    try:
        argv = [word.replace("%s", trial) for word in shlex.split(command)]
    except ValueError as error:
        raise ctx.fail("`validate` can't be split into words (%s): %s" % (error, command)) from None
    done = ctx.query(argv)
    if done.rc != 0:
        raise ctx.fail(
            "`validate` refused the new content of %s; the old file is untouched" % path,
            rc=done.rc,
            stdout=done.stdout,
            stderr=done.stderr,
            cmd=argv,
            exit_status=done.rc,
        )


def keep_copy(ctx: Ctx, path: str, current: "Mapping[str, Any]") -> str:
    """Copy a file beside itself with the time in its name; gives that name."""
    copy = "%s.%d.%s~" % (path, os.getpid(), time.strftime("%Y-%m-%d@%H:%M:%S"))
    with open_regular(ctx, path) as source:
        ctx.write_from(copy, source, **given(current))
    return copy


def open_regular(ctx: Ctx, path: str) -> "IO[bytes]":
    """Open a regular file for reading; never a link, and never blocking on a FIFO put in its place."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat_bits.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise ctx.fail("%s is not a regular file" % path)
    return os.fdopen(fd, "rb")


# -- diffs -------------------------------------------------------------------------------------------------------


def content_diff(
    path: str, before: Optional[bytes], after: Optional[bytes], *, source: str = "", secret: bool = False
) -> "dict[str, Any]":
    """A text diff, or the reason why there is none. None for a side means that there is no file."""
    headers = {"before_header": path, "after_header": source or path}
    if secret:
        return {**headers, "before": OLD_HIDDEN if before else "", "after": NEW_HIDDEN if after else ""}
    for side in (before, after):
        reason = _unshowable(side)
        if reason:
            return {**headers, "before": _summary(before), "after": _summary(after), reason[0]: reason[1]}
    return {**headers, "before": _text(before), "after": _text(after)}


def size_diff(path: str, before: "Optional[int]", after: "Optional[int]", *, source: str = "") -> "dict[str, Any]":
    """The diff of content too large to be shown."""
    headers = {"before_header": path, "after_header": source or path}
    return {
        **headers,
        "before": "" if before is None else "%d bytes\n" % before,
        "after": "" if after is None else "%d bytes\n" % after,
        "src_larger": DIFF_LIMIT,
    }


def _unshowable(data: Optional[bytes]) -> "Optional[tuple[str, Any]]":
    if data is None:
        return None
    if len(data) > DIFF_LIMIT:
        return "src_larger", DIFF_LIMIT
    if b"\0" in data:
        return "src_binary", 1
    return None


def _summary(data: Optional[bytes]) -> str:
    if data is None:
        return ""
    return "%d bytes%s, sha256 %s\n" % (
        len(data),
        " of binary content" if b"\0" in data else "",
        hashlib.sha256(data).hexdigest(),
    )


def _text(data: Optional[bytes]) -> str:
    return "" if data is None else data.decode("utf-8", "backslashreplace")


def sha1(data: bytes) -> str:
    """The `checksum` field that Ansible's results have; not for protection."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
