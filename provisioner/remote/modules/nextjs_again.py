"""Starts a release of an app that ran before, as it was started then: to go back to it, or in new processes.

Variables that are set by hand are changed on the way, and changed back when the app does not run well with them.
"""

from __future__ import annotations

import time
from typing import Any, Dict, List

from provisioner.remote.nextjs import deployed, envfile, lock, overrides, records, rollback_hooks, slots
from provisioner.remote.nextjs.deployed import Deployed
from provisioner.remote.nextjs.layout import RELEASE_FILE, SLOTS, Layout, read_state
from provisioner.remote.nextjs.overrides import Overrides
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_again",
    summary="Start a release of a Next.js app again",
    check="skip",
    identity=("name",),
    args={
        "name": Arg(required=True, doc="The app"),
        "release": Arg(doc="The release; by default the one that runs"),
        "set": Arg(type="dict", default={}, doc="Variables to set by hand"),
        "secrets": Arg(type="dict", default={}, secret=True, doc="Further ones that must not be shown"),
        "unset": Arg(type="list", elements="str", default=[], doc="Variables that are no longer set by hand"),
        "undo": Arg(type="bool", default=False, doc="As the release was started before, with its variables of then"),
        "hooks": Arg(default="none", choices=("none", "before", "after"),
                     doc="The project's commands for a way back: those before it, and nothing else, or those after it"),
    },
    returns={"before": "The release that ran until then", "was_warm": "Whether the release ran still", "ms": ""},
)

#: Seconds a release is watched that ran well before; one that still runs needs none.
WATCH = 2.0
_WAYS = frozenset({"keep", "drain", "watch"})
#: What the web server must know of an exported release, as RELEASE.json calls it -> for people.
_OF_THE_SITE = {"base_path": "basePath", "trailing_slash": "trailingSlash", "types": "types of files without ending"}


def run(ctx: Ctx, a: Arguments) -> Result:
    layout = Layout(a.name)
    app = deployed.find(ctx, layout)
    release = a.release or app.release
    if release is None:
        raise ctx.fail("no release of %s runs on this host" % a.name)
    if app.files is not None and (not a.release or a.set or a.secrets or a.unset):
        raise ctx.fail("%s is files without a process: there is nothing to start anew" % a.name)
    record = records.read(ctx, layout, release)
    if record is None or ctx.stat(layout.release(release)) is None or (a.undo and not record.earlier):
        raise ctx.fail("how release %s was started%s is not known on this host: `provision apply` has to deploy it"
                       % (release, " before" if a.undo else ""))  # fmt: skip
    if (app.files is None) != (record.module != "nextjs_serve"):
        why = "is files, and the app has a server" if app.files is None else "has a server, and the app is files"
        raise ctx.fail("release %s %s now: `provision apply` has to deploy it" % (release, why))
    now = records.read(ctx, layout, str(app.release)) or record
    if a.hooks == "before":
        return Result(changed=rollback_hooks.run(ctx, app, "before_rollback", now, now))
    if a.undo:
        record = record._replace(args=record.earlier[0])
    before = overrides.read(ctx, layout)
    after = _changed(ctx, before, a)
    if after != before:
        with lock.held(ctx, layout):
            overrides.write(ctx, layout, after)
    began = time.monotonic()
    order = _order(ctx, app, release, record, proven=after == before)
    ended = ctx.call(record.module, {**order, "how": "undo"} if a.undo else order)
    if ended.get("failed"):
        if after != before:
            overrides.write(ctx, layout, before)
        raise ctx.fail(str(ended.get("msg")), release=release, **_told(ended))
    if a.hooks == "after":
        rollback_hooks.run(ctx, deployed.find(ctx, layout), "after_rollback", now, record)
    was_warm = app.warm and app.previous is not None and app.previous.slot == ended.get("slot")
    return Result(changed=True, release=release, before=app.release, was_warm=was_warm,
                  slot=ended.get("slot"), pid=ended.get("pid"), why=ended.get("why"),
                  ms=int((time.monotonic() - began) * 1000))  # fmt: skip


def _order(ctx: Ctx, app: Deployed, release: str, record: records.Record, *, proven: bool) -> "Dict[str, Any]":
    """What belongs to the release as it was then, what belongs to the way to release as it is now. proven: it ran
    well just so, and need not settle again."""
    if app.files is not None:
        return _site_order(ctx, app, release, record)
    runs = app.live is not None and app.live.release == release
    is_warm = not runs and app.warm and app.previous is not None and app.previous.release == release
    now = records.read(ctx, app.layout, str(app.live.release)) if app.live else None
    if now is not None and _ports(now) != _ports(record):
        raise ctx.fail("release %s has other ports (%s) than the web server sends requests to (%s): set `port` and "
                       "`instances` as they were and deploy it by `provision apply`"
                       % (release, ", ".join(_ports(record)), ", ".join(_ports(now))))  # fmt: skip
    ways = {name: value for name, value in (now.args if now else {}).items() if name in _WAYS and name in record.args}
    order = {**record.args, **ways, "how": "restart" if runs else "again"}
    if proven:
        order["health"] = {**order["health"], "settle": 0.0}
    if "watch" in order:
        order["watch"] = 0.0 if is_warm else min(order["watch"], WATCH)
    return order


def _site_order(ctx: Ctx, app: Deployed, release: str, record: records.Record) -> "Dict[str, Any]":
    """Files go by the site as it is now, which must be for releases like this one."""
    there, wanted = (read_state(ctx, "%s/%s" % (app.layout.release(name), RELEASE_FILE))
                     for name in (str(app.release), release))  # fmt: skip
    unlike = [word for key, word in _OF_THE_SITE.items() if (there.get(key) or None) != (wanted.get(key) or None)]
    if unlike:
        raise ctx.fail("release %s needs another site of the web server (%s): deploy it by `provision apply`"
                       % (release, ", ".join(unlike)))  # fmt: skip
    now = records.read(ctx, app.layout, str(app.release))
    return {**record.args, "question": (now or record).args["question"], "how": "again"}


def _ports(record: records.Record) -> "List[str]":
    """Where the release listens in the first slot, which says it for all."""
    units = record.args.get("units") or {SLOTS[0]: [record.args.get("unit") or ""]}
    return list(slots.upstreams_of(units[SLOTS[0]]))


def _changed(ctx: Ctx, before: Overrides, a: Arguments) -> Overrides:
    unfit = envfile.unfit({**a.set, **a.secrets})
    if unfit:
        raise ctx.fail("control characters in the value of %s: systemd would drop the variable" % ", ".join(unfit))
    gone = {*a.unset, *a.set, *a.secrets}

    def rest(values: "Dict[str, str]") -> "Dict[str, str]":
        return {name: value for name, value in values.items() if name not in gone}

    return Overrides({**rest(before.plain), **a.set}, {**rest(before.secret), **a.secrets})


def _told(ended: "Dict[str, Any]") -> "Dict[str, Any]":
    return {key: ended[key] for key in ("rolled_back_to",) if key in ended}
