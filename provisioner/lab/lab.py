"""The lab: throw-away Debian hosts with systemd and SSH on this machine, all described by one state directory."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from provisioner.diag import LabError, near
from provisioner.lab import image, keys, network
from provisioner.lab.host import LabHost
from provisioner.lab.inventory import as_yaml, lab_inventory
from provisioner.lab.lock import locked
from provisioner.lab.machine import discard, remove_traces
from provisioner.lab.mounts import unmount_below
from provisioner.lab.network import FIRST_HOST, LAST_HOST, Network
from provisioner.lab.paths import default_cache_dir, tag_of
from provisioner.lab.record import OPS, HostRecord, LabUser, read_record
from provisioner.lab.requirements import requirements
from provisioner.lab.rootfs import personalise

NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?")
AT_ONCE = 8  # hosts started side by side; more only fight for the processor


def _silent(progress: image.Progress) -> None:
    """The default reporter."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What `up` was asked for, for hosts that do not exist yet."""

    release: str
    packages: tuple[str, ...]
    users: tuple[LabUser, ...]
    layers: tuple[Path, ...]
    options: tuple[str, ...]


class Lab:
    """All hosts of one state directory. Two labs never share anything but the cache of images.

    Every change holds the state directory's lock, so any number of processes may use one lab.
    """

    def __init__(self, state_dir: Path, *, cache_dir: Path | None = None, report: image.Report = _silent) -> None:
        self.state_dir = state_dir.resolve()
        self.cache_dir = cache_dir or default_cache_dir()
        self.tag = tag_of(self.state_dir)
        self._report = report

    @staticmethod
    def requirements() -> list[str]:
        """Reasons why the lab cannot run on this machine; empty if it can."""
        return requirements()

    @property
    def inventory_file(self) -> Path:
        """A plain inventory of the hosts, for any tool that reads Ansible's."""
        return self.state_dir / "inventory.yml"

    def hosts(self) -> list[LabHost]:
        """All hosts, running or not, by number."""
        subnet = self._subnet()
        if subnet is None:
            return []
        net = Network.of(self.tag, subnet)
        found = [LabHost(record, net, self.state_dir) for record in self._records() if record.host_keys]
        return sorted(found, key=lambda host: host.record.number)

    def up(
        self,
        names: Sequence[str] = (),
        *,
        count: int = 0,
        release: str | None = None,
        packages: Sequence[str] = (),
        users: Sequence[LabUser] = (),
        options: Sequence[str] = (),
    ) -> list[LabHost]:
        """Have the named hosts and `count` further ones running; returns exactly these, in that order.

        A host that exists is started if it is off and otherwise left as it is; asking for another release or for
        packages it was not made with is an error. `packages` are Debian packages the host has from the start; `users`
        come in addition to root and `ops`; `options` are passed to systemd-nspawn.
        """
        self._require()
        for name in names:
            if not NAME.fullmatch(name):
                raise LabError(f"{name!r} is no name for a lab host", hint="use a-z, 0-9 and -, at most 32 characters")
        self._check_existing(names, release, packages)
        chosen = release or image.DEFAULT_RELEASE
        layers = image.ensure(self.cache_dir, chosen, packages, self._report)
        plan = _Plan(chosen, tuple(packages), (OPS, *users), layers, tuple(options))
        with self._locked() as lock:
            self.state_dir.chmod(0o700)  # it holds keys and passwords
            hosts = self._enlist(names, count, plan)
            keys.client_key(self.state_dir / "keys")
            try:
                with ThreadPoolExecutor(AT_ONCE) as pool:
                    started = list(pool.map(lambda host: self._bring_up(host, lock), hosts))
            finally:
                self._write_lists()
        return started

    def down(self, names: Iterable[str]) -> None:
        """Remove hosts with all they hold; the last one takes the lab's network and directory with it."""
        wanted = list(dict.fromkeys(names))
        self._require()
        with self._locked():
            present = [path.name for path in self._host_dirs()]
            for name in wanted:
                if name not in present:
                    raise LabError(f"There is no lab host {name!r}", hint=near(name, present))
            self._remove_hosts(wanted)
            if not self._host_dirs():
                self._remove_all()
            else:
                self._write_lists()

    def down_all(self) -> None:
        """Remove every host and every trace of this lab, also what a killed run left half-made."""
        self._require()
        image.remove_unfinished(self.cache_dir)
        with self._locked():
            self._remove_hosts([path.name for path in self._host_dirs()])
            self._remove_all()

    def _check_existing(self, names: Sequence[str], release: str | None, packages: Sequence[str]) -> None:
        for record in self._records():
            if record.name in names and (
                release not in (None, record.release) or not set(packages) <= set(record.packages)
            ):
                has = ", ".join((record.release, *record.packages))
                raise LabError(
                    f"Lab host {record.name} exists already and was made otherwise ({has})",
                    hint=f"remove it first with `provision lab down {record.name}`, or use another name",
                )

    def _enlist(self, names: Sequence[str], count: int, plan: _Plan) -> list[LabHost]:
        """Handles for the hosts to bring up, new ones with a free number and, where none was given, a free name."""
        net = network.ensure(self.tag, self._subnet())
        (self.state_dir / "network.json").write_text(json.dumps({"schema": 1, "subnet": str(net.subnet)}) + "\n")
        known = {record.name: record for record in self._records()}
        free_numbers = iter(sorted(set(range(FIRST_HOST, LAST_HOST + 1)) - {r.number for r in known.values()}))
        fresh = [name for name in (f"lab-{n}" for n in range(1, 1000)) if name not in known and name not in names]
        enlisted = []
        for name in (*names, *fresh[:count]):
            record = known.get(name)
            if record is None:
                number = next(free_numbers, None)
                if number is None:
                    raise LabError("The lab is full", hint="remove hosts with `provision lab down NAME`")
                record = HostRecord(
                    name, number, net.address(number), plan.release, plan.packages, plan.users,
                    tuple(map(str, plan.layers)), plan.options,
                )  # fmt: skip
                record.write(self._host_dir(name))
            enlisted.append(LabHost(record, net, self.state_dir))
        return enlisted

    def _bring_up(self, host: LabHost, lock: int) -> LabHost:
        if host.record.host_keys:
            host.start(lock)
            return host
        self._make_room(host)
        host.machine.mount([Path(layer) for layer in host.record.layers])
        authorized = host.key_file.with_suffix(".pub").read_text()
        public = personalise(host.root, host.name, host.record.users, authorized, host.directory)
        complete = replace(host, record=replace(host.record, host_keys=tuple(public)))
        complete.record.write(host.directory)
        complete.start(lock)
        return complete

    def _make_room(self, host: LabHost) -> None:
        """Clear what a killed run left of a host it had not completed."""
        host.machine.container.kill()
        unmount_below(host.directory)
        for part in ("upper", "work"):
            shutil.rmtree(host.directory / part, ignore_errors=True)

    def _remove_hosts(self, names: Sequence[str]) -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._remove_host, names))

    def _remove_host(self, name: str) -> None:
        directory = self._host_dir(name)
        record = None
        with suppress(LabError):  # written by another version: what is outside the directory goes with the lab
            record = read_record(directory)
        discard(directory)
        if record is not None:
            Network.of(self.tag, f"{record.address}/24").unplug(record.number)
            remove_traces(f"{self.tag}.{record.number}")

    def _remove_all(self) -> None:
        remove_traces(f"{self.tag}.*")
        network.remove(self.tag)
        unmount_below(self.state_dir)
        shutil.rmtree(self.state_dir)

    def _write_lists(self) -> None:
        """Bring known_hosts and the static inventory up to date with the records."""
        entries = ((record.name, record.address, record.host_keys) for record in self._records())
        _replace(self.state_dir / "known_hosts", keys.known_hosts(entries))
        text = as_yaml(lab_inventory(self.state_dir))
        _replace(self.inventory_file, f"# The hosts of this lab; written by `provision lab`.\n{text}")

    def _records(self) -> list[HostRecord]:
        found = (read_record(directory) for directory in self._host_dirs())
        return sorted((record for record in found if record is not None), key=lambda record: record.number)

    def _host_dirs(self) -> list[Path]:
        return sorted((self.state_dir / "hosts").glob("*"))

    def _host_dir(self, name: str) -> Path:
        return self.state_dir / "hosts" / name

    def _subnet(self) -> str | None:
        with suppress(FileNotFoundError):
            return str(json.loads((self.state_dir / "network.json").read_text())["subnet"])
        return None

    def _locked(self) -> AbstractContextManager[int]:
        return locked(self.state_dir / "lock")

    def _require(self) -> None:
        reasons = requirements()
        if reasons:
            raise LabError(f"The lab cannot run here: {reasons[0]}", hint="; ".join(reasons[1:]))


def _replace(path: Path, text: str) -> None:
    scratch = path.with_name(f"{path.name}.new")
    scratch.write_text(text)
    scratch.replace(path)
