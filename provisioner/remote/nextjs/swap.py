"""The host's swap, and the swap file that is ours."""

from __future__ import annotations

from typing import Any, Dict

from provisioner.remote.nextjs.layout import unit_file
from provisioner.remote.sdk import Ctx

FOLDER = "/var/lib/provisioner"
FILE = FOLDER + "/swapfile"
UNIT = "var-lib-provisioner-swapfile.swap"  # systemd wants the path as the name
TEXT = """\
# Made by provision; changes made here are overwritten.
[Unit]
Description=Swap for builds of Next.js apps

[Swap]
What=%s

[Install]
WantedBy=swap.target
""" % FILE
_HEADER = 4096  # bytes of a swap file that are not swap


def look(ctx: Ctx) -> "Dict[str, Any]":
    """size: of our file, 0 without; active, boot: whether it is swap, now and after a boot. others: bytes of swap
    that others have made. container: whether this host shares its kernel, and with that its swap."""
    file = ctx.stat(FILE)
    sizes = {}
    for line in (ctx.read_text("/proc/swaps") or "").splitlines()[1:]:
        fields = line.split()
        sizes[fields[0]] = int(fields[2]) * 1024 + _HEADER
    wants = "/etc/systemd/system/swap.target.wants/" + UNIT
    return {
        "size": file.size if file and file.kind == "file" else 0,
        "active": FILE in sizes,
        "boot": ctx.read_text(unit_file(UNIT)) == TEXT and ctx.stat(wants) is not None,
        "others": sum(size for path, size in sizes.items() if path != FILE),
        "container": ctx.stat("/run/systemd/container") is not None,
    }


def missing(found: "Dict[str, Any]", size: int) -> int:
    """Bytes that our file must have so that there are `size` bytes of swap; 0 when there is no need of one."""
    return max(0, size - int(found["others"]))


def is_right(found: "Dict[str, Any]", size: int) -> bool:
    """A larger file is fine: another app may have asked for it."""
    wanted = missing(found, size)
    return not wanted or (found["size"] >= wanted and bool(found["active"]) and bool(found["boot"]))
