"""Everything there is to know about an app on a host, in one answer: the steps of a deploy are decided from it."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from provisioner.remote.nextjs import (
    assemble,
    assets,
    building,
    certificates,
    credentials,
    envfile,
    exported,
    inspection,
    jobs,
    lanes,
    links,
    overrides,
    preflight,
    probe,
    retiring,
    service,
    slots,
    swap,
    website,
)
from provisioner.remote.nextjs.cage import meminfo
from provisioner.remote.nextjs.layout import SINGLE, SLOTS, Layout, read_state, unit_file
from provisioner.remote.nextjs.slots import Occupant
from provisioner.remote.sdk import Ctx, ModuleFailed, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_status",
    summary="Read the state of a Next.js app on a host",
    check="run",
    args={
        "name": Arg(required=True, doc="The app"),
        "user": Arg(required=True, doc="The app's user"),
        "packages": Arg(type="list", elements="str", default=[], doc="Debian packages to look for"),
        "env": Arg(type="dict", default={}, doc="Variables of the app at run time"),
        "secrets": Arg(type="dict", default={}, secret=True, doc="Further ones that must not be shown"),
        "credentials": Arg(type="dict", default={}, secret=True, doc="Files that systemd hands to the service"),
        "in_slots": Arg(type="bool", required=True, doc="Whether it runs in slots, or as a single service"),
        "health": Arg(type="dict", doc="What to ask the app: address, port, path, status, host"),
        "site": Arg(type="dict", doc="Of an exported app: whom to ask for its files; address, port, tls, host"),
        "inspect": Arg(type="bool", default=False, doc="Whether to compare what runs with what was released"),
        "preflight": Arg(
            type="dict", doc="What to look at that may be in the app's way: ports, domains, server"
        ),
        "web_server": Arg(
            type="dict",
            doc="What the site shall be like: server, only, certificate, root; names, for which certificates are got, "
            "and shown, those whose certificates are looked at",
        ),
        "key": Arg(secret=True, doc="The private key that the site shall have"),
    },
    returns={
        "node": "Installed versions and the machine's architecture",
        "releases": "All complete releases, newest first",
    },
)



def run(ctx: Ctx, a: Arguments) -> Result:
    layout = Layout(a.name)
    unfit = envfile.unfit({**a.env, **a.secrets})
    if unfit:
        raise ctx.fail("control characters in the value of %s: systemd would drop the variable" % ", ".join(unfit))
    oversize = credentials.oversize(a.credentials)
    if oversize:
        raise ctx.fail(oversize)
    releases = assemble.releases(ctx, layout)
    journal = slots.read_journal(ctx, layout) if a.in_slots else read_state(ctx, layout.journal)
    live = slots.live(ctx, layout, journal) if a.in_slots else None
    name = live.slot if live else SLOTS[0] if a.in_slots else SINGLE
    place = layout.slot(name)
    units = slots.units(ctx, layout, name)
    instances = [service.show(ctx, unit) for unit in units]
    slot = slots.linked(ctx, place.link) if live or not a.in_slots else None
    warm = slots.warm(journal) if a.in_slots else None
    used = {found.slot for found in (live, warm) if found}
    lane = lanes.opened(ctx, layout)
    running = next((release for release in releases if release["id"] == slot), None)
    return Result(
        node=building.node(ctx, layout),
        packages=_packages(ctx, a.packages),
        user=_has_user(ctx, a.user),
        paths={path: _attributes(ctx, path) for path in layout.directories(a.user)},
        build=building.look(ctx, layout),
        releases=releases,
        assets={name: record["until"] for name, record in assets.read_records(ctx, layout).items()},
        slot=slot,
        live=live.as_data() if live else None,
        warm=warm.as_data() if warm else None,
        lane=lane.to if lane else None,
        leftovers=[other for other in SLOTS if a.in_slots and other not in used and _runs(ctx, layout, other)],
        current=links.followed(ctx, layout, name),
        journal={key: journal.get(key) for key in ("state", "step", "kept")},
        units=[ctx.read_text(unit_file(unit)) for unit in units],
        env=_env(ctx, place.env_file, a.env, a.secrets, by_hand := overrides.read(ctx, layout)),
        overrides=by_hand.names,
        has_server=retiring.is_there(ctx, layout),
        files=exported.read_note(ctx, layout).served,
        credentials=credentials.are(ctx, place.credentials, a.credentials),
        service=_service(ctx, instances),
        proxy=_site(ctx, layout, a) if a.web_server else None,
        jobs=_jobs(ctx, layout),
        host=preflight.look(ctx, layout, a.user, a.preflight) if a.preflight else None,
        served=exported.look(ctx, layout, a.site, releases) if a.site is not None else None,
        unhealthy=_unhealthy(a.health, instances, running, live),
        inspected=list(inspection.findings(ctx, layout)) if a.inspect and live else [],
        swap=swap.look(ctx),
        memory={name: meminfo(ctx).get(name, 0) for name in ("MemTotal", "MemAvailable", "SwapFree")},
    )


def _jobs(ctx: Ctx, layout: Layout) -> "Dict[str, Any]":
    units = jobs.found(ctx, layout)
    return {"units": units, "resting": jobs.resting(ctx, units)}


def _packages(ctx: Ctx, names: "List[str]") -> "Dict[str, bool]":
    if not names:
        return {}
    done = ctx.query(["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *names], timeout=30)
    present = {line.split()[0] for line in done.stdout.splitlines() if line.endswith(" installed")}
    return {name: name in present for name in names}


def _has_user(ctx: Ctx, name: str) -> bool:
    return ctx.query(["getent", "passwd", name], timeout=30).rc == 0


def _attributes(ctx: Ctx, path: str) -> "Optional[Dict[str, str]]":
    found = ctx.stat(path)
    if found is None:
        return None
    return {"kind": found.kind, "mode": found.mode, "owner": found.owner, "group": found.group}


def _service(ctx: Ctx, instances: "List[Dict[str, str]]") -> "Dict[str, Any]":
    """All instances as if they were one: what one of them lacks, the service lacks."""

    def worst(key: str, good: str) -> str:
        found = [instance.get(key, "") for instance in instances]
        return next((value for value in found if value != good), good) if found else ""

    places = [service.runs_in(ctx, instance.get("MainPID", "")) for instance in instances]
    return {
        "active": worst("ActiveState", "active"),
        "enabled": worst("UnitFileState", "enabled"),
        "pid": int(instances[0].get("MainPID") or 0) if instances else 0,
        "stale": any(instance.get("NeedDaemonReload") == "yes" for instance in instances),
        "runs_in": sorted({place or "" for place in places}),
    }


def _runs(ctx: Ctx, layout: Layout, slot: str) -> bool:
    """Whether a slot that should be at rest is running, or would be after a boot."""
    found = [service.show(ctx, unit) for unit in slots.units(ctx, layout, slot)]
    return any(
        unit.get("ActiveState") not in ("inactive", "failed") or unit.get("UnitFileState") == "enabled"
        for unit in found
    )


def _env(
    ctx: Ctx, path: str, env: "Mapping[str, str]", secrets: "Mapping[str, str]", by_hand: "overrides.Overrides"
) -> "Dict[str, Any]":
    found = ctx.stat(path)
    text = ctx.read_text(path) or ""
    wanted = envfile.render(by_hand.over({**env, **secrets}))
    same = found is not None and text == wanted and (found.mode, found.owner, found.group) == ("0600", "root", "root")
    before, after = ("", "") if same else envfile.difference(text, wanted, by_hand.shown(env))
    return {"same": same, "before": before, "after": after}


def _site(ctx: Ctx, layout: Layout, a: Arguments) -> "Dict[str, Any]":
    """The site but for its text, which the controller compares once it knows the slots: fits, what else is wanted is
    there. ready: so are the certificates that are got by ACME."""
    asked = a.web_server
    found = website.look(ctx, layout, asked["server"], asked["names"])
    given = {"text": found["text"], "only": asked["only"], "certificate": asked["certificate"], "key": a.key,
             "root": asked["root"]}  # fmt: skip
    wanted = website.wanted(ctx, found, asked["server"], given)
    return {
        "text": found["text"],
        "fits": {**found, "ready": True} == wanted,
        "ready": found["ready"],
        "ipv6": ctx.stat("/proc/net/if_inet6") is not None,
        "certificates": certificates.served(ctx, asked["shown"]),
        "unknown_names": [] if found["ready"] else [name for name in asked["names"] if not _is_known(ctx, name)],
    }


def _is_known(ctx: Ctx, name: str) -> bool:
    """Whether there is an address for it, as far as this host can say."""
    try:
        return ctx.query(["getent", "ahosts", name], timeout=5).rc != 2
    except ModuleFailed:  # no name server answers
        return True


def _unhealthy(
    health: "Optional[Mapping[str, Any]]",
    instances: "List[Dict[str, str]]",
    running: "Optional[Mapping[str, Any]]",
    live: "Optional[Occupant]",
) -> "Optional[str]":
    """None when every instance of the app answers as it should."""
    if running is None:
        return "no release is running"
    if not instances or any(instance.get("ActiveState") != "active" for instance in instances):
        return "the service is %s" % (next(iter(instances), {}).get("ActiveState") or "not there")
    if not health:
        return None
    ports = [slots.port_of(upstream) for upstream in live.upstreams] if live else [health["port"]]
    answers = (
        probe.problem({**health, "port": port}, running.get("build_id"), running.get("base_path", "")) for port in ports
    )
    return next((problem for problem in answers if problem), None)
