"""Who listens on a port of this host."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from typing import Dict, Iterable, Iterator, List, Set, Tuple

from provisioner.remote.sdk import Ctx

_LISTENING = "0A"  # as /proc/net/tcp writes the state
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_UNIT = re.compile(r"/([^/\n]+\.(?:service|scope|socket))(?=/|$)", re.MULTILINE)


def listeners(ctx: Ctx, ports: "Iterable[int]") -> "List[Dict[str, object]]":
    """Each listening socket as {port, address, pid, process, unit}; of another user's process only root sees more
    than port and address."""
    wanted = set(ports)
    found: "Dict[str, Tuple[str, int]]" = {}
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in (ctx.read_text(path) or "").splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) in wanted:
                found[fields[9]] = endpoint(fields[1])
    holders = _holders(set(found)) if found else {}
    return [
        {"port": port, "address": address, **_about(ctx, holders.get(inode, 0))}
        for inode, (address, port) in sorted(found.items(), key=lambda item: (item[1][1], item[1][0]))
    ]


def endpoint(text: str) -> "Tuple[str, int]":
    """Address and port from a column of /proc/net/tcp: words in the machine's byte order, in hex."""
    address, port = text.split(":")
    packed = b"".join(bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8))
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, packed), int(port, 16)


def _holders(inodes: "Set[str]") -> "Dict[str, int]":
    """Socket -> the first process that has it open."""
    found: "Dict[str, int]" = {}
    for name in sorted(filter(str.isdigit, os.listdir("/proc")), key=int):
        for link in _open_files("/proc/%s/fd" % name):
            match = _SOCKET.match(link)
            if match and match[1] in inodes:
                found.setdefault(match[1], int(name))
        if len(found) == len(inodes):
            break
    return found


def _open_files(folder: str) -> "Iterator[str]":
    """What a process has open; nothing of one that is gone or another user's."""
    with contextlib.suppress(OSError):
        for number in os.listdir(folder):
            with contextlib.suppress(OSError):  # closed meanwhile
                yield os.readlink(os.path.join(folder, number))


def _about(ctx: Ctx, pid: int) -> "Dict[str, object]":
    if not pid:
        return {"pid": None, "process": "", "unit": ""}
    try:
        process = (ctx.read_text("/proc/%d/comm" % pid) or "").strip()
        units = _UNIT.findall(ctx.read_text("/proc/%d/cgroup" % pid) or "")
    except ProcessLookupError:  # it ended between opening and reading
        return {"pid": pid, "process": "", "unit": ""}
    return {"pid": pid, "process": process, "unit": units[-1] if units else ""}
