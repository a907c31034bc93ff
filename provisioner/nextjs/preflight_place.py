"""What speaks against building an app on a machine that does not run it, from what `nextjs_place` told. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provisioner.nextjs import plan
from provisioner.nextjs.findings import Finding
from provisioner.nextjs.plan import Facts, Place
from provisioner.nextjs.preflight_host import (
    BUILD_MEMORY,
    NODE,
    Share,
    is_made_for,
    is_of_a_person,
    mib,
    room_of_releases,
    shortages,
)
from provisioner.nextjs.settings import Settings
from provisioner.remote.nextjs.layout import Layout
from provisioner.values import HostName

_INSTEAD = "build on a host (`build: {on: first}`), or on a machine like the hosts"


def of_place(
    settings: Settings, place: Place, facts: Facts, hosts: Mapping[HostName, Facts], node: str
) -> tuple[Finding, ...]:
    """hosts: those that get the build, with their own facts. node: the version it is built with, as far as known."""
    return (
        *_processor(place, facts, hosts),
        *_library(place, facts, hosts),
        *_account(settings, place, facts),
        *_space(settings, place, facts, node),
        *_memory(place, facts),
    )


def _processor(place: Place, facts: Facts, hosts: Mapping[HostName, Facts]) -> Iterator[Finding]:
    here = facts["node"]["machine"]
    others = {name: found["node"]["machine"] for name, found in hosts.items() if found["node"]["machine"] != here}
    if others:
        told = ", ".join(f"{name} ({machine})" for name, machine in others.items())
        yield Finding(f"the processor of {place} ({here}) is not that of {told}: packages with programs in them would "
                      "not run there", _INSTEAD, stops=True)  # fmt: skip
    elif facts["node"]["arch"] is None:
        yield Finding(f"there is no Node.js for the processor of {place} ({here})", _INSTEAD, stops=True)


def _library(place: Place, facts: Facts, hosts: Mapping[HostName, Facts]) -> Iterator[Finding]:
    """Ready-made packages are for any glibc; what is compiled at the installation asks for at least the one there."""
    here = facts["node"].get("libc")
    for name, found in hosts.items():
        there = found["node"].get("libc")
        if (here is None) != (there is None):
            kinds = [f"glibc {version}" if version else "another one" for version in (here, there)]
            yield Finding(f"the C library of {place} ({kinds[0]}) is not that of {name} ({kinds[1]}): packages with "
                          "programs in them would not run there", _INSTEAD, stops=True)  # fmt: skip
        elif here and there and _number(here) > _number(there):
            yield Finding(f"{place} has glibc {here}, which is newer than the {there} of {name}: a package that is "
                          "compiled when it is installed may not run there (ready-made ones do)",
                          "build on a machine with the oldest system of all")  # fmt: skip


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _account(settings: Settings, place: Place, facts: Facts) -> Iterator[Finding]:
    account = facts["account"]
    if place.user and account and is_of_a_person(account) and not is_made_for(account, settings):
        yield Finding(f"the user `{place.user}` is there already on {place} and can log in (shell {account['shell']}, "
                      f"home {account['home']}): the build would have what that account has",
                      "set `user` to a name of its own", stops=True)  # fmt: skip


def _space(settings: Settings, place: Place, facts: Facts, node: str) -> Iterator[Finding]:
    layout = Layout(settings.name, place.path)
    wanted = [(layout.root, *room_of_releases(facts, Share(arrives=True, builds=True)))]
    if plan.installed_node(node, facts) is None:
        wanted.append((layout.nodes, NODE, "Node.js"))
    for shortage in shortages(facts["space"], wanted):
        yield Finding(f"the disk of {place} {shortage}", "remove what is not needed there, or enlarge it", stops=True)


def _memory(place: Place, facts: Facts) -> Iterator[Finding]:
    memory = facts["memory"]
    if memory["MemAvailable"] + memory["SwapFree"] < BUILD_MEMORY:
        yield Finding(f"{place} has {mib(memory['MemAvailable'])} of memory available and {mib(memory['SwapFree'])} of "
                      f"swap, but a build of an ordinary app takes up to {mib(BUILD_MEMORY)}: it may be killed",
                      "add memory or swap there, or build elsewhere")  # fmt: skip
