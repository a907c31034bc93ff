"""The controller as the place where an app is built: a directory in the cache that stays, so the next build is warm.

It holds what a building host has below /srv/<app>: the build directory with its caches, and the last releases, from
which the next one is sent as differences.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from provisioner.diag import ProvisionError
from provisioner.nextjs import plan
from provisioner.nextjs.hosts import Host, StepFailed
from provisioner.nextjs.registry import registry_here
from provisioner.remote.nextjs.layout import Layout

KEPT = 3  # releases: one that hosts have, the new one, one more


def on_controller(lead: Host, cache: Path) -> Host:
    """The controller, working for `lead`."""
    place = cache / "apps" / lead.settings.name
    host = Host(lead.call.on_controller(), lead.settings, steps=lead.steps, place=str(place))
    host.facts = _asked(host, "nextjs_place", {})
    here, there = host.facts["node"]["machine"], lead.facts["node"]["machine"]
    if here != there:
        raise ProvisionError(f"this machine's processor ({here}) is not that of {lead.name} ({there}): packages with "
                             "programs in them would not run there",
                             hint="build on a host (`build: {on: first}`)")  # fmt: skip
    return host


@contextmanager
def reserved(host: Host) -> Iterator[None]:
    """The place is ours alone: another run of the program waits. Hosts' own build directories need no more than the
    task's order."""
    if host.place is None or host.call.check:
        yield
        return
    layout = Layout(host.settings.name, host.place)
    for path in (layout.root, layout.releases, layout.build, layout.tree, layout.home, layout.tools, layout.nodes):
        Path(path).mkdir(parents=True, exist_ok=True, mode=0o700)
    with Path(layout.root, "lock").open("w") as lock:
        host.call.progress("waiting for another build of this app on this machine")
        fcntl.flock(lock, fcntl.LOCK_EX)
        host.facts = _asked(host, "nextjs_place", {})
        yield


def bring_node(host: Host, version: str) -> None:
    """The hosts' exact version, beside those of other apps; this machine's own may be another, or be replaced."""
    if version not in host.facts["node"]["installed"]:
        settings = host.settings
        host.do(f"{plan.NODE} on this machine", "nextjs_node", {
            "version": version, "mirror": settings.node_mirror, "registry": settings.npm_registry,
            "fallback_registry": registry_here(), "root": Layout(settings.name, host.place).nodes})  # fmt: skip


def keep(host: Host, args: Mapping[str, Any]) -> dict[str, Any]:
    """Make the release in the place, and forget the oldest ones."""
    host.call.progress("putting the release together")
    result = _asked(host, "nextjs_stage", args)
    _asked(host, "nextjs_prune", {"keep": KEPT})
    return result


def _asked(host: Host, module: str, args: Mapping[str, Any]) -> dict[str, Any]:
    given = {"name": host.settings.name, "place": host.place, **args}
    result = host.call.call(module, {name: value for name, value in given.items() if value is not None})
    if result.get("failed"):
        raise StepFailed("building on this machine", result)
    return result
