"""Sends a release to the controller, for the hosts that lack it: whole, or what an earlier release does not have."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, Dict

from provisioner.remote.nextjs import assemble, manifest
from provisioner.remote.nextjs.layout import Layout
from provisioner.remote.nextjs.manifest import Manifest
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_pack",
    summary="Send a release to the controller",
    check="run",
    args={
        "name": Arg(required=True, doc="The app"),
        "release": Arg(required=True, doc="The release"),
        "base": Arg(doc="Digest of the manifest of an earlier release that is here and where the archive goes"),
        "place": Arg(type="path", doc="Where the app is built, if not below /srv"),
    },
    returns={"sha256": "Of the archive that was sent", "size": "Its bytes", "files": "How many it holds"},
)


def run(ctx: Ctx, a: Arguments) -> Result:
    layout = Layout(a.name, a.place)
    home = layout.release(a.release)
    wanted = assemble.read_manifest(ctx, home)
    if wanted is None:
        raise ctx.fail("%s has no manifest, so it can't be sent" % home)
    base = _base(ctx, layout, a.base) if a.base else {}
    patch = {"base": a.base, **manifest.patch(base, wanted)}
    # What a running app may have made anew is not the same in the other host's copy.
    names = sorted(path for path in wanted if path in patch["files"] or manifest.is_rewritten(path))
    scratch = ctx.tempdir()
    with open("%s/%s" % (scratch, assemble.PATCH_FILE), "w", encoding="ascii") as stream:
        json.dump(patch, stream)
    file = scratch + "/release.tar.gz"
    done = ctx.query(
        ["tar", "--create", "--use-compress-program", "gzip -1", "--file", file, "--owner", "0", "--group", "0",
         "--numeric-owner", "--no-recursion", "--directory", scratch, assemble.PATCH_FILE, "--directory", home,
         "--null", "--files-from", "-"],
        input=b"".join(b"./" + os.fsencode(name) + b"\0" for name in names), timeout=1200,
    )  # fmt: skip
    if done.rc not in (0, 1):  # 1: a file changed meanwhile, as pages that the app makes anew do
        raise ctx.fail("the release can't be packed: %s" % done.stderr.strip())
    return Result(**_sent(ctx, file), files=len(names))


def _base(ctx: Ctx, layout: Layout, digest: str) -> Manifest:
    for release in assemble.releases(ctx, layout):
        if release.get("manifest") == digest:
            found = assemble.read_manifest(ctx, layout.release(release["id"]))
            if found is not None and manifest.digest(found) == digest:
                return found
    raise ctx.fail("no release here has the manifest %s" % digest)


def _sent(ctx: Ctx, file: str) -> "Dict[str, Any]":
    digest = hashlib.sha256()
    with open(file, "rb") as stream:
        for piece in iter(lambda: stream.read(1 << 20), b""):
            digest.update(piece)
        stream.seek(0)
        return {"sha256": digest.hexdigest(), "size": ctx.send(stream)}
