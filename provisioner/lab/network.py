"""The lab's own piece of network: one bridge, one private subnet, one firewall table that lets hosts go out.

Everything is named by the lab's tag. Forwarding is switched on only if it was off, and the lock file of the machine
remembers that, so that the last lab to go switches it off again.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from provisioner.diag import LabError
from provisioner.lab.command import run, succeeds
from provisioner.lab.lock import locked
from provisioner.lab.mounts import is_mounted

MACHINE_LOCK = Path("/run/lock/provision-lab")
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
NAMESPACES = Path("/run/netns")
INTERFACES = Path("/sys/class/net")
GATEWAY = 1
FIRST_HOST, LAST_HOST = 10, 254

MASQUERADE = """
add table ip {tag}
flush table ip {tag}
table ip {tag} {{
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {subnet} ip daddr != {subnet} masquerade
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Network:
    """A lab's network. A host is known here by its number, the last byte of its address."""

    tag: str
    subnet: ipaddress.IPv4Network

    @classmethod
    def of(cls, tag: str, subnet: str) -> Network:
        """From text; `subnet` may be the address of any host in it, with its length."""
        return cls(tag, ipaddress.IPv4Network(subnet, strict=False))

    def address(self, number: int) -> str:
        return str(self.subnet[number])

    def namespace(self, number: int) -> Path:
        """The host's network namespace, there before it boots, so that it finds its address as on real hardware."""
        return NAMESPACES / self.interface(number)

    def interface(self, number: int) -> str:
        return f"{self.tag}.{number}"

    def plug(self, number: int) -> None:
        """Make the host's namespace with its interface `host0`; does nothing where that exists."""
        name = self.interface(number)
        if (INTERFACES / name).exists():
            return
        self.unplug(number)
        mtu = _mtu()
        with _machine():  # a lab that goes away tidies up the directory of namespaces
            run(["ip", "netns", "add", name])
        _batch(
            f"link add {name} mtu {mtu} type veth"
            f" peer name host0 address {_mac(self.address(number))} mtu {mtu} netns {name}",
            f"link set {name} master {self.tag} up",
        )
        _batch(
            "link set lo up",
            f"addr add {self.address(number)}/{self.subnet.prefixlen} dev host0",
            "link set host0 up",
            f"route add default via {self.address(GATEWAY)}",
            namespace=name,
        )

    def unplug(self, number: int) -> None:
        _remove_host_end(self.interface(number))


def ensure(tag: str, remembered: str | None) -> Network:
    """The lab's network, made if it is not there. `remembered` is the subnet hosts of this lab already have."""
    with _machine() as state:
        if (INTERFACES / tag).exists():
            present = _subnet_of(tag)
            if present is not None:
                return Network(tag, present)
            _delete_link(tag)  # left half-made by a killed run
        subnet = _choose(tag, remembered)
        run(["nft", "-f", "-"], stdin=MASQUERADE.format(tag=tag, subnet=subnet))
        if FORWARDING.read_text().strip() == "0":
            state.write_text("0\n")
            FORWARDING.write_text("1\n")
        _batch(
            f"link add {tag} address {_mac(str(subnet[GATEWAY]))} mtu {_mtu()} type bridge",
            f"addr add {subnet[GATEWAY]}/{subnet.prefixlen} dev {tag}",
            f"link set {tag} up",
        )
        return Network(tag, subnet)


def remove(tag: str) -> None:
    """Take away all of the lab's network, whether recorded or not; the last lab restores forwarding."""
    with _machine() as state:
        leftovers = [*NAMESPACES.glob(f"{tag}.*"), *INTERFACES.glob(f"{tag}.*")]
        for name in {path.name for path in leftovers}:
            _remove_host_end(name)
        _delete_link(tag)
        succeeds(["nft", "delete", "table", "ip", tag])
        if not any(INTERFACES.glob("pvl*")):
            if state.read_text().strip() == "0":
                FORWARDING.write_text("0\n")
            state.unlink()
            _tidy_namespaces()


def taken_networks(routes: str) -> list[ipaddress.IPv4Network]:
    """Networks this machine already reaches other than by its default route, from `ip -json route` output."""
    found: list[ipaddress.IPv4Network] = []
    for route in json.loads(routes or "[]"):
        with suppress(ValueError):  # "default", IPv6
            found.append(ipaddress.IPv4Network(route["dst"], strict=False))
    return found


def candidates(tag: str) -> Iterator[ipaddress.IPv4Network]:
    """Subnets to try in 10.64.0.0/10, always in the same order for a tag."""
    for attempt in range(64):
        first, second = hashlib.sha256(f"{tag}/{attempt}".encode()).digest()[:2]
        yield ipaddress.IPv4Network(f"10.{64 + first % 64}.{second}.0/24")


def _choose(tag: str, remembered: str | None) -> ipaddress.IPv4Network:
    taken = taken_networks(run(["ip", "-4", "-json", "route", "show", "table", "all"]))

    def is_free(subnet: ipaddress.IPv4Network) -> bool:
        return not any(subnet.overlaps(other) for other in taken)

    wanted: Iterable[ipaddress.IPv4Network] = candidates(tag)
    if remembered is not None:
        wanted = (ipaddress.IPv4Network(remembered),)
    for subnet in wanted:
        if is_free(subnet):
            return subnet
    raise LabError(
        f"The lab's subnet {remembered or '(any of 64 in 10.64.0.0/10)'} collides with a route of this machine",
        hint="`ip route` shows it; `provision lab down --all` lets the lab choose another",
    )


def _subnet_of(bridge: str) -> ipaddress.IPv4Network | None:
    for link in json.loads(run(["ip", "-4", "-json", "address", "show", "dev", bridge]) or "[]"):
        for address in link.get("addr_info", []):
            if "UP" in link["flags"]:
                return ipaddress.IPv4Interface(f"{address['local']}/{address['prefixlen']}").network
    return None


@contextmanager
def _machine() -> Iterator[Path]:
    """Hold the lock all labs of this machine share; gives its file, which holds the forwarding state to restore."""
    with locked(MACHINE_LOCK):
        yield MACHINE_LOCK


def _mtu() -> int:
    """Of the way out; a larger one would make every long packet a detour by fragmentation."""
    for route in json.loads(run(["ip", "-4", "-json", "route", "show", "default"]) or "[]"):
        with suppress(OSError, KeyError):
            return int((INTERFACES / route["dev"] / "mtu").read_text())
    return 1500


def _mac(address: str) -> str:
    """An Ethernet address that belongs to the IP address for good.

    A new one for a new host at an old address would leave the neighbours' tables wrong for half a minute.
    """
    return "02:42:" + ":".join(f"{byte:02x}" for byte in ipaddress.IPv4Address(address).packed)


def _batch(*lines: str, namespace: str | None = None) -> None:
    inside = ["-netns", namespace] if namespace else []
    run(["ip", *inside, "-batch", "-"], stdin="\n".join(lines) + "\n")


def _remove_host_end(name: str) -> None:
    _delete_link(name)
    if (NAMESPACES / name).exists() and not succeeds(["ip", "netns", "del", name]):
        (NAMESPACES / name).unlink(missing_ok=True)  # killed between making the file and mounting on it


def _delete_link(name: str) -> None:
    """An interface may go by itself meanwhile, with the namespace at its other end."""
    if (INTERFACES / name).exists() and not succeeds(["ip", "link", "del", name]) and (INTERFACES / name).exists():
        raise LabError(f"The network interface {name} cannot be removed", hint=f"try `ip link del {name}`")


def _tidy_namespaces() -> None:
    """`ip netns` keeps a mount on its directory for ever; take it back when nobody uses it."""
    if NAMESPACES.is_dir() and not os.listdir(NAMESPACES):
        while is_mounted(NAMESPACES) and succeeds(["umount", str(NAMESPACES)]):
            pass
        with suppress(OSError):
            NAMESPACES.rmdir()
