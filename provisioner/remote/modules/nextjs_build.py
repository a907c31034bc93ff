"""Runs a project's own `build` script, once for all hosts, with the build cache of the time before."""

from __future__ import annotations

import posixpath
import re
import time
from typing import Any, Dict, Optional, Sequence

from provisioner.remote.nextjs import adapter, building, cage, contents, exporting
from provisioner.remote.nextjs.building import read_json
from provisioner.remote.nextjs.contents import Build
from provisioner.remote.nextjs.exporting import STATIC
from provisioner.remote.nextjs.layout import Layout, read_build, write_state
from provisioner.remote.sdk import Completed, Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

ACTION_KEY = "NEXT_SERVER_ACTIONS_ENCRYPTION_KEY"

SPEC = Spec(
    name="nextjs_build",
    summary="Build a Next.js app",
    check="predict",
    identity=("name",),
    args={
        "name": Arg(required=True, doc="The app"),
        "user": Arg(doc="The app's user, as whom the build runs"),
        "place": Arg(type="path", doc="Where the app is built, if not below /srv"),
        "node": Arg(required=True, doc="The exact version of Node.js"),
        "fingerprint": Arg(required=True, doc="Names everything that goes into the build"),
        "command": Arg(type="list", elements="str", required=True, doc="What builds"),
        "directories": Arg(
            type="list", elements="str", required=True, doc="Where in the source it is run; the last one is the app's"
        ),
        "mode": Arg(required=True, choices=("server", "standalone", "static"), doc="What the release is to be"),
        "export": Arg(type="list", elements="str", default=[], doc="What exports the build as files, if it does not"),
        "env": Arg(type="dict", default={}, doc="Variables of the build"),
        "build_env": Arg(type="dict", default={}, secret=True, doc="Further ones that must not be shown"),
        "deployment_id": Arg(doc="What the build calls itself to browsers; none where Next.js does not know it"),
        "config": Arg(type="dict", doc="Settings beside the project's own; Next.js 16 and later"),
        "memory_max": Arg(type="size", doc="Memory the build may use; by default what is available but for a rest"),
    },
    returns={"build_id": "What Next.js calls the build", "next": "The version of Next.js"},
)


def run(ctx: Ctx, a: Arguments) -> Result:
    layout = Layout(a.name, a.place)
    build = Build(layout.tree, a.directories[-1], a.mode)
    state = read_build(ctx, layout)
    if state.get("built") == a.fingerprint:
        return Result(**_about(ctx, build))
    lines = {"before": _line(state.get("built")), "after": _line(a.fingerprint)}
    diff = {**lines, "before_header": "build", "after_header": "build"} if ctx.want_diff else None
    if ctx.check:
        return Result(changed=True, diff=diff)
    contents.clear(ctx, build, state.get("app") or "")
    state = {**state, "built": None, "build_id": None, "app": build.app}
    write_state(ctx, layout.build_state, state)
    exporting.begin(ctx, build.home)
    began = time.monotonic()
    limit = a.memory_max or cage.allowance(ctx)
    extra = {"NODE_ENV": "production", **build.environment(), **_pinned(ctx, a, layout), **a.env, **a.build_env}
    env = cage.environment(ctx, layout, a.node, extra)
    commands = [(directory, a.command) for directory in a.directories]
    for directory, command in [*commands, *([(a.directories[-1], a.export)] if a.export else [])]:
        cwd = posixpath.join(layout.tree, directory)
        done = cage.run(ctx, layout, a.user, command, env, memory_max=limit, cwd=cwd)
        if done.rc != 0:
            raise ctx.fail(_explain(ctx, command, directory, done, limit), rc=done.rc, cmd=command)
    lacking = contents.lacking(ctx, build)
    if lacking:
        raise ctx.fail("`%s` succeeded but left %s" % (" ".join(a.command), lacking))
    if a.mode == STATIC:
        exporting.make_public(ctx, exporting.directory(ctx, build.home) or build.home)
    about = _about(ctx, build)
    write_state(ctx, layout.build_state, {**state, "built": a.fingerprint, "build_id": about["build_id"]})
    return Result(changed=True, diff=diff, seconds=round(time.monotonic() - began, 1), **about)


def _pinned(ctx: Ctx, a: Arguments, layout: Layout) -> "Dict[str, str]":
    """What Next.js would otherwise make anew with every build."""
    pinned = {ACTION_KEY: building.action_key(ctx, layout)}
    if a.deployment_id:
        pinned["NEXT_DEPLOYMENT_ID"] = a.deployment_id
    if a.config is not None:
        pinned.update(adapter.install(ctx, layout, a.config))
    return pinned


def _line(fingerprint: object) -> str:
    return "built from %s\n" % str(fingerprint)[:12] if fingerprint else ""


def _about(ctx: Ctx, build: Build) -> "Dict[str, Any]":
    build_id = ctx.read_text(build.output + "/BUILD_ID")
    package = "/node_modules/next/package.json"
    return {
        "build_id": build_id.strip() if build_id else None,
        "next": (read_json(ctx, build.home + package) or read_json(ctx, build.tree + package)).get("version"),
        "base_path": exporting.base_path(ctx, build.home),
        **(exporting.about(ctx, build.home) if build.mode == STATIC else {}),
        "deployment_id": _deployment_id(ctx, build),
    }


def _deployment_id(ctx: Ctx, build: Build) -> "Optional[str]":
    """What is really in the build: the project may have set its own."""
    config = read_json(ctx, build.output + "/required-server-files.json").get("config")
    found = config.get("deploymentId") if isinstance(config, dict) else None
    return found if isinstance(found, str) and re.match(r"[A-Za-z0-9_-]+$", found) else None


def _explain(ctx: Ctx, command: "Sequence[str]", directory: str, done: Completed, limit: int) -> str:
    where = " in %s" % directory if directory else ""
    text = "`%s`%s failed with exit code %d" % (" ".join(command), where, done.rc)
    if cage.was_killed(done):
        memory = cage.meminfo(ctx)
        text = (
            "the build ran out of memory (exit code %d): it was allowed %d MiB, and the host has %d MiB "
            "with %d MiB of swap. "
            "Next.js 16 needs 1.5 to 2 GiB for an ordinary app, and a limit for V8's heap does not help; "
            "add memory or a "
            "swap file, or build on a larger host"
            % (done.rc, limit >> 20, memory.get("MemTotal", 0) >> 20, memory.get("SwapTotal", 0) >> 20)
        )
    return "%s\n%s" % (text, cage.last_lines(done))
