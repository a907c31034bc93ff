"""Sends a release to the controller as one archive, for the other hosts: there is one build, and all run it."""

from __future__ import annotations

import hashlib
import posixpath
from typing import List

from provisioner.remote.nextjs.layout import RELEASE_FILE, Layout, read_state
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_pack",
    summary="Send a release to the controller",
    check="run",
    args={
        "name": Arg(required=True, doc="The app"),
        "release": Arg(required=True, doc="The release"),
        "modules": Arg(
            type="bool", default=True, doc="Whether node_modules goes along; the others may have the same already"
        ),
    },
    returns={"sha256": "Of the archive that was sent", "size": "Its bytes"},
)

# What a running app writes is its own and no part of the build.
LEFT_OUT = (".next/cache/images", ".next/server/route-cache")


def run(ctx: Ctx, a: Arguments) -> Result:
    layout = Layout(a.name)
    app = read_state(ctx, "%s/%s" % (layout.release(a.release), RELEASE_FILE)).get("app") or ""
    file = ctx.tempdir() + "/release.tar.gz"
    done = ctx.query(
        [
            "tar",
            "--create",
            "--use-compress-program",
            "gzip -1",
            "--file",
            file,
            "--directory",
            layout.releases,
            "--owner",
            "0",
            "--group",
            "0",
            "--numeric-owner",
            *_excluded(posixpath.join(a.release, app), a.release, a.modules),
            "--",
            a.release,
        ],
        timeout=1200,
    )
    if done.rc != 0:
        raise ctx.fail("the release can't be packed: %s" % done.stderr.strip())
    digest = hashlib.sha256()
    with open(file, "rb") as stream:
        for piece in iter(lambda: stream.read(1 << 20), b""):
            digest.update(piece)
        stream.seek(0)
        size = ctx.send(stream)
    return Result(sha256=digest.hexdigest(), size=size)


def _excluded(home: str, release: str, modules: bool) -> "List[str]":
    names = ["%s/%s" % (home.rstrip("/"), name) for name in LEFT_OUT] + ["%s/%s" % (release, RELEASE_FILE)]
    if not modules:
        names.append(release + "/node_modules")
    return ["--anchored", *("--exclude=" + name for name in names)]
