"""Runs the project's own commands for a way back. There is no playbook then: a record has them."""

from __future__ import annotations

from provisioner.remote.nextjs import deployed, slots
from provisioner.remote.nextjs.deployed import Deployed
from provisioner.remote.nextjs.layout import RELEASE_FILE, read_state, unit_file
from provisioner.remote.nextjs.records import Record
from provisioner.remote.sdk import Ctx


def run(ctx: Ctx, app: Deployed, when: str, said: Record, where: Record) -> bool:
    """Those of `when` that the record `said` has, in the release of `where`, with its variables. Gives whether there
    are any; fails as they do."""
    commands = (said.args.get("hooks") or {}).get(when)
    if not commands or app.live is None:
        return False
    release = str(where.args["release"])
    about = read_state(ctx, "%s/%s" % (app.layout.release(release), RELEASE_FILE))
    unit = ctx.read_text(unit_file(slots.units(ctx, app.layout, app.live.slot)[0])) or ""
    done = ctx.call("nextjs_hook", {
        "name": app.layout.name, "user": deployed.surroundings(ctx, unit).user, "node": str(about.get("node")),
        "when": when, "commands": commands, "release": release, "app": about.get("app") or "",
        **{name: where.args.get(name) or {} for name in ("env", "secrets", "credentials")},
        **{name: value for name in ("timeout", "memory_max") if (value := said.args["hooks"].get(name)) is not None},
    })  # fmt: skip
    if done.get("failed"):
        raise ctx.fail(str(done.get("msg")))
    return True
