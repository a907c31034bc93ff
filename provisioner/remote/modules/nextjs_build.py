"""Runs a project's own `build` script, once for all hosts, with the build cache of the time before."""

from __future__ import annotations

import json
import time
from typing import Any, Dict

from provisioner.remote.nextjs import cage
from provisioner.remote.nextjs.layout import Layout, read_build, write_state
from provisioner.remote.sdk import Completed, Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_build",
    summary="Build a Next.js app",
    check="predict",
    identity=("name",),
    args={
        "name": Arg(required=True, doc="The app"),
        "user": Arg(required=True, doc="The app's user, as whom the build runs"),
        "node": Arg(required=True, doc="The exact version of Node.js"),
        "fingerprint": Arg(required=True, doc="Names everything that goes into the build"),
        "command": Arg(type="list", elements="str", required=True, doc="What builds"),
        "env": Arg(type="dict", default={}, doc="Variables of the build"),
        "build_env": Arg(type="dict", default={}, secret=True, doc="Further ones that must not be shown"),
        "memory_max": Arg(type="size", doc="Memory the build may use; by default what is available but for a rest"),
    },
    returns={"build_id": "What Next.js calls the build", "next": "The version of Next.js"},
)


def run(ctx: Ctx, a: Arguments) -> Result:
    layout = Layout(a.name)
    state = read_build(ctx, layout)
    if state.get("built") == a.fingerprint:
        return Result(**_about(ctx, layout))
    lines = {"before": _line(state.get("built")), "after": _line(a.fingerprint)}
    diff = {**lines, "before_header": "build", "after_header": "build"} if ctx.want_diff else None
    if ctx.check:
        return Result(changed=True, diff=diff)
    write_state(ctx, layout.build_state, {**state, "built": None, "build_id": None})
    ctx.remove(layout.tree + "/.next/BUILD_ID")
    began = time.monotonic()
    limit = a.memory_max or cage.allowance(ctx)
    env = cage.environment(ctx, layout, a.node, {"NODE_ENV": "production", **a.env, **a.build_env})
    done = cage.run(ctx, layout, a.user, a.command, env, memory_max=limit)
    if done.rc != 0:
        raise ctx.fail(_explain(ctx, a, done, limit), rc=done.rc, cmd=a.command)
    about = _about(ctx, layout)
    if about["build_id"] is None:
        raise ctx.fail(
            "`%s` succeeded but left no .next/BUILD_ID: the script must run `next build`, with `distDir` at its "
            "default and without `output: export`" % " ".join(a.command)
        )
    write_state(ctx, layout.build_state, {**state, "built": a.fingerprint, "build_id": about["build_id"]})
    return Result(changed=True, diff=diff, seconds=round(time.monotonic() - began, 1), **about)


def _line(fingerprint: object) -> str:
    return "built from %s\n" % str(fingerprint)[:12] if fingerprint else ""


def _about(ctx: Ctx, layout: Layout) -> "Dict[str, Any]":
    build_id = ctx.read_text(layout.tree + "/.next/BUILD_ID")
    return {
        "build_id": build_id.strip() if build_id else None,
        "next": _json(ctx, layout.tree + "/node_modules/next/package.json").get("version"),
        "base_path": _json(ctx, layout.tree + "/.next/routes-manifest.json").get("basePath") or "",
    }


def _json(ctx: Ctx, path: str) -> "Dict[str, Any]":
    try:
        data = json.loads(ctx.read_text(path) or "{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _explain(ctx: Ctx, a: Arguments, done: Completed, limit: int) -> str:
    text = "`%s` failed with exit code %d" % (" ".join(a.command), done.rc)
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
