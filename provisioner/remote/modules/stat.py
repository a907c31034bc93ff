"""Facts about a file."""

from __future__ import annotations

import os
from typing import Any

from provisioner.remote import filefacts
from provisioner.remote.fileattrs import look, path_of
from provisioner.remote.sdk import Ctx, Result, Stat
from provisioner.remote.spec import Arg, Arguments, Spec

ALGORITHMS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")

SPEC = Spec(
    name="stat",
    summary="Tell what is at a path",
    check="run",
    identity=("path",),
    args={
        "path": Arg("path", required=True, aliases=("dest", "name"), doc="What to look at."),
        "follow": Arg("bool", default=False, doc="Look at what a link points to."),
        "get_checksum": Arg("bool", default=True, doc="Give the checksum of a regular file."),
        "checksum_algorithm": Arg(
            default="sha1", choices=ALGORITHMS, aliases=("checksum", "checksum_algo"), doc="Which checksum."
        ),
        "get_mime": Arg(
            "bool",
            aliases=("mime", "mime_type", "mime-type"),
            doc="`true` asks the program `file` for type and charset; without it text and binary are told apart "
            "quickly; `false` gives neither.",
        ),
        "get_attributes": Arg(
            "bool", default=True, aliases=("attr", "attributes"), doc="Give the flags that `lsattr` shows."
        ),
        "get_selinux_context": Arg("bool", default=False, doc="Not supported; accepted for compatibility."),
    },
    examples="""
- name: Is there a release?
  stat:
    path: /srv/shop/current
  register: release
- name: Stop if it is no link
  assert:
    that: release.stat.exists and release.stat.islnk
""",
    returns={
        "stat": "`exists`, and when it does: path mode isdir ischr isblk isreg isfifo islnk issock uid gid size "
        "inode dev nlink atime mtime ctime wusr rusr xusr wgrp rgrp xgrp woth roth xoth isuid isgid "
        "pw_name gr_name blocks block_size device_type readable writeable executable checksum mimetype charset "
        "attr_flags attributes version lnk_source lnk_target"
    },
)


def run(ctx: Ctx, a: Arguments) -> Result:
    path = path_of(ctx, a.path)
    there = look(ctx, path, follow=a.follow)
    if there is None:
        return Result(stat={"exists": False})
    if not there.inode:
        return Result(stat=_foreseen(path, there))
    status = os.stat(path, follow_symlinks=a.follow)
    facts = {
        "exists": True,
        "path": path,
        **filefacts.permissions(status),
        **filefacts.numbers(status),
        "blocks": status.st_blocks,
        "block_size": status.st_blksize,
        "device_type": status.st_rdev,
        "readable": os.access(path, os.R_OK),
        "writeable": os.access(path, os.W_OK),
        "executable": os.access(path, os.X_OK),
    }
    if facts["islnk"]:
        facts["lnk_target"] = there.target
        facts["lnk_source"] = os.path.realpath(path)
    if facts["isreg"] and a.get_checksum and facts["readable"]:
        facts["checksum"] = ctx.digest(path, a.checksum_algorithm)
    if a.get_mime is not False:
        facts["mimetype"], facts["charset"] = _mime(ctx, a, path, status)
    if a.get_attributes:
        facts.update(filefacts.flags(os.path.realpath(path) if a.follow else path))
    return Result(stat=facts)


def _mime(ctx: Ctx, a: Arguments, path: str, status: os.stat_result) -> "tuple[str, str]":
    if a.get_mime:
        done = ctx.query(
            ["file", "--brief", "--mime-type", "--mime-encoding", *(["--dereference"] if a.follow else []), "--", path]
        )
        kind, _, charset = done.stdout.strip().partition("; charset=")
        if done.rc == 0 and charset:
            return kind, charset
    return filefacts.guessed_type(path, status)


def _foreseen(path: str, there: Stat) -> "dict[str, Any]":
    """What check mode knows of a path that an earlier task would have made: no times, no place, no content."""
    mode = int(there.mode, 8)
    facts = {
        "exists": True,
        "path": path,
        "mode": there.mode,
        "uid": there.uid,
        "gid": there.gid,
        "pw_name": there.owner,
        "gr_name": there.group,
        "size": there.size,
        "isuid": bool(mode & 0o4000),
        "isgid": bool(mode & 0o2000),
    }
    for name, kind in (
        ("isdir", "directory"),
        ("isreg", "file"),
        ("islnk", "link"),
        ("isfifo", "fifo"),
        ("issock", "socket"),
        ("isblk", "block"),
        ("ischr", "char"),
    ):
        facts[name] = there.kind == kind
    for who, shift in (("usr", 6), ("grp", 3), ("oth", 0)):
        for letter, bit in (("r", 4), ("w", 2), ("x", 1)):
            facts[letter + who] = bool(mode >> shift & bit)
    if there.kind == "link":
        facts["lnk_target"] = there.target
    return facts
