"""Puts together what the machines of a run need, and gives the engine hosts. A part of the composition root."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.cloud.model import Place, Wanted
from provisioner.cloud.provider import Provider
from provisioner.cloud.providers import open_provider
from provisioner.diag import Span
from provisioner.enrol.enroller import SiteEnroller, place_of
from provisioner.events import Event, HostStats, Warned
from provisioner.inventory.model import Inventory
from provisioner.lang.model import Become, Play, Playbook, Task
from provisioner.machines import Enroller, Machinery, Site, Stage
from provisioner.values import HostName

if TYPE_CHECKING:
    from provisioner.app import Request


@dataclass(frozen=True, slots=True)
class Staged:
    """first: plays that go before those of the user. rekeyed: by host what to call when its first play went well."""

    first: tuple[Playbook, ...] = ()
    rekeyed: Mapping[str, Callable[[], None]] = field(default_factory=dict)

    def remember(self, stats: Mapping[HostName, HostStats]) -> None:
        for host, done in self.rekeyed.items():
            mine = stats.get(HostName(host))
            if mine is not None and not (mine.failed or mine.unreachable):
                done()


def stage(request: Request, sites: Sequence[Site], inventory: Inventory, emit: Callable[[Event], None],
          opened: Callable[[Place], Provider] = open_provider,
          enroller: Callable[[str], Enroller] | None = None, resource_key: bytes = b"") -> Staged:
    """Make the sites true, or show what that would be in check mode, and complete the inventory.

    resource_key: as in the engine's options."""
    machinery = Machinery(request.state_dir, opened, enroller or _enrollers(request, emit), emit, request.confirm,
                          resource_key)
    stages = []
    for site in sites:
        done = machinery.plan(site, request.touch) if request.check else machinery.apply(
            site, request.touch, f"provision {'destroy' if request.touch.destroy else 'apply'}")
        _complete(inventory, site, done, emit)
        stages.append(done)
    wanted = {name: wanted for done in stages for name, (wanted, _) in done.rekeyed.items()}
    remember = {name: remember for done in stages for name, (_, remember) in done.rekeyed.items()}
    return Staged((_keys(wanted),) if wanted else (), remember)


def _enrollers(request: Request, emit: Callable[[Event], None]) -> Callable[[str], Enroller]:
    keys = (request.connection.private_key,) if request.connection.private_key else ()
    inventory = Path(request.inventories[0]) if request.inventories else None

    def enroller(site: str) -> Enroller:
        place = place_of(site, request.state_dir / "cloud" / site, inventory, request.vault)
        return SiteEnroller(place, lambda words: emit(Warned(words)), keys)

    return enroller


def _complete(inventory: Inventory, site: Site, done: Stage, emit: Callable[[Event], None]) -> None:
    there = {host.name for host in done.hosts}
    for host in site.hosts:
        if host.name not in there:
            inventory.remove_host(HostName(host.name))
    for host in done.hosts:
        inventory.add_host(HostName(host.name), host.groups, host.variables)
    if done.absent:
        names = ", ".join(host.name for host in done.absent)
        emit(Warned(f"not created yet, so their tasks can't be looked at: {names}"))


def _keys(wanted: Mapping[str, Wanted]) -> Playbook:
    """The play that puts the declared keys onto machines that were made with others."""
    place = Span("machines", 1)
    plays = []
    for name, each in wanted.items():
        assert each.host is not None
        # As the user who logs in: nobody with more rights writes into a directory of somebody else's.
        args = {"dest": "~/.ssh/authorized_keys", "content": "".join(f"{key}\n" for key in each.host.keys),
                "mode": "0600"}
        task = Task("copy", args, place, "Put the declared keys there", become=Become(enabled=False))
        plays.append(Play(name, place, f"Keys of {name}", gather_facts=False, tasks=(task,)))
    return Playbook(tuple(plays), "machines")
