"""Which files of a build make a release.

A release has the shape of the source, and the app's directory in it is where the source has it (`app`; "" for its
top). A standalone release has only what Next.js found the server to need, beside the files for browsers. In both
`.next` at the top leads to what was built.
"""

from __future__ import annotations

import os
import posixpath
from typing import Dict, List, NamedTuple, Optional

from provisioner.remote.nextjs import exporting
from provisioner.remote.nextjs.exported import SITE
from provisioner.remote.nextjs.exporting import STATIC
from provisioner.remote.sdk import Ctx

SERVER, STANDALONE = "server", "standalone"
ASSEMBLED = "assembled"
"""A standalone build whose files for browsers were put beside it already."""
SHARP = ".provision"
"""Holds the sharp that was installed beside the app."""


class Part(NamedTuple):
    """A directory of the build (below its tree) and where its files lie in the release."""

    source: str
    target: str


class Build(NamedTuple):
    """Where a build is. app: the app's directory in `tree`."""

    tree: str
    app: str
    mode: str

    @property
    def home(self) -> str:
        return posixpath.join(self.tree, self.app).rstrip("/")

    @property
    def output(self) -> str:
        return self.home + "/.next"

    @property
    def standalone(self) -> str:
        return self.output + "/standalone"

    @property
    def modules(self) -> str:
        return (self.standalone if self.mode == STANDALONE else self.tree) + "/node_modules"

    def environment(self) -> "Dict[str, str]":
        """Variables of the build that make it what the mode needs. Both stand for what next.config leaves out, from
        12.2 to 16; the second one because 12 takes the app's directory, not the workspace, for all there is."""
        if self.mode != STANDALONE:
            return {}
        return {"NEXT_PRIVATE_STANDALONE": "1", "NEXT_PRIVATE_OUTPUT_TRACE_ROOT": self.tree}


def clear(ctx: Ctx, build: Build, before: str) -> None:
    """Remove what an earlier build left and would be taken for this one's. before: the app's directory then; the
    compiler's cache stays unless the app has moved."""
    ctx.remove(build.output + "/BUILD_ID")
    ctx.remove(build.standalone, recursive=True)
    if before != build.app:
        ctx.remove(build._replace(app=before).output, recursive=True)


def lacking(ctx: Ctx, build: Build) -> "Optional[str]":
    """What a build that ended well should have left, in words; None when all is there."""
    if ctx.stat(build.output + "/BUILD_ID") is None:
        return (
            "no .next/BUILD_ID: the script must run `next build`, with `distDir` at its default"
        )
    if build.mode == STATIC:
        return exporting.lacking(ctx, build.home)
    server = posixpath.join(build.standalone, build.app, "server.js")
    if build.mode == STANDALONE and ctx.stat(server) is None:
        return (
            "no .next/standalone/%s: add the line `output: 'standalone',` to next.config, and leave "
            "`outputFileTracingRoot` out or set it to the top of the source; or set `mode: server`"
            % posixpath.join(build.app, "server.js")
        )
    return None


def parts(ctx: Ctx, build: Build) -> "List[Part]":
    """Whose files, without those that `manifest.is_part` leaves out, are the release."""
    if build.mode == STATIC:
        files = os.path.relpath(exporting.directory(ctx, build.home) or build.home, build.tree)
        return [Part(files, SITE + exporting.base_path(ctx, build.home))]
    if build.mode != STANDALONE:
        return [Part("", "")]
    output = posixpath.join(build.app, ".next")
    found = [
        Part(output + "/standalone", ""),
        *(Part(name, name) for name in (output + "/static", output + "/cache/fetch-cache", SHARP)),
        Part(posixpath.join(build.app, "public"), posixpath.join(build.app, "public")),
    ]
    return [part for part in found if ctx.stat("%s/%s" % (build.tree, part.source)) is not None]


def links(ctx: Ctx, build: Build) -> "Dict[str, str]":
    """Links that a release has beside: path -> target. `.next` at the top, and in a full tree node_modules/next of the
    app's directory, which the unit starts; npm and yarn put it at the top of a workspace."""
    if build.mode == STATIC:
        return {".next/static": exporting.link(exporting.base_path(ctx, build.home))}
    if not build.app:
        return {}
    found = {".next": build.app + "/.next"}
    if build.mode == SERVER and ctx.stat(build.home + "/node_modules/next") is None:
        found[build.app + "/node_modules/next"] = "../" * (build.app.count("/") + 2) + "node_modules/next"
    return found
