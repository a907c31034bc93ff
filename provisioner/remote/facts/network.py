"""Interfaces, addresses and default routes, read from the kernel by netlink: no `ip` needed, 1 ms."""

from __future__ import annotations

import os
import socket
import struct
from typing import Any, Iterator

from provisioner.remote.facts.readers import names, text
from provisioner.remote.sdk import Ctx

RTM_NEWADDR, RTM_GETADDR, NLMSG_ERROR, NLMSG_DONE = 20, 22, 2, 3
NLM_F_REQUEST_DUMP = 0x301
IFA_ADDRESS, IFA_LOCAL = 1, 2
LOOPBACK = "lo"
SCOPES = {0: "global", 200: "site", 253: "link", 254: "host"}


def collect(ctx: Ctx) -> "dict[str, Any]":
    interfaces = {name: _interface(name) for name in names("/sys/class/net") if os.path.isdir("/sys/class/net/" + name)}
    v4: "list[str]" = []
    v6: "list[str]" = []
    for index, family, prefix, scope, address in _addresses():
        try:
            name = socket.if_indextoname(index)
        except OSError:
            continue
        if family == socket.AF_INET:
            _add_ipv4(interfaces.setdefault(name, {"device": name}), address, prefix)
            v4 += [address] if name != LOOPBACK else []
        else:
            entry = {"address": address, "prefix": str(prefix), "scope": SCOPES.get(scope, "global")}
            interfaces.setdefault(name, {"device": name}).setdefault("ipv6", []).append(entry)
            v6 += [address] if name != LOOPBACK else []
    # A "-" can't stand in a variable's name.
    found: "dict[str, Any]" = {name.replace("-", "_").replace(":", "_"): facts for name, facts in interfaces.items()}
    return {**found, "interfaces": sorted(interfaces), "all_ipv4_addresses": v4, "all_ipv6_addresses": v6,
            "default_ipv4": _default_ipv4(interfaces), "default_ipv6": _default_ipv6(interfaces)}  # fmt: skip


def _interface(name: str) -> "dict[str, Any]":
    folder = "/sys/class/net/%s/" % name
    kind = "loopback" if text(folder + "type") == "772" else "bridge" if os.path.isdir(folder + "bridge") else "ether"
    if os.path.isdir(folder + "bonding"):
        kind = "bonding"
    found: "dict[str, Any]" = {"device": name, "type": kind, "active": text(folder + "operstate") in ("up", "unknown")}
    if text(folder + "mtu").isdigit():
        found["mtu"] = int(text(folder + "mtu"))
    if kind != "loopback" and text(folder + "address"):
        found["macaddress"] = text(folder + "address")
    if text(folder + "speed").isdigit():
        found["speed"] = int(text(folder + "speed"))
    driver = folder + "device/driver/module"
    if os.path.islink(driver):
        found["module"] = os.path.basename(os.readlink(driver))
    return found


def _add_ipv4(interface: "dict[str, Any]", address: str, prefix: int) -> None:
    mask = 0xFFFFFFFF << (32 - prefix) & 0xFFFFFFFF
    number = struct.unpack("!I", socket.inet_aton(address))[0]
    entry = {"address": address, "netmask": _dotted(mask), "network": _dotted(number & mask), "prefix": str(prefix),
             "broadcast": _dotted(number | ~mask & 0xFFFFFFFF) if prefix < 31 else ""}  # fmt: skip
    if "ipv4" in interface:
        interface.setdefault("ipv4_secondaries", []).append(entry)
    else:
        interface["ipv4"] = entry


def _dotted(number: int) -> str:
    return socket.inet_ntoa(struct.pack("!I", number))


def _default_ipv4(interfaces: "dict[str, dict[str, Any]]") -> "dict[str, Any]":
    best: "tuple[int, str, str] | None" = None
    for line in text("/proc/net/route").splitlines()[1:]:
        fields = line.split()
        if len(fields) > 7 and fields[1] == fields[7] == "00000000" and int(fields[3], 16) & 1:
            gateway = socket.inet_ntoa(struct.pack("=I", int(fields[2], 16)))  # the kernel prints it in its own order
            best = min(best or (1 << 40, "", ""), (int(fields[6]), fields[0], gateway))
    if best is None:
        return {}
    interface = interfaces.get(best[1], {})
    found = {"interface": best[1], "alias": best[1], "gateway": best[2], **interface.get("ipv4", {})}
    return {**found, **{key: interface[key] for key in ("macaddress", "mtu", "type") if key in interface}}


def _default_ipv6(interfaces: "dict[str, dict[str, Any]]") -> "dict[str, Any]":
    best: "tuple[int, str, str] | None" = None
    for line in text("/proc/net/ipv6_route").splitlines():
        fields = line.split()
        is_default = len(fields) == 10 and fields[1] == "00" and int(fields[0], 16) == 0
        if is_default and fields[9] != LOOPBACK and int(fields[4], 16):
            gateway = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(fields[4]))
            best = min(best or (1 << 40, "", ""), (int(fields[5], 16), fields[9], gateway))
    if best is None:
        return {}
    interface = interfaces.get(best[1], {})
    public = [entry for entry in interface.get("ipv6", ()) if entry["scope"] == "global"]
    found = {"interface": best[1], "gateway": best[2], **(public[0] if public else {})}
    return {**found, **{key: interface[key] for key in ("macaddress", "mtu", "type") if key in interface}}


def _addresses() -> "Iterator[tuple[int, int, int, int, str]]":
    """(interface index, family, prefix length, scope, address) of every address, in the kernel's order."""
    try:
        link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
    except OSError:  # a sandbox without netlink: no addresses rather than no facts
        return
    with link:
        link.settimeout(2)
        link.send(struct.pack("=IHHIIBBBBI", 24, RTM_GETADDR, NLM_F_REQUEST_DUMP, 1, 0, socket.AF_UNSPEC, 0, 0, 0, 0))
        while True:
            data = link.recv(1 << 16)
            while len(data) >= 16:
                length, kind = struct.unpack_from("=IH", data)
                if kind in (NLMSG_DONE, NLMSG_ERROR) or length < 16:
                    return
                if kind == RTM_NEWADDR:
                    yield from _address(data[16:length])
                data = data[(length + 3) & ~3:]


def _address(message: bytes) -> "Iterator[tuple[int, int, int, int, str]]":
    family, prefix, _, scope, index = struct.unpack_from("=BBBBI", message)
    if family not in (socket.AF_INET, socket.AF_INET6):
        return
    found, rest = {}, message[8:]
    while len(rest) >= 4:
        length, kind = struct.unpack_from("=HH", rest)
        if length < 4:
            break
        found[kind] = rest[4:length]
        rest = rest[(length + 3) & ~3:]
    raw = found.get(IFA_LOCAL, found.get(IFA_ADDRESS))
    if raw is not None:
        yield index, family, prefix, scope, socket.inet_ntop(family, raw)
