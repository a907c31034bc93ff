"""Blank machines: booted from an image that knows nobody, as a cloud's are, and made somebody's by cloud-init.

They have a state directory of their own, and with it a network of their own, beside the hosts of a `Lab`. cloud-init is
the one of Debian, unmodified; what it asks for comes from files on the disk or from a metadata service.
"""

from __future__ import annotations

import json
import os
import threading
import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from provisioner.diag import LabError
from provisioner.lab import image, network, settings
from provisioner.lab.lock import locked
from provisioner.lab.machine import Machine, discard, remove_traces
from provisioner.lab.mounts import unmount_below
from provisioner.lab.network import FIRST_HOST, LAST_HOST, Network
from provisioner.lab.paths import default_cache_dir, tag_of
from provisioner.lab.requirements import requirements

PACKAGES: Final = ("cloud-init",)
OPTIONS: Final = ("--capability=CAP_NET_ADMIN",)  # as on a machine of its own, its network is its own business
RECORD: Final = "blank.json"
_CONSOLE_BYTES: Final = 65_536  # what EC2 keeps

# The network is there before the machine boots, as the host's own business; Debian's mirror is this machine's.
_CONFIG: Final = """\
network: {config: disabled}
apt: {preserve_sources_list: true}
manage_etc_hosts: true
locale: C.UTF-8
output: {all: '| tee -a /var/log/cloud-init-output.log'}
"""
_FROM_FILES: Final = "datasource_list: [NoCloud, None]\n"


@dataclass(frozen=True, slots=True)
class Seed:
    """What a machine is given at its first boot. files: further files of its root file system by relative path (a data
    source of another kind); without any, user data and instance id are put on its disk."""

    instance: str
    user_data: str
    files: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class BlankMachine:
    """name: also its first host name. number: the last byte of its address."""

    name: str
    number: int
    address: str
    instance: str


class BlankMachines:
    """All machines of one state directory. Every change holds its lock."""

    def __init__(self, state_dir: Path, *, cache_dir: Path | None = None) -> None:
        self.state_dir = state_dir.resolve()
        self.cache_dir = cache_dir or default_cache_dir()
        self.tag = tag_of(self.state_dir)

    @staticmethod
    def requirements() -> list[str]:
        """Reasons why there can be none on this machine; empty if there can."""
        return requirements()

    def machines(self) -> list[BlankMachine]:
        found = []
        for path in sorted((self.state_dir / "machines").glob(f"*/{RECORD}")):
            with suppress(ValueError, TypeError):
                found.append(BlankMachine(**json.loads(path.read_text())))
        return sorted(found, key=lambda each: each.number)

    def address(self, number: int) -> str:
        """The address that the machine with this number has or will have (10 to 254)."""
        with self._locked():
            return self._network().address(number)

    def make(self, name: str, seed: Seed, number: int | None = None,
             release: str = image.DEFAULT_RELEASE) -> BlankMachine:
        """Have a machine of that name; it boots after `start`. One that exists is left as it is. number: where its
        address was promised already. release: of Debian."""
        reasons = requirements()
        if reasons:
            raise LabError(f"The lab cannot run here: {reasons[0]}", hint="; ".join(reasons[1:]))
        layers = image.ensure(self.cache_dir, release, PACKAGES, lambda progress: None)
        with self._locked():
            self.state_dir.chmod(0o700)  # it holds user data
            there = {each.name: each for each in self.machines()}
            if name in there:
                return there[name]
            net = self._network()
            free = set(range(FIRST_HOST, LAST_HOST + 1)) - {each.number for each in there.values()}
            number = number or min(free, default=None)
            if number is None:
                raise LabError("The lab is full", hint="destroy machines that are not needed")
            made = BlankMachine(name, number, net.address(number), seed.instance)
            folder = self._folder(name)
            if folder.exists():  # what a killed run left
                discard(folder)
            machine = self._machine(made, net)
            machine.mount(layers)
            _seed(machine.root, seed)
            (folder / "layers.json").write_text(json.dumps([str(layer) for layer in layers]))
            self._record(made)
            return made

    def move(self, name: str, number: int) -> None:
        """Give a machine that is off the address with this number."""
        with self._locked():
            made, net = self._named(name), self._network()
            if made.number != number:
                net.unplug(made.number)
                self._record(BlankMachine(name, number, net.address(number), made.instance))

    def start(self, name: str) -> None:
        """Switch it on; returns at once, as a cloud does."""
        with self._locked() as lock:
            made, net = self._named(name), self._network()
            machine = self._machine(made, net)
            if machine.container.is_running():
                return
            machine.mount([Path(layer) for layer in json.loads((self._folder(name) / "layers.json").read_text())])
            net.plug(made.number)
            machine.start(lock)

    def stop(self, name: str) -> None:
        """Shut it down in order."""
        made = self._named(name)
        machine = self._machine(made, self._network())
        if machine.container.is_running():
            machine.stop()

    def is_running(self, name: str) -> bool:
        return self._machine(self._named(name), self._network()).container.is_running()

    def console(self, name: str) -> str:
        """The last of what it printed."""
        path = self._folder(name) / "console.log"
        return path.read_bytes()[-_CONSOLE_BYTES:].decode(errors="replace") if path.exists() else ""

    def namespace(self, name: str) -> str:
        """The network namespace it is in, for `ip netns`; there before it boots."""
        made, net = self._named(name), self._network()
        net.plug(made.number)
        return net.interface(made.number)

    def root(self, name: str) -> Path:
        """Its root file system as seen from here."""
        return self._folder(name) / "root"

    def remove(self, name: str) -> None:
        """Fine if it is not there. The last one takes the network along."""
        with self._locked():
            number = next((each.number for each in self.machines() if each.name == name), None)
            if self._folder(name).exists():
                discard(self._folder(name))
            if number is not None:
                self._network().unplug(number)
                remove_traces(f"{self.tag}.{number}")
            if not any((self.state_dir / "machines").glob("*")):
                network.remove(self.tag)

    def remove_all(self) -> None:
        with self._locked():
            for folder in (self.state_dir / "machines").glob("*"):
                discard(folder)
            remove_traces(f"{self.tag}.*")
            network.remove(self.tag)
            unmount_below(self.state_dir)

    def _record(self, made: BlankMachine) -> None:
        folder = self._folder(made.name)
        scratch = folder / f"{RECORD}.new"
        scratch.write_text(json.dumps(asdict(made)))
        scratch.replace(folder / RECORD)

    def _named(self, name: str) -> BlankMachine:
        for each in self.machines():
            if each.name == name:
                return each
        raise LabError(f"There is no machine {name!r} in this lab")

    def _machine(self, made: BlankMachine, net: Network) -> Machine:
        return Machine(self._folder(made.name), net.interface(made.number), made.name, net.namespace(made.number),
                       OPTIONS)

    def _network(self) -> Network:
        file = self.state_dir / "network.json"
        remembered = json.loads(file.read_text())["subnet"] if file.exists() else None
        net = network.ensure(self.tag, remembered)
        if remembered is None:
            # Whole at any time: others look without the lock.
            scratch = file.with_name(f"{file.name}.{os.getpid()}.{threading.get_ident()}")
            scratch.write_text(json.dumps({"subnet": str(net.subnet)}) + "\n")
            scratch.replace(file)
        return net

    def _folder(self, name: str) -> Path:
        return self.state_dir / "machines" / name

    def _locked(self) -> AbstractContextManager[int]:
        self.state_dir.mkdir(parents=True, exist_ok=True)
        return locked(self.state_dir / "lock")


def _seed(root: Path, seed: Seed) -> None:
    files = {"etc/machine-id": f"{uuid.uuid4().hex}\n", "etc/cloud/cloud.cfg.d/90_lab.cfg": _CONFIG}
    files |= settings.network_files()
    if seed.files is None:
        files["etc/cloud/cloud.cfg.d/91_source.cfg"] = _FROM_FILES
        meta = json.dumps({"instance-id": seed.instance, "local-hostname": seed.instance})
        files["var/lib/cloud/seed/nocloud/meta-data"] = meta
        files["var/lib/cloud/seed/nocloud/user-data"] = seed.user_data
    else:
        files |= seed.files
    settings.write_files(root, files)
    # The machine has its address before it boots. With a DHCP client there, cloud-init asks for one for a minute.
    (root / "usr/sbin/dhclient").unlink(missing_ok=True)
