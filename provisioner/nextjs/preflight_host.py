"""What on a host speaks against deploying an app to it, from what `nextjs_status` told, all at once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.nextjs import plan
from provisioner.nextjs.detect import App, node_problem
from provisioner.nextjs.findings import Finding
from provisioner.nextjs.plan import Facts
from provisioner.nextjs.preflight import engine_problem
from provisioner.nextjs.settings import Settings
from provisioner.remote.nextjs import swap

MIB, GIB = 1 << 20, 1 << 30
RELEASES = 3  # as many must fit: the new one, the next one, and as much of logs and caches that grow meanwhile
FIRST_BUILD = 3 * GIB // 2  # bytes on the building host before the size of a release is known
FIRST_RELEASE = 600 * MIB
NODE = 300 * MIB  # the archive and what is in it
BUILD_MEMORY = 2 * GIB
SKEW = 120  # seconds
WRONG_CLOCK = 24 * 3600
WEB, SECURE = 80, 443
CREDENTIALS = 247  # the first systemd that has LoadCredential=
ANY = ("0.0.0.0", "::")  # noqa: S104 - compared only
NO_LOGIN = ("/nologin", "/false", "/sync")
WELCOME = "/etc/nginx/sites-enabled/default"  # Debian's own page, which gives way

Host = Mapping[str, Any]
"""`Facts["host"]`, from `provisioner.remote.nextjs.preflight`."""


@dataclass(frozen=True, slots=True)
class Share:
    """What the host will have to do. arrives: it lacks the release. builds: it makes it."""

    arrives: bool
    builds: bool


def question(settings: Settings) -> dict[str, Any]:
    """What `nextjs_status` is asked to look at."""
    return {"ports": [*settings.ports, *_web_ports(settings)], "domains": list(settings.domains),
            "server": settings.proxy, "credentials": bool(settings.credentials),
            "calendars": [calendar for job in settings.cron for calendar in job.calendars]}  # fmt: skip


def _web_ports(settings: Settings) -> tuple[int, ...]:
    if settings.proxy == "none":
        return ()
    return (WEB,) if settings.https is None else (WEB, SECURE)


def of_host(
    settings: Settings, app: App, files: Mapping[str, str], facts: Facts, share: Share, *, now: float
) -> tuple[Finding, ...]:
    """`files`: texts of the source. `now`: the controller's time, seconds since 1970."""
    host: Host = facts["host"]
    if not host["root"]:  # and everything else can't be seen properly
        return (Finding("the user on this host is not root, and the app's files belong to root", "set `become: true`",
                        stops=True),)  # fmt: skip
    return (
        *_system(settings, facts, host),
        *_node(settings, app, files, facts),
        *_names(settings, facts, host),
        *_ports(settings, host),
        *_sites(settings, host),
        *_names_of_certificates(facts),
        *_space(settings, facts, host, share),
        *(_memory(settings, facts) if share.builds else ()),
        *_swap(settings, facts),
        *_schedules(settings, host),
        *_clock(host, now),
    )


def _system(settings: Settings, facts: Facts, host: Host) -> Iterator[Finding]:
    if not host["systemd"]:
        yield Finding("systemd does not run on this host (there is no /run/systemd/system), and the app is a service "
                      "of it", "use a machine or container that boots with systemd", stops=True)  # fmt: skip
    if facts["node"]["arch"] is None:
        yield Finding(f"there is no Node.js for this host's processor ({facts['node']['machine']})",
                      "x86_64 and aarch64 are supported", stops=True)  # fmt: skip
    version = host["systemd_version"]
    if settings.credentials and host["systemd"] and version is not None and version < CREDENTIALS:
        yield Finding(f"`credentials` needs systemd {CREDENTIALS}, and this host has {version}",
                      "put them into `secrets`, or update the host (Debian 11, Ubuntu 22.04 and later have it)",
                      stops=True)  # fmt: skip
    missing = plan.missing_packages(settings, facts)
    if missing and not host["apt"]:
        yield Finding(f"the host lacks {', '.join(missing)} and has no apt-get to install them with",
                      "use Debian or Ubuntu", stops=True)  # fmt: skip


def _node(settings: Settings, app: App, files: Mapping[str, str], facts: Facts) -> Iterator[Finding]:
    """An installed version that fits `node: "22"` is kept, and may be older than what the app has come to need."""
    version = plan.installed_node(settings.node, facts)
    if version is None or version == settings.node:
        return
    too_old, unwanted = node_problem(app, version), engine_problem(files, version)
    if too_old:
        yield Finding(f"{too_old} there, because that is installed", "set `node` to an exact version", stops=True)
    if unwanted:
        yield Finding(f"{unwanted.text} there, because that is installed", "set `node` to an exact version",
                      stops=True)  # fmt: skip


def _names(settings: Settings, facts: Facts, host: Host) -> Iterator[Finding]:
    account = host["account"]
    if account and is_of_a_person(account) and not _is_ours(account, settings, facts):
        yield Finding(f"the user `{settings.user}` is there already and can log in (shell {account['shell']}, home "
                      f"{account['home']}): the app would have what that account has",
                      "set `user` to a name of its own", stops=True)  # fmt: skip
    if host["taken"]:
        yield Finding(f"`name: {settings.name}` is taken on this host: {', '.join(host['taken'])} "
                      f"{'is' if len(host['taken']) == 1 else 'are'} there and not of this app",
                      "give the app another `name`, or move that away", stops=True)  # fmt: skip


def is_of_a_person(account: Mapping[str, Any]) -> bool:
    return account["uid"] == 0 or not str(account["shell"]).endswith(NO_LOGIN)


def _is_ours(account: Mapping[str, Any], settings: Settings, facts: Facts) -> bool:
    """Made by us, or accepted before: the app's directory is its."""
    home = facts["paths"].get(f"/srv/{settings.name}") or {}
    return is_made_for(account, settings) or home.get("group") == settings.user


def is_made_for(account: Mapping[str, Any], settings: Settings) -> bool:
    """Whether we made the account, for this app."""
    return bool(account["comment"] == f"Next.js app {settings.name}")


# -- ports and sites -------------------------------------------------------------------------------------------


def _ports(settings: Settings, host: Host) -> Iterator[Finding]:
    told: set[int] = set()
    for held in host["listeners"]:
        port = held["port"]
        web = port in (WEB, SECURE)
        ours = _is_unit_of(settings, held["unit"]) or (web and held["process"] == settings.proxy)
        if not ours and port not in told and _collide(ANY[0] if web else settings.listen, held["address"]):
            told.add(port)
            yield _taken_port(settings, held)
    for other in host["apps"]:
        for port in sorted({*settings.ports} & {*other["ports"]} - told):
            yield Finding(f"`port: {port}` is that of the app {other['name']} on this host: only one of them can run",
                          "give one of them another `port`", stops=True)  # fmt: skip


def _taken_port(settings: Settings, held: Mapping[str, Any]) -> Finding:
    process = f"{held['process'] or 'a process'} (process {held['pid'] or 'unknown'}"
    who = f"{process}, {held['unit']})" if held["unit"] else f"{process})"
    if held["port"] in (WEB, SECURE):
        other = f"`proxy: {held['process']}`" if held["process"] in ("nginx", "caddy") else "`proxy: none`"
        return Finding(f"port {held['port']} of this host is taken by {who}, so {settings.proxy} can't have it",
                       f"stop and disable that, or set {other}", stops=True)  # fmt: skip
    return Finding(f"`port: {held['port']}` is taken on this host by {who} at {held['address']}, so the app can't "
                   "listen there", "set another `port`, or stop that", stops=True)  # fmt: skip


def _is_unit_of(settings: Settings, unit: str) -> bool:
    """Its service, or an instance of it (`shop@a.service`)."""
    return unit == f"{settings.name}.service" or unit.startswith(f"{settings.name}@")


def _collide(wanted: str, held: str) -> bool:
    held = held.removeprefix("::ffff:")
    return wanted == held or wanted in ANY or held in ANY


def _sites(settings: Settings, host: Host) -> Iterator[Finding]:
    if settings.proxy != "nginx":
        return
    for site in host["sites"]:
        owner = f"the app {site['app']} ({site['file']})" if site["app"] else site["file"]
        if site["names"]:
            yield Finding(f"{', '.join(site['names'])} is served by {owner} already; nginx would take the one it reads "
                          "first and ignore the other", "remove the name there, or from `domain`",
                          stops=True)  # fmt: skip
        elif site["file"] != WELCOME:
            yield Finding(f"{owner} answers for every name (default_server), and without `domain` so would this app: "
                          "nginx refuses two of them", "set `domain`", stops=True)  # fmt: skip
    if host["nginx_refuses"]:
        yield Finding(f"nginx refuses the configuration that is on this host, so it could not be reloaded: "
                      f"{host['nginx_refuses']}", "mend that first; `nginx -t` tests it", stops=True)  # fmt: skip


def _names_of_certificates(facts: Facts) -> Iterator[Finding]:
    """ACME: the authority asks the host that a name leads to."""
    unknown = (facts["proxy"] or {}).get("unknown_names")
    if unknown:
        yield Finding(f"there is no address for {', '.join(unknown)}, as far as this host can say: an authority gives "
                      "certificates only for names that lead here", "add the DNS record first")  # fmt: skip


# -- room ------------------------------------------------------------------------------------------------------


def _space(settings: Settings, facts: Facts, host: Host, share: Share) -> Iterator[Finding]:
    """What is to lie on one file system is added up."""
    for shortage in shortages(host["space"], _wanted(settings, facts, share)):
        yield Finding(f"the disk {shortage}: a full disk would also stop the app that runs from writing",
                      "remove what is not needed (old releases: `keep`; packages: `apt-get clean`) or enlarge it",
                      stops=True)  # fmt: skip


def shortages(space: Mapping[str, Any], wanted: Iterable[tuple[str, int, str]]) -> Iterator[str]:
    """File systems with too little room, in words. space: path -> {free, device}; wanted: path, bytes and what for."""
    needs: dict[int, int] = {}
    whys: dict[int, list[str]] = {}
    for path, bytes_, why in wanted:
        device = space[path]["device"]
        needs[device] = needs.get(device, 0) + bytes_
        whys.setdefault(device, []).append(f"{mib(bytes_)} at {path} for {why}")
    for device, bytes_ in needs.items():
        free = min(found["free"] for found in space.values() if found["device"] == device)
        if free < bytes_:
            yield f"has {mib(free)} free, but should have {mib(bytes_)} ({'; '.join(whys[device])})"


def _wanted(settings: Settings, facts: Facts, share: Share) -> Iterator[tuple[str, int, str]]:
    """Path, bytes and what for."""
    if share.arrives:
        yield (f"/srv/{settings.name}", *room_of_releases(facts, share))
    if settings.swap and plan.needs_swap(settings, facts):
        yield swap.FOLDER, swap.missing(facts["swap"], settings.swap) - facts["swap"]["size"], "the swap file"
    if plan.installed_node(settings.node, facts) is None:
        yield "/opt/node", NODE, "Node.js"


def room_of_releases(facts: Facts, share: Share) -> tuple[int, str]:
    """Bytes and what for. What a release has in common with the one before takes no room of its own; but after an
    update of its dependencies that is nothing."""
    last = next((release for release in facts["releases"] if isinstance(release.get("size"), int)), None)
    if last is None:
        return (FIRST_BUILD, "a first build") if share.builds else (FIRST_RELEASE, "a first release")
    whole, added = last["size"], last.get("added", last["size"])
    if added >= whole:
        return RELEASES * whole, f"{RELEASES} releases like the last one"
    return (whole + (RELEASES - 1) * added,
            f"a release like the last one, and {RELEASES - 1} that differ from it as that did ({mib(added)})")


def _swap(settings: Settings, facts: Facts) -> Iterator[Finding]:
    if plan.needs_swap(settings, facts) and facts["swap"]["container"]:
        yield Finding("`swap` is set, but this host is a container, which has the swap of the machine it runs on",
                      "make swap there, and leave `swap` out", stops=True)  # fmt: skip


def _memory(settings: Settings, facts: Facts) -> Iterator[Finding]:
    memory = facts["memory"]
    available, swapped = memory["MemAvailable"], memory["SwapFree"]
    if settings.swap and plan.needs_swap(settings, facts):  # it is made before the build
        swapped = max(swapped, settings.swap)
    if available + swapped < BUILD_MEMORY:
        yield Finding(
            f"the host has {mib(available)} of memory available and {mib(swapped)} of swap, but a build of an "
            f"ordinary app takes up to {mib(BUILD_MEMORY)}: it may be killed, which harms nothing that runs",
            "set `swap: 2G` for a swap file, or put a larger host first in the play")  # fmt: skip
    limit = settings.build_memory_max
    if limit is not None and limit > available + swapped:
        yield Finding(f"`build_memory_max: {mib(limit)}` is more than the {mib(available + swapped)} that the host "
                      "has available with its swap, so a build could take the memory of what runs",
                      "lower it or leave it out")  # fmt: skip


def _schedules(settings: Settings, host: Host) -> Iterator[Finding]:
    for job in settings.cron:
        for calendar in job.calendars:
            if host["calendars"].get(calendar):
                yield Finding(f"the schedule of the job {job.name} is not one for systemd on this host: "
                              f"{host['calendars'][calendar]}", "`systemd-analyze calendar` tests it",
                              stops=True)  # fmt: skip


def _clock(host: Host, now: float) -> Iterator[Finding]:
    off = host["time"] - now
    if abs(off) > SKEW:
        span = f"{abs(off) / 86400:.0f} days" if abs(off) > 2 * WRONG_CLOCK else f"{abs(off) / 60:.0f} minutes"
        yield Finding(f"the host's clock is {span} {'ahead of' if off > 0 else 'behind'} this machine's: certificates "
                      "and the times of releases would be wrong", "set the clock (`timedatectl set-ntp true`)",
                      stops=abs(off) > WRONG_CLOCK)  # fmt: skip


def mib(bytes_: int) -> str:
    return f"{bytes_ / GIB:.1f} GiB" if bytes_ >= GIB else f"{bytes_ // MIB} MiB"
