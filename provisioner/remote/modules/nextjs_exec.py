"""Runs a command beside an app: as its user, in its release, with its variables and its Node.js."""

from __future__ import annotations

import os
from typing import Dict, List

from provisioner.remote.nextjs import credentials, deployed, slots
from provisioner.remote.nextjs.layout import Layout, unit_file
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_exec",
    summary="Run a command in the release of a Next.js app that gets the requests",
    check="skip",
    args={
        "name": Arg(required=True, doc="The app"),
        "argv": Arg(type="list", elements="str", required=True, doc="The command and its arguments"),
    },
    returns={"rc": "The command's exit code"},
)


def run(ctx: Ctx, a: Arguments) -> Result:
    app = deployed.find(ctx, Layout(a.name))
    if app.files is not None:
        raise ctx.fail("%s is files without a process: there are no surroundings to run a command in" % a.name)
    if app.live is None or not app.live.release:
        raise ctx.fail("no release of %s runs on this host" % a.name)
    unit = slots.units(ctx, app.layout, app.live.slot)[0]
    around = deployed.surroundings(ctx, ctx.read_text(unit_file(unit)) or "")
    folder = os.path.realpath(around.folder)  # the slot's link may lead elsewhere soon
    wanted = _environment(around, [folder, app.layout.release(app.live.release)])
    if ctx.stat(credentials.given(unit)) is not None:
        wanted["CREDENTIALS_DIRECTORY"] = credentials.given(unit)
    # Values go by the environment, which nobody else sees; an argument could be read by everybody.
    foreign = [word for name in sorted(set(os.environ) - set(wanted)) for word in ("--unset", name)]
    become = ["setpriv", "--reuid", around.user, "--regid", around.user, "--init-groups", "--"]
    done = ctx.run(["env", *foreign, *become, *a.argv], cwd=folder, env=wanted, live=True)
    return Result(changed=True, rc=done.rc, release=app.live.release)


def _environment(around: deployed.Surroundings, folders: "List[str]") -> "Dict[str, str]":
    """folders: the app's, and the workspace's, whose programs are found by their names."""
    found = {"HOME": os.path.expanduser("~" + around.user), "USER": around.user, "LOGNAME": around.user,
             "LANG": "C.UTF-8", "TERM": "dumb", **around.environment}  # fmt: skip
    # The unit loads a faster allocator for its one process; a command's children may be of another kind.
    found.pop("LD_PRELOAD", None)
    tools = [folder + "/node_modules/.bin" for folder in dict.fromkeys(folders)]
    return {**found, "PATH": ":".join([*tools, found.get("PATH") or "/usr/local/bin:/usr/bin:/bin"])}
