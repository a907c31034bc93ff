"""Machines whose cloud is a lab host with the real cloud-init, told what to do by files on its disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from provisioner.cloud.model import Found, HostSettings, Place, Ref
from provisioner.cloud.provider import Enrolment
from provisioner.diag import HostUnreachable
from provisioner.enrol.enrol import HostEntry, Patience, Site, enrol
from provisioner.enrol.hostca import CAPlace, host_ca
from provisioner.enrol.store import SiteStore
from provisioner.lab.blank import BlankMachines, Seed
from provisioner.lab.command import run
from provisioner.lab.keys import client_key
from provisioner.lab.machine import INSIDE, enter
from provisioner.lab.processes import Container
from provisioner.transport.keyscan import shown_key

PLACE = Place("test", "here")
QUICK = Patience(running=20, console=120, ssh=60, login=8, cloud_init=240, reload=60, pause=0.2)


def found(name: str = "web-1", machine_id: str = "i-0abc", address: str = "", status: str = "running") -> Found:
    return Found(Ref("machine", name), PLACE, machine_id, {}, address=address, status=status)


class OneMachine:
    """The part of a provider that enrolment uses. answers: what `look` gives, one after the other."""

    def __init__(self, enrolment: Enrolment = "console", console: Callable[[], str] = str,
                 answers: Sequence[Found] = ()) -> None:
        self.enrolment = enrolment
        self._console = console
        self._answers = list(answers)

    def look(self, machine: Found) -> Found:
        return self._answers.pop(0) if self._answers else machine

    def console(self, machine: Found) -> str:
        return self._console()

    def host_keys(self, machine: Found) -> Sequence[str]:
        return ()


@dataclass
class Controller:
    """What one controller has: its state, the site's CA, a key to log in with."""

    site: Site
    said: list[str] = field(default_factory=list)

    def settings(self, user: str = "deploy", **more: Any) -> HostSettings:
        return HostSettings(user, keys=(Path(f"{self.site.key_files[0]}.pub").read_text().strip(),), **more)

    def enrol(self, machine: Found, provider: Any, settings: HostSettings | None = None) -> HostEntry:
        return enrol(machine, settings or self.settings(), self.site, provider, self.said.append)


@pytest.fixture
def make_controller(tmp_path: Path) -> Callable[..., Controller]:
    """`make_controller("b")` is another controller with the same CA and key, but a state of its own."""
    key = client_key(tmp_path / "keys")

    def make(name: str = "a", **more: Any) -> Controller:
        ca = host_ca(CAPlace("shop", tmp_path / "ca"), lambda text: None)
        site = Site(SiteStore(tmp_path / name), ca, (str(key),), QUICK)
        return Controller(replace(site, **more))

    return make


@pytest.fixture
def controller(make_controller: Callable[..., Controller]) -> Controller:
    return make_controller()


@dataclass(frozen=True)
class Machine:
    """A machine, and what a test may do to it from outside."""

    found: Found
    machines: BlankMachines

    @property
    def name(self) -> str:
        return self.found.id

    @property
    def address(self) -> str:
        return self.found.address

    @property
    def root(self) -> Path:
        """Its file system as seen from here."""
        return self.machines.root(self.name)

    def console(self) -> str:
        return self.machines.console(self.name)

    def sh(self, script: str) -> str:
        """Run it inside as root, not by SSH."""
        leader = Container(self.root, self.root.parent / "upper").leader()
        assert leader is not None
        return run([*enter(leader), "env", *(f"{name}={value}" for name, value in INSIDE.items()), "sh", "-c", script],
                   timeout=120)

    def reboot(self) -> None:
        self.machines.stop(self.name)
        self.machines.start(self.name)

    def until_it_answers(self) -> None:
        until = time.monotonic() + 120
        while True:
            try:
                shown_key(self.address)
                return
            except HostUnreachable:
                assert time.monotonic() < until, self.console()
                time.sleep(0.2)


@pytest.fixture
def boot(needs_lab: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Machine]]:
    """`boot("i-0abc", told)`: a machine with that id whose cloud-init finds `told`."""
    machines = BlankMachines(tmp_path_factory.mktemp("machines"))

    def make(machine_id: str, told: str, name: str = "web-1") -> Machine:
        made = machines.make(machine_id, Seed(machine_id, told))
        machines.start(machine_id)
        return Machine(found(name, machine_id, made.address), machines)

    yield make
    machines.remove_all()
