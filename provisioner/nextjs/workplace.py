"""A machine that builds an app and does not run it: the controller, or a host outside of the play.

There is a directory that stays, so the next build is warm. It holds what a building host has below /srv/<app>: the
build directory with its caches, and the last releases, from which the next one is sent as differences.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from provisioner.actions.base import Driving
from provisioner.diag import ProvisionError
from provisioner.nextjs import groundwork, plan
from provisioner.nextjs.findings import verdict
from provisioner.nextjs.hosts import Host, StepFailed
from provisioner.nextjs.plan import Place
from provisioner.nextjs.preflight_place import of_place
from provisioner.nextjs.registry import registry_here
from provisioner.values import HostName

KEPT = 3  # releases: one that hosts have, the new one, one more
AGAIN = 2.0  # seconds until a place that another build has is asked for again


def on_controller(lead: Host, cache: Path) -> Host:
    """The controller, working for `lead`."""
    return _looked_at(lead, lead.call.on_controller(), Place(str(cache / "apps" / lead.settings.name)))


def on_host(lead: Host, name: str) -> Host:
    """A host outside of the play, working for `lead`. Where we are root there, the app is built as its own user."""
    call = lead.call.on_host(name)
    assert call is not None, "a name that leads nowhere is refused before"
    found = _looked_at(lead, call, Place("", HostName(name)))
    user = lead.settings.user if found.facts["root"] else None
    found.place = Place(found.facts["place"], HostName(name), user)
    return found


def _looked_at(lead: Host, call: Driving, place: Place) -> Host:
    host = Host(call, lead.settings, steps=lead.steps, place=place)
    host.facts = _asked(host, "nextjs_place", {"user": lead.settings.user})
    return host


def judge(host: Host, hosts: Sequence[Host], node: str) -> None:
    """Tell what speaks against building there for these hosts. Raises `StepFailed`."""
    assert host.place is not None
    facts = {other.name: other.facts for other in hosts}
    found = of_place(host.settings, host.place, host.facts, facts, node)
    host.judge(f"{plan.PREFLIGHT} of {host.place}", verdict(found, builds=True))


@contextlib.contextmanager
def reserved(host: Host) -> Iterator[None]:
    """The place is ours alone, and as it has to be: another run of the program waits. Hosts' own build directories need
    no more than the task's order."""
    if host.place is None:
        yield
        return
    if host.call.check:
        _make_account(host)
        yield
        return
    token = secrets.token_hex(8)
    while holder := _asked(host, "nextjs_reserve", {"token": token}).get("holder"):
        host.call.progress(f"waiting for another build of this app on {host.place} ({holder})")
        time.sleep(AGAIN)
    try:
        _make_account(host)
        _asked(host, "nextjs_tree", {"user": host.user})
        host.facts = _asked(host, "nextjs_place", {"user": host.settings.user})
        yield
    finally:
        # Whoever can't be reached any more has lost it anyway.
        with contextlib.suppress(ProvisionError):
            _asked(host, "nextjs_reserve", {"token": token, "state": "free"})


def _make_account(host: Host) -> None:
    if host.user is not None and host.facts["account"] is None:
        groundwork.make_user(host, f"{plan.USER} on {host.place}", host.layout.root)


def bring_node(host: Host, version: str) -> None:
    """The hosts' exact version, beside those of other apps; the machine's own may be another, or be replaced."""
    if version not in host.facts["node"]["installed"]:
        settings = host.settings
        host.do(f"{plan.NODE} on {host.place}", "nextjs_node", {
            "version": version, "mirror": settings.node_mirror, "registry": settings.npm_registry,
            "fallback_registry": registry_here(), "root": host.layout.nodes})  # fmt: skip


def keep(host: Host, args: Mapping[str, Any]) -> dict[str, Any]:
    """Make the release in the place, and forget the oldest ones."""
    host.call.progress("putting the release together")
    result = _asked(host, "nextjs_stage", args)
    _asked(host, "nextjs_prune", {"keep": KEPT})
    return result


def _asked(host: Host, module: str, args: Mapping[str, Any]) -> dict[str, Any]:
    given = {"name": host.settings.name, "place": host.layout.place or None, **args}
    result = host.call.call(module, {name: value for name, value in given.items() if value is not None})
    if result.get("failed"):
        raise StepFailed(f"building on {host.place}", result)
    return result
