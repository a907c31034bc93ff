"""Which files of a build make a release.

A release has the shape of the source, and the app's directory in it is where the source has it (`app`; "" for its
top). A standalone release has only what Next.js found the server to need, beside the files for browsers. In both
`.next` at the top leads to what was built.
"""

from __future__ import annotations

import os
import posixpath
from typing import Dict, List, NamedTuple, Optional

from provisioner.remote.sdk import Ctx

STANDALONE = "standalone"
SHARP = ".provision"
"""Holds the sharp that was installed beside the app."""

# Of `.next`: the compiler's caches and notes; `standalone` is a release of its own.
_NOT_SERVED = ("cache", "trace", "trace-build", "diagnostics", "standalone")


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


def lacking(ctx: Ctx, build: Build) -> "Optional[str]":
    """What a build that ended well should have left, in words; None when all is there."""
    if ctx.stat(build.output + "/BUILD_ID") is None:
        return (
            "no .next/BUILD_ID: the script must run `next build`, with `distDir` at its default and without "
            "`output: export`"
        )
    server = posixpath.join(build.standalone, build.app, "server.js")
    if build.mode == STANDALONE and ctx.stat(server) is None:
        return (
            "no .next/standalone/%s: add the line `output: 'standalone',` to next.config, and leave "
            "`outputFileTracingRoot` out or set it to the top of the source; or set `mode: server`"
            % posixpath.join(build.app, "server.js")
        )
    return None


def copy(ctx: Ctx, build: Build, target: str, *, modules: bool) -> None:
    """Bring it to the empty directory `target`. modules: whether node_modules of the top comes along. All are copies:
    a later build may write into its files in place."""
    home = posixpath.join(target, build.app).rstrip("/")
    if build.mode == STANDALONE:
        _copy_names(ctx, build.standalone, target, names(build.standalone))
        _copy_names(ctx, build.output, home + "/.next", ["static"])
        _copy_names(ctx, build.home, home, ["public"])
        _copy_names(ctx, build.tree, target, [SHARP])
    else:
        _copy_source(ctx, build, build.tree, target, leave=() if modules else ("node_modules",))
        _reach_next(ctx, build, home)
    fetched = build.output + "/cache/fetch-cache"
    if ctx.stat(fetched):  # data that the build got belongs to it
        if ctx.stat(home + "/.next/cache") is None:
            ctx.mkdir(home + "/.next/cache", mode="0750")
        ctx.run(["cp", "--archive", "--", fetched, home + "/.next/cache"], check=True, timeout=600)
    if build.app:
        ctx.symlink(build.app + "/.next", target + "/.next")


def names(path: str) -> "List[str]":
    return sorted(os.listdir(path))


def _copy_source(ctx: Ctx, build: Build, source: str, target: str, leave: "tuple[str, ...]") -> None:
    """The tree, without what a server does not read of `.next`. Only the way down to the app is walked."""
    below = os.path.relpath(build.home, source)
    way = below.split("/")[0] if below != "." else ".next"
    leave = (*leave, way)
    _copy_names(ctx, source, target, [name for name in names(source) if name not in leave])
    inner = target + "/" + way
    ctx.mkdir(inner, mode="0750")
    if below == ".":
        _copy_names(ctx, build.output, inner, [name for name in names(build.output) if name not in _NOT_SERVED])
    else:
        _copy_source(ctx, build, source + "/" + way, inner, ())


def _copy_names(ctx: Ctx, source: str, target: str, wanted: "List[str]") -> None:
    found = [source + "/" + name for name in wanted if ctx.stat(source + "/" + name) is not None]
    if found:
        ctx.run(["cp", "--archive", "--reflink=auto", "--", *found, target], check=True, timeout=600)


def _reach_next(ctx: Ctx, build: Build, home: str) -> None:
    """The unit starts node_modules/next of the app's directory; npm and yarn put it at the top of a workspace."""
    modules = home + "/node_modules"
    if not build.app or ctx.stat(modules + "/next") is not None:
        return
    if ctx.stat(modules) is None:
        ctx.mkdir(modules, mode="0755")
    ctx.symlink("../" * (build.app.count("/") + 2) + "node_modules/next", modules + "/next")
