"""Who listens to the network, from /proc."""

from __future__ import annotations

import os
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple

from provisioner.remote.sdk import Ctx
from provisioner.remote.survey.found import found, kernels

_TABLES = (("tcp", "/proc/net/tcp"), ("tcp", "/proc/net/tcp6"), ("udp", "/proc/net/udp"), ("udp", "/proc/net/udp6"))
_LISTENING = {"tcp": "0A", "udp": "07"}
_RANGE = "/proc/sys/net/ipv4/ip_local_port_range"


class _Socket(NamedTuple):
    port: int
    address: str  # as /proc has it: words in the machine's byte order
    inode: str

    @property
    def is_loopback(self) -> bool:
        last = self.address[-8:]
        mapped = len(self.address) == 8 or self.address.startswith("0000000000000000FFFF0000")
        return (mapped and last.endswith("7F")) or self.address == "0" * 24 + "01000000"


def ports(ctx: Ctx, settings: "Mapping[str, Any]") -> "Dict[str, Any]":
    """`tcp/80` and the programs behind it. Not those on the loopback alone, and not UDP's ports of clients."""
    first = _first_of_clients()
    inodes: "Dict[str, List[str]]" = {}
    for protocol, table in _TABLES:
        for each in _listening(protocol, kernels(table)):
            if not each.is_loopback and not (protocol == "udp" and each.port >= first):
                inodes.setdefault("%s/%d" % (protocol, each.port), []).append(each.inode)
    owners = _owners({inode for each in inodes.values() for inode in each})
    return found({port: sorted({owners.get(inode, "unknown program") for inode in each})
                  for port, each in inodes.items()})  # fmt: skip


def _listening(protocol: str, table: str) -> "Iterator[_Socket]":
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == _LISTENING[protocol]:
            address, _, port = fields[1].partition(":")
            yield _Socket(int(port, 16), address, fields[9])


def _first_of_clients() -> int:
    fields = kernels(_RANGE).split()
    return int(fields[0]) if fields and fields[0].isdigit() else 32768


def _owners(inodes: "set[str]") -> "Dict[str, str]":
    """Inode of a socket -> the program that has it. Processes come and go meanwhile."""
    owners: "Dict[str, str]" = {}
    for process in filter(str.isdigit, os.listdir("/proc")):
        folder = "/proc/%s/fd" % process
        try:
            for handle in os.listdir(folder):
                target = os.readlink("%s/%s" % (folder, handle))
                if target.startswith("socket:[") and target[8:-1] in inodes:
                    owners[target[8:-1]] = _program(process)
        except OSError:
            continue
    return owners


def _program(process: str) -> str:
    with open("/proc/%s/comm" % process, encoding="utf-8", errors="replace") as file:
        return file.read().strip()
