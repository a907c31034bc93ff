"""Runs the user's own commands for an app: as its user, with its variables and its Node.js, output shown live."""

from __future__ import annotations

import os
from typing import Dict, Mapping

from provisioner.remote.nextjs import cage, credentials, overrides
from provisioner.remote.nextjs.layout import Layout
from provisioner.remote.sdk import Ctx, ModuleFailed, Result
from provisioner.remote.spec import Arg, Arguments, Spec

LATE = ("after_switch", "after_rollback")
WHEN = ("before_build", "after_build", "before_switch", "before_rollback", *LATE)

SPEC = Spec(
    name="nextjs_hook",
    summary="Run a project's own commands at a point of its release",
    check="predict",
    identity=("name", "when"),
    args={
        "name": Arg(required=True, doc="The app"),
        "user": Arg(doc="The app's user, as whom the commands run"),
        "place": Arg(type="path", doc="Where the app is built, if not below /srv"),
        "node": Arg(required=True, doc="The exact version of Node.js"),
        "when": Arg(required=True, choices=WHEN,
                    doc="The point; a command that fails behind a switch or a rollback is a warning"),
        "commands": Arg(type="list", elements="str", required=True, doc="For `sh`, one after the other"),
        "release": Arg(doc="The release they run in; without it, in the build directory"),
        "app": Arg(default="", doc="The app's directory there, in a workspace"),
        "env": Arg(type="dict", default={}, doc="Variables"),
        "secrets": Arg(type="dict", default={}, secret=True, doc="Further ones that must not be shown"),
        "credentials": Arg(type="dict", default={}, secret=True, doc="What they find in $CREDENTIALS_DIRECTORY"),
        "timeout": Arg(type="float", default=600.0, doc="Seconds for each"),
        "memory_max": Arg(type="size", doc="Memory they may use"),
    },
)  # fmt: skip


def run(ctx: Ctx, a: Arguments) -> Result:
    listing = "".join("%s: %s\n" % (a.when, command) for command in a.commands)
    if not ctx.check:
        layout = Layout(a.name, a.place)
        with credentials.lent(ctx, layout, a.user or "root", a.credentials) as variables:
            problem = _run(ctx, a, layout, variables)
        if problem is not None and a.when not in LATE:
            raise ctx.fail(problem)
        if problem is not None:
            ctx.warn("%s\nThe release runs and stays" % problem)
    return Result(changed=True, commands=a.commands, diff={"before": "", "after": listing} if ctx.want_diff else None)


def _run(ctx: Ctx, a: Arguments, layout: Layout, variables: "Mapping[str, str]") -> "str | None":
    """What went wrong; commands behind it are not run."""
    directory = os.path.join(layout.release(a.release) if a.release else layout.tree, a.app).rstrip("/")
    env = {**_environment(ctx, a, layout, directory), **variables}
    for command in a.commands:
        told = "`%s: %s`" % (a.when, command)
        ctx.progress(told)
        try:
            done = cage.run(ctx, layout, a.user, ["/bin/sh", "-c", command], env, memory_max=a.memory_max,
                            cwd=directory, timeout=a.timeout)  # fmt: skip
        except ModuleFailed as error:
            if "rc" not in error.data:
                raise
            return "%s took longer than %g s and was ended" % (told, a.timeout)
        if done.rc != 0:
            why = ": it ran out of memory" if cage.was_killed(done) else ""
            return "%s failed with exit code %d%s\n%s" % (told, done.rc, why, cage.last_lines(done))
    return None


def _environment(ctx: Ctx, a: Arguments, layout: Layout, directory: str) -> "Dict[str, str]":
    values = {**a.env, **a.secrets}
    by_hand = overrides.read(ctx, layout).over(values) if a.release else values
    env = cage.environment(ctx, layout, a.node, {"NODE_ENV": "production", **by_hand})
    return {**env, "PATH": "%s/node_modules/.bin:%s" % (directory, env["PATH"])}
