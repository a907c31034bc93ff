"""Installs an app's dependencies as its lockfile says, and sharp where Next.js does not bring it."""

from __future__ import annotations

from typing import List

from provisioner.remote.nextjs import cage
from provisioner.remote.nextjs.layout import Layout, read_build, write_state
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_install",
    summary="Install a Next.js app's dependencies",
    check="predict",
    identity=("name",),
    args={
        "name": Arg(required=True, doc="The app"),
        "user": Arg(doc="The app's user, as whom everything runs"),
        "place": Arg(type="path", doc="Where the app is built, if not below /srv"),
        "node": Arg(required=True, doc="The exact version of Node.js"),
        "key": Arg(required=True, doc="Names everything that decides what gets installed"),
        "command": Arg(type="list", elements="str", required=True, doc="What installs"),
        "tool": Arg(doc="The package manager to get first, as npm knows it: pnpm@9.1.0"),
        "sharp": Arg(doc="The version of sharp to install beside; none when not given"),
        "env": Arg(type="dict", default={}, doc="Further variables"),
        "memory_max": Arg(type="size", doc="Memory the installation may use"),
    },
)


def run(ctx: Ctx, a: Arguments) -> Result:
    layout = Layout(a.name, a.place)
    state = read_build(ctx, layout)
    if state.get("install") == a.key:
        return Result(command=a.command)
    if not ctx.check:
        write_state(ctx, layout.build_state, {**state, "install": None, "built": None})
        env = cage.environment(ctx, layout, a.node, {"CI": "1", **a.env})  # CI: nobody is there to be asked
        # A manager that is not asked for any more must not be found.
        ctx.remove(layout.tools + "/node_modules", recursive=True)
        if a.tool:
            _step(
                ctx,
                a,
                layout,
                ["npm", "install", "--no-save", "--no-package-lock", "--prefix", layout.tools, a.tool],
                env,
            )
        _step(ctx, a, layout, a.command, env)
        if a.sharp:
            # In a directory of its own: no package manager minds it, and NEXT_SHARP_PATH in the unit names it.
            _step(
                ctx,
                a,
                layout,
                ["npm", "install", "--no-save", "--no-package-lock", "--prefix", ".provision", "sharp@%s" % a.sharp],
                env,
            )
        write_state(ctx, layout.build_state, {**state, "install": a.key, "built": None})
    return Result(
        changed=True,
        command=a.command,
        diff={
            "before": _line(state.get("install")),
            "after": _line(a.key),
            "before_header": "dependencies",
            "after_header": "dependencies",
        }
        if ctx.want_diff
        else None,
    )


def _line(key: object) -> str:
    return "installed for lockfile and settings %s\n" % str(key)[:12] if key else ""


def _step(ctx: Ctx, a: Arguments, layout: Layout, argv: "List[str]", env: "dict[str, str]") -> None:
    done = cage.run(ctx, layout, a.user, argv, env, memory_max=a.memory_max)
    if done.rc == 0:
        return
    why = ": it ran out of memory" if cage.was_killed(done) else ""
    raise ctx.fail(
        "`%s` failed with exit code %d%s\n%s" % (" ".join(argv), done.rc, why, cage.last_lines(done)),
        rc=done.rc,
        cmd=argv,
    )
