"""Which steps a host needs, decided from what `nextjs_status` told. Pure: facts in, decisions out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.nextjs.settings import Settings
from provisioner.nextjs.settings.https import Acme
from provisioner.nextjs.unit import JEMALLOC
from provisioner.remote.nextjs import lanes, slots, swap
from provisioner.remote.nextjs.assets import expired
from provisioner.remote.nextjs.layout import SINGLE, SLOTS, Layout
from provisioner.values import HostName

Facts = Mapping[str, Any]
"""The result of `nextjs_status`."""

#: The steps in the order in which they are done and shown.
PREFLIGHT = "Preflight"
PACKAGES = "Install packages"
USER = "Make the app's user"
TREE = "Make directories"
SWAP = "Make a swap file"
NODE = "Install Node.js"
SOURCE = "Copy the source"
INSTALL = "Install dependencies"
BUILD = "Build"
STAGE = "Make the release"
ACTIVATE = "Start the release"
HEALTH = "Check health"
PROXY = "Set up the web server"
JOBS = "Set up jobs"
SERVE = "Serve the release"
PUBLISH = "Publish to the bucket"
PRUNE = "Remove old releases"


def hook(when: str) -> str:
    """The step of the user's own commands at a point of the deploy."""
    return f"Run {when}"


@dataclass(frozen=True, slots=True)
class Release:
    """What is to run. `build_id` and the rest of `about` are known once it is built."""

    name: str
    fingerprint: str
    about: Mapping[str, Any] | None = None
    deployment_id: str | None = None
    """What its pages and its server call it; known before the build."""

    @property
    def build_id(self) -> str | None:
        return self.about.get("build_id") if self.about else None

    @property
    def base_path(self) -> str:
        return str(self.about.get("base_path") or "") if self.about else ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an app is only built. machine: the host, None for this machine. user: as whom it is built there; None for
    whoever we are."""

    path: str
    machine: HostName | None = None
    user: str | None = None

    def __str__(self) -> str:
        return self.machine or "this machine"


def packages(settings: Settings, machine: str) -> tuple[str, ...]:
    """Debian packages the app needs beside its own; `ca-certificates` is what downloads are checked with."""
    wanted = ["ca-certificates"]
    if settings.proxy != "none":
        wanted.append(settings.proxy)
    if settings.proxy == "nginx" and isinstance(settings.https, Acme):
        wanted.append("certbot")
    if any(job.path for job in settings.cron):
        wanted.append("curl")
    if settings.jemalloc and settings.mode != "static" and machine in JEMALLOC:
        wanted.append("libjemalloc2")
    return tuple(wanted)


def all_packages(settings: Settings) -> tuple[str, ...]:
    """Those to ask a host about before its architecture is known."""
    return packages(settings, next(iter(JEMALLOC)))


def missing_packages(settings: Settings, facts: Facts) -> tuple[str, ...]:
    return tuple(name for name in packages(settings, facts["node"]["machine"]) if not facts["packages"].get(name))


def needs_tree(settings: Settings, facts: Facts) -> bool:
    wanted = Layout(settings.name).directories(settings.user)
    return any(facts["paths"].get(path) != {"kind": "directory", **attributes} for path, attributes in wanted.items())


def needs_swap(settings: Settings, facts: Facts) -> bool:
    return settings.swap is not None and not swap.is_right(facts["swap"], settings.swap)


def installed_node(wanted: str, facts: Facts) -> str | None:
    """The newest installed version that fits `wanted`. A major version is not moved on by itself: an unchanged
    playbook must not replace the Node.js of a running app."""
    fitting = [name for name in facts["node"]["installed"] if f"{name}.".startswith(f"{wanted}.")]
    return max(fitting, key=lambda name: tuple(map(int, name.split("."))), default=None)


def find_release(fingerprint: str, facts: Facts) -> Mapping[str, Any] | None:
    """RELEASE.json of a release made from the same, which needs no build."""
    return next((release for release in facts["releases"] if release["fingerprint"] == fingerprint), None)


def newest(facts: Facts) -> Mapping[str, Any] | None:
    """RELEASE.json of the last release that was made."""
    return next(iter(facts["releases"]), None)


def common_base(holder: Facts, other: Facts) -> str | None:
    """Digest of the manifest of the newest release that both have: only what differs from it need be sent."""
    known = {release.get("manifest") for release in holder["releases"]}
    return next((found for release in other["releases"] if (found := release.get("manifest")) in known - {None}), None)


def running_in(settings: Settings, facts: Facts) -> str:
    """The slot to look at; the one of the first release when nothing runs yet."""
    if not settings.in_slots:
        return SINGLE
    return str(facts["live"]["slot"]) if facts["live"] else SLOTS[0]


def is_interrupted(settings: Settings, facts: Facts) -> bool:
    """Whether a release was begun and neither finished nor taken back."""
    journal = facts["journal"]
    if settings.in_slots:
        return journal.get("step") not in (None, "steady")
    return bool(journal.get("state") != "active")


def reasons_to_activate(
    settings: Settings, facts: Facts, release: Release, units: Sequence[str]
) -> tuple[str, ...]:
    """Why a service has to be started, for people; empty when it runs as it should. `units`: of the slot that runs."""
    layout = Layout(settings.name)
    service = facts["service"]
    active = service["active"] == "active"
    checks = (
        (facts["slot"] != release.name, f"release {facts['slot'] or 'none'} -> {release.name}"),
        (settings.in_slots and running_in(settings, facts) == SINGLE, "from one service to two slots"),
        (bool(facts["leftovers"]), f"slot {', '.join(facts['leftovers'])} still runs"),
        (facts["units"] != list(units), "the unit" if facts["units"] else "a new unit"),
        (settings.in_slots and facts["lane"] != running_in(settings, facts), "requests go to another slot"),
        (settings.previous == "stop" and facts["warm"] is not None, "the release before still runs"),
        (not facts["env"]["same"], "the env file"),
        (not facts["credentials"], "the credentials"),
        (not active, f"the service is {service['active'] or 'not there'}"),
        (service["enabled"] != "enabled", "it is not enabled at boot"),
        (bool(service["stale"]), "systemd has not read the unit"),
        (active and service["runs_in"] != [layout.release(release.name)], "the process runs another release"),
        (is_interrupted(settings, facts), "the last start was interrupted"),
        (facts["current"] != release.name, "`current` points elsewhere"),
    )
    if facts["slot"] is None:
        return ("the first release",)
    return tuple(why for holds, why in checks if holds)


def set_by_hand(name: str, facts: Facts) -> str:
    """What to say about variables that win over the settings'."""
    names = ", ".join(facts["overrides"])
    return (
        f"set by hand on this host, so what the playbook says does not count: {names} "
        f"(`provision app env unset {name} NAME` gives it up)"
    )


def needs_proxy(facts: Facts, site: str) -> bool:
    proxy = facts["proxy"]
    return proxy["text"] != site or not proxy["fits"] or not proxy["ready"]


def taken_slots(facts: Facts) -> dict[str, Sequence[str]]:
    """Slots that run -> address:port of each instance: they keep them until the next release, whatever is set now."""
    found = (facts["live"], facts["warm"])
    return {lanes.of_slot(occupant["slot"]): occupant["upstreams"] for occupant in found if occupant}


def taken_by(settings: Settings, facts: Facts, slot: str | None) -> dict[str, Sequence[str]]:
    """Those that run after a release in `slot`."""
    live, keeps = facts["live"], settings.previous != "stop"
    before = {live["slot"]: live["upstreams"]} if live and keeps and live["slot"] != SINGLE else {}
    return {**before, **({slot: settings.upstreams_of(slot)} if slot in SLOTS else {})}


def next_slot(facts: Facts) -> str:
    """The slot that a release would take."""
    return slots.free(slots.occupant(facts["live"]), slots.occupant(facts["warm"]))


def needs_jobs(facts: Facts, units: Mapping[str, str]) -> bool:
    """`units`: file name -> text, of the jobs that the host shall have."""
    return facts["jobs"]["units"] != units or bool(facts["jobs"]["resting"])


def needs_prune(settings: Settings, facts: Facts, release: Release, *, activated: bool, now: float) -> bool:
    """Old assets go with the next release: an unchanged playbook changes nothing, however late it is."""
    names = {found["id"] for found in facts["releases"]} | {release.name}
    keep, records = settings.assets, {name: {"until": until} for name, until in facts["assets"].items()}
    return len(names) > settings.keep or (
        activated and bool(expired(records, names, keep.keep_releases, keep.keep_hours, now))
    )


def health_question(settings: Settings) -> dict[str, Any]:
    """What `nextjs_health` and the others ask the app on its host."""
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.listen, settings.listen)  # noqa: S104 - compared only
    host = next((name for name in settings.domains if not name.startswith("*")), "localhost")
    health = settings.health
    return {
        "address": address,
        "port": settings.port_of(SINGLE),
        "path": health.path,
        "status": health.status,
        "timeout": health.timeout,
        "warm": list(health.warm),
        "settle": health.settle,
        "host": host,
    }


def one_build(all_settings: Sequence[Settings]) -> list[list[int]]:
    """Positions of the hosts that can share a build, the first of each group builds. Hosts that differ in what goes
    into the build (source, Node.js, NEXT_PUBLIC_… variables) get builds of their own."""
    groups: list[list[int]] = []
    keys: list[Any] = []
    for position, settings in enumerate(all_settings):
        key = (
            settings.name,
            settings.source,
            settings.app,
            settings.package_manager,
            settings.exclude,
            settings.node,
            settings.mode,
            settings.build,
            settings.public_env,
            settings.build_env,
            settings.manual_signal_handling,
        )
        if key in keys:
            groups[keys.index(key)].append(position)
        else:
            keys.append(key)
            groups.append([position])
    return groups
