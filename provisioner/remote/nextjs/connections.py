"""Connections that the web server has to an app: while there are any, a request may still be running."""

from __future__ import annotations

from typing import Iterable

from provisioner.remote.nextjs.listeners import endpoint
from provisioner.remote.sdk import Ctx

_ESTABLISHED = "01"  # as /proc/net/tcp writes the state


def count(ctx: Ctx, ports: "Iterable[int]") -> int:
    """How many clients are connected to these ports of this host. Idle ones are let go by the web server after 4 s."""
    wanted, found = set(ports), 0
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in (ctx.read_text(path) or "").splitlines()[1:]:
            fields = line.split()
            found += fields[3] == _ESTABLISHED and endpoint(fields[1])[1] in wanted
    return found
