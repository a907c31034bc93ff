"""Archives of a working copy's commit, for the module `git`."""

from __future__ import annotations

import os
from typing import Optional

from provisioner.remote.gitrepo import Git
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arguments

_ENDINGS = (".tar.gz", ".tgz", ".zip", ".tar", ".gz")
"""What git can write by itself, longest first where one ends like another."""


def check(ctx: Ctx, a: Arguments) -> None:
    if a.archive_prefix is not None and a.archive is None:
        raise ctx.fail("`archive_prefix` is for an archive: say with `archive` where that is")
    if a.archive is not None and _format(a.archive) is None:
        raise ctx.fail("Unsupported archive format: %s ends with none of %s" % (a.archive, ", ".join(_ENDINGS)))


def write(ctx: Ctx, git: Git, a: Arguments) -> bool:
    """Make `archive` of the commit that is checked out; says whether it was another one, or none."""
    path = ctx.expand(a.archive)
    made = os.path.join(ctx.tempdir(), "archive")
    prefix = ["--prefix=" + a.archive_prefix] if a.archive_prefix else []
    done = git.ask(["archive", "--format=" + str(_format(path)), *prefix, "--output=" + made, "HEAD"])
    if done.rc:
        raise git.failure("archive", done)
    if ctx.sha256(made) == ctx.sha256(path):
        return False
    if not ctx.check:
        parent = os.path.dirname(path)
        if ctx.stat(parent, follow=True) is None:
            ctx.mkdir(parent, parents=True)
        with open(made, "rb") as source:
            ctx.write_from(path, source)
    return True


def _format(path: str) -> "Optional[str]":
    ending = next((each for each in _ENDINGS if path.endswith(each)), None)
    return None if ending is None else "tar.gz" if ending.endswith("gz") else ending[1:]
