"""Makes the machines of a cloud's stand-in real: each one that runs there is a booted host here, with real cloud-init.

    with Bridge(tmp_path / "machines", lambda: instances_of(aws, "eu-central-1")) as bridge:
        aws.addresses, aws.console = bridge.next_address, bridge.console
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal

from provisioner.lab.blank import BlankMachines, Seed
from provisioner.lab.command import run, succeeds
from provisioner.lab.network import FIRST_HOST, GATEWAY
from provisioner.testing import metadata

if TYPE_CHECKING:
    from provisioner.testing.aws import Aws

_PERIOD: Final = 0.2
_FIRST_PORT: Final = 8000
_REDIRECT: Final = """
add table ip {table}
add chain ip {table} prerouting {{ type nat hook prerouting priority dstnat; }}
add rule ip {table} prerouting ip saddr {machine} ip daddr {service} tcp dport 80 dnat to {gateway}:{port}
"""
_UNITS: Final = ("cloud-init-local", "cloud-init", "cloud-config", "cloud-final")
_SYS: Final = ("block", "bus", "class", "dev", "devices", "fs", "kernel", "module", "power")


@dataclass(frozen=True, slots=True)
class Instance:
    """A machine as the stand-in has it. meta: for its metadata service (`testing.metadata`)."""

    id: str
    state: Literal["on", "off", "gone"]
    address: str
    kind: Literal["ec2", "digitalocean"]
    user_data: str
    meta: Mapping[str, Any] = field(default_factory=dict)


class Bridge:
    """instances: asks the stand-in. broken: ids of machines whose metadata service never answers; they boot and know
    nobody."""

    def __init__(self, state_dir: Path, instances: Callable[[], Sequence[Instance]]) -> None:
        self.machines = BlankMachines(state_dir)
        self.broken: Callable[[str], bool] = lambda identity: False
        self._instances = instances
        self._numbers = count(FIRST_HOST)
        self._promised: dict[str, int] = {}
        self._services: dict[str, subprocess.Popen[bytes]] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="bridge", daemon=True)
        self.errors: list[Exception] = []

    def next_address(self) -> str:
        """For the stand-in: the public address of the next machine."""
        number = next(self._numbers)
        address = self.machines.address(number)
        self._promised[address] = number
        return address

    def console(self, identity: str) -> str:
        return self.machines.console(identity)

    def running(self) -> list[str]:
        """Ids of the machines that are on."""
        return [each.name for each in self.machines.machines() if self.machines.is_running(each.name)]

    def settle(self, seconds: float = 60.0) -> None:
        """Wait until hosts are as the stand-in says."""
        until = time.monotonic() + seconds
        while not self._is_settled():
            assert not self.errors, self.errors
            assert time.monotonic() < until, f"{self.running()} run"
            time.sleep(_PERIOD)

    def _is_settled(self) -> bool:
        instances = self._instances()
        on = sorted(each.id for each in instances if each.state == "on")
        there = {each.name for each in self.machines.machines()}
        return sorted(self.running()) == on and there <= {each.id for each in instances if each.state != "gone"}

    def __enter__(self) -> Bridge:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()
        for service in self._services.values():
            service.kill()
            service.wait()
        succeeds(["nft", "delete", "table", "ip", f"{self.machines.tag}md"])
        self.machines.remove_all()
        if self.errors and error is None:
            raise self.errors[0]

    def _follow(self) -> None:
        while not self._ended.wait(_PERIOD):
            try:
                self._catch_up()
            except Exception as error:  # shown when the test ends; a thread has nobody else to tell
                self.errors.append(error)
                return

    def _catch_up(self) -> None:
        there = {each.name for each in self.machines.machines()}
        for instance in self._instances():
            if instance.state == "on" and instance.address in self._promised:
                if instance.id not in there:
                    self._make(instance)
                else:
                    self._keep(instance)
            elif instance.state == "off" and instance.id in there:
                self.machines.stop(instance.id)
            elif instance.state == "gone" and instance.id in there:
                self._remove(instance.id)
        for name in there - {each.id for each in self._instances()}:
            self._remove(name)

    def _make(self, instance: Instance) -> None:
        files = _EC2 if instance.kind == "ec2" else _digitalocean(instance)
        self.machines.make(instance.id, Seed(instance.id, "", files), self._promised[instance.address])
        if not self.broken(instance.id):
            self._serve(instance)
        self.machines.start(instance.id)

    def _keep(self, instance: Instance) -> None:
        """Running, at the address it has now: a cloud may give it another one while it is stopped, and a stand-in may
        stop and start it between two looks."""
        before = next(each for each in self.machines.machines() if each.name == instance.id)
        number = self._promised[instance.address]
        if before.number != number:
            self.machines.stop(instance.id)
            self.machines.move(instance.id, number)
            self._redirect(instance.address, str(_FIRST_PORT + before.number))
        if not self.machines.is_running(instance.id):
            self.machines.start(instance.id)

    def _redirect(self, machine: str, port: str) -> None:
        """As in a cloud it is answered from outside: inside it would take port 80 from the machine's web server."""
        run(["nft", "-f", "-"], stdin=_REDIRECT.format(
            table=f"{self.machines.tag}md", machine=machine, service=metadata.ADDRESS,
            gateway=self.machines.address(GATEWAY), port=port))

    def _serve(self, instance: Instance) -> None:
        """Its metadata service, before it boots."""
        folder = self.machines.state_dir / "metadata" / instance.id
        folder.mkdir(parents=True)
        (folder / "meta.json").write_text(json.dumps(instance.meta))
        (folder / "user-data").write_text(instance.user_data)
        if instance.kind == "digitalocean":
            mac = instance.meta["interfaces"]["public"][0]["mac"]
            run(["ip", "-netns", self.machines.namespace(instance.id), "link", "set", "host0", "address", mac])
        gateway, port = self.machines.address(GATEWAY), str(_FIRST_PORT + self._promised[instance.address])
        with (folder / "log").open("wb") as log:
            self._services[instance.id] = subprocess.Popen(
                [sys.executable, metadata.__file__, str(folder), instance.kind, gateway, port], stdout=log, stderr=log)
        self._redirect(instance.address, port)
        until = time.monotonic() + 20
        while f"{gateway}:{port}" not in run(["ss", "-Hltn"]):
            assert time.monotonic() < until, (folder / "log").read_text()
            time.sleep(0.05)

    def _remove(self, name: str) -> None:
        service = self._services.pop(name, None)
        if service is not None:
            service.kill()
            service.wait()
        self.machines.remove(name)


def instances_of(aws: Aws, region: str) -> list[Instance]:
    """The instances of moto, as `Bridge` wants them."""
    states: Mapping[str, Literal["on", "off", "gone"]] = {
        "pending": "on", "running": "on", "stopping": "off", "stopped": "off", "terminated": "gone",
        "shutting-down": "gone"}
    found = []
    for each in list(aws.backend(region).all_instances()):
        meta = {"id": each.id, "address": each.public_ip or "", "type": each.instance_type, "image": each.image_id,
                "zone": each.placement.zone, "http_tokens": each.metadata_options.http_tokens,
                "http_endpoint": each.metadata_options.http_endpoint}
        data = base64.b64decode(str(each.user_data or "")).decode()
        found.append(Instance(each.id, states[each.state], each.public_ip or "", "ec2", data, meta))
    return found


def _drop_ins(*bound: str, hidden: Sequence[str] = _SYS) -> dict[str, str]:
    """cloud-init's units see another /sys: it knows clouds by their firmware."""
    lines = ["[Service]", "TemporaryFileSystem=/sys", *(f"BindPaths=-/sys/{name}" for name in hidden),
             f"BindReadOnlyPaths={' '.join(bound)}", ""]
    return {f"etc/systemd/system/{unit}.service.d/lab.conf": "\n".join(lines) for unit in _UNITS}


_EC2: Final = {
    "etc/lab-hypervisor": "ec2e1916-9099-7caf-fd21-012345abcdef\n",
    "etc/cloud/cloud.cfg.d/91_source.cfg": "datasource_list: [Ec2]\n"
                                           "datasource: {Ec2: {strict_id: false, timeout: 5, max_wait: 20}}\n",
    **_drop_ins("/etc/lab-hypervisor:/sys/hypervisor/uuid"),
}


def _digitalocean(instance: Instance) -> dict[str, str]:
    names = [name for name in _SYS if name != "class"]
    return {
        "etc/lab-vendor": "DigitalOcean\n", "etc/lab-serial": f"{instance.meta['droplet_id']}\n", "etc/lab-empty": "",
        "usr/local/sbin/lab-false": "#!/bin/sh\nexit 1\n",
        "etc/cloud/cloud.cfg.d/91_source.cfg": "datasource_list: [DigitalOcean]\n"
                                               "datasource: {DigitalOcean: {use_ip4LL: false}}\n",
        **_drop_ins("/etc/lab-vendor:/sys/class/dmi/id/sys_vendor", "/etc/lab-serial:/sys/class/dmi/id/product_serial",
                    "/usr/local/sbin/lab-false:/usr/bin/systemd-detect-virt", "/etc/lab-empty:/proc/1/environ",
                    hidden=[*names, "class/net"]),
    }
