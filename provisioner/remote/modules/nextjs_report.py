"""All there is to tell about a deployed app on a host, for people: what runs, how well, what it can go back to."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Optional

from provisioner.remote.nextjs import certificates, deployed, exported, lock, overrides, probe, records, service, slots
from provisioner.remote.nextjs.deployed import Deployed
from provisioner.remote.nextjs.layout import RELEASE_FILE, Layout, read_state
from provisioner.remote.nextjs.slots import Occupant
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_report",
    summary="Tell about the Next.js apps that are deployed on a host",
    check="run",
    args={"name": Arg(doc="The app; may be left out where there is only one")},
    returns={"apps": "All names", "app": "About the one; null when it is not here"},
)

_TICKS = 100  # a second, in /proc/<pid>/stat


def run(ctx: Ctx, a: Arguments) -> Result:
    names = deployed.apps(ctx)
    name = a.name or (names[0] if len(names) == 1 else None)
    return Result(apps=names, app=_about(ctx, Layout(name)) if name in names else None)


def _about(ctx: Ctx, layout: Layout) -> "Dict[str, Any]":
    app = deployed.find(ctx, layout)
    releases = _releases(ctx, app)
    by_hand = overrides.read(ctx, layout)
    processes = [_process(ctx, unit) for unit in (slots.units(ctx, layout, app.live.slot) if app.live else [])]
    running = next((found for found in releases if found["id"] == app.release), {})
    record = records.read(ctx, layout, str(app.release))
    return {
        "name": layout.name,
        "kind": "files" if app.files else "server",
        "bucket": record.args.get("bucket") if record else None,
        "release": app.release,
        "build_id": (app.live.build_id if app.live else None) or running.get("build_id"),
        "slot": app.live.slot if app.live else None,
        "rollback_to": app.release if record and record.earlier else running.get("replaced"),
        "undoes": bool(record and record.earlier),
        "hooks": sorted(record.args.get("hooks") or ()) if record else [],
        "interrupted": _interrupted(app),
        "unhealthy": _unhealthy(ctx, app, processes),
        "processes": processes,
        "node": _node(ctx, processes) or running.get("node"),
        "next": running.get("next"),
        "old_assets": _assets(ctx, layout),
        "certificates": certificates.of_site(ctx, layout),
        "overrides": {name: by_hand.plain.get(name) for name in by_hand.names},
        "releases": releases,
    }  # fmt: skip


def _releases(ctx: Ctx, app: Deployed) -> "List[Dict[str, Any]]":
    """All complete ones, what was started last first."""
    found = []
    for name in ctx.listdir(app.layout.releases):
        about = read_state(ctx, "%s/%s" % (app.layout.release(name), RELEASE_FILE)) if name[:1] != "." else {}
        if not about.get("fingerprint"):
            continue
        record = records.read(ctx, app.layout, name)
        found.append({
            "id": name,
            **{key: about.get(key) for key in ("build_id", "created", "built_on", "built_by", "revision", "next",
                                               "node", "size")},
            "started": record.started if record else None,
            "replaced": record.replaced if record else None,
            "runs": app.release == name,
            "warm": bool(app.warm and app.previous and app.previous.release == name),
            "can_start": record is not None,
        })  # fmt: skip
    return sorted(found, key=lambda each: (each["runs"], each["started"] or 0, each["created"] or ""), reverse=True)


def _interrupted(app: Deployed) -> "Optional[Dict[str, Any]]":
    """A release that was begun and neither finished nor taken back."""
    if app.files is not None:
        trying = app.files.trying
        return {"release": trying, "step": "serve", "under_way": lock.is_held(app.layout)} if trying else None
    if app.journal.get("state") == "activating":
        return {"release": app.journal.get("release"), "step": "activating", "under_way": False}
    if "step" not in app.journal or not slots.is_interrupted(app.journal):
        return None
    new = slots.occupant(app.journal.get("new"))
    return {"release": new.release if new else None, "step": app.journal["step"],
            "under_way": lock.is_held(app.layout)}  # fmt: skip


def _unhealthy(ctx: Ctx, app: Deployed, processes: "List[Dict[str, Any]]") -> "Optional[str]":
    """What is wrong, of all instances the first; None when the app answers as it should."""
    if app.files is not None:
        return _unserved(ctx, app)
    if app.live is None or not processes:
        return "no release runs"
    for process in processes:
        if process["active"] != "active":
            return "%s is %s" % (process["unit"], process["active"] or "not there")
    health = _question(ctx, app, app.live)
    for upstream in app.live.upstreams:
        problem = probe.problem({**health, "port": slots.port_of(upstream)}, app.live.build_id, app.live.base_path)
        if problem is not None:
            return problem
    return None


def _unserved(ctx: Ctx, app: Deployed) -> "Optional[str]":
    """What clients get that is not of the release. Nobody is asked where no web server of ours serves it."""
    release = slots.linked(ctx, app.layout.current)
    record = records.read(ctx, app.layout, str(release))
    question = record.args["question"] if record else None
    about = read_state(ctx, "%s/%s" % (app.layout.release(str(release)), RELEASE_FILE)) if release else {}
    if not about:
        return "release %s is not there" % release if release else "no release is served"
    if not question:
        return None
    return exported.problem(ctx, app.layout, str(release), {**question, **{
        key: about.get(key) for key in ("build_id", "base_path")}})  # fmt: skip


def _question(ctx: Ctx, app: Deployed, live: Occupant) -> "Dict[str, Any]":
    record = records.read(ctx, app.layout, str(live.release))
    if record is not None:
        return dict(record.args["health"])
    address = live.upstreams[0].rpartition(":")[0].strip("[]") if live.upstreams else "127.0.0.1"
    return {"address": address, "path": (live.base_path or "") + "/", "status": None, "host": "localhost"}


def _process(ctx: Ctx, unit: str) -> "Dict[str, Any]":
    found = service.show(ctx, unit)
    pid = int(found.get("MainPID") or 0)
    return {
        "unit": unit,
        "active": found.get("ActiveState", ""),
        "enabled": found.get("UnitFileState", ""),
        "pid": pid,
        "restarts": int(found.get("NRestarts") or 0),
        "memory": _memory(ctx, found.get("MemoryCurrent", ""), pid),
        "seconds": _age(ctx, pid),
    }


def _memory(ctx: Ctx, counted: str, pid: int) -> "Optional[int]":
    """Bytes that systemd has counted for the unit; where it does not count, what the main process has."""
    if counted.isdigit() and int(counted) < 1 << 60:
        return int(counted)
    for line in (ctx.read_text("/proc/%d/status" % pid) or "").splitlines() if pid else []:
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10
    return None


def _age(ctx: Ctx, pid: int) -> "Optional[int]":
    """Seconds since the process was started."""
    stat = ctx.read_text("/proc/%d/stat" % pid) if pid else None
    if not stat:
        return None
    ticks = int(stat.rpartition(")")[2].split()[19])
    return max(0, int(time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / _TICKS))


def _node(ctx: Ctx, processes: "List[Dict[str, Any]]") -> "Optional[str]":
    """The version that really runs."""
    pid = processes[0]["pid"] if processes else 0
    program = ctx.stat("/proc/%d/exe" % pid) if pid else None
    target = (program.target or "") if program else ""
    return target.split("/")[-3] if target.endswith("/bin/node") and target.count("/") > 3 else None


def _assets(ctx: Ctx, layout: Layout) -> "Dict[str, int]":
    """Files that pages of earlier releases still ask for."""
    done = ctx.query(["find", layout.root + "/static", "-type", "f", "-printf", "%s\\n"], timeout=60)
    sizes = [int(line) for line in done.stdout.split() if line.isdigit()]
    return {"files": len(sizes), "bytes": sum(sizes)}
