"""What needs attention by itself: no room left, a reboot that is due."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Mapping

from provisioner.remote.sdk import Ctx
from provisioner.remote.survey.found import found, kernels, text

_REBOOT = "/run/reboot-required"
_FULL_BY_NATURE = ("squashfs", "iso9660", "erofs")


def reboot(ctx: Ctx, settings: "Mapping[str, Any]") -> "Dict[str, Any]":
    """What asked for one; empty when nothing did."""
    if not os.path.exists(_REBOOT):
        return found({})
    return found({"reboot": sorted(set(text(_REBOOT + ".pkgs").split())) or ["required"]})


def disk(ctx: Ctx, settings: "Mapping[str, Any]") -> "Dict[str, Any]":
    """Of every file system on a device: free bytes, all bytes, free files, all files, as users have them."""
    items: "Dict[str, List[str]]" = {}
    devices = set()
    for line in kernels("/proc/self/mounts").splitlines():
        source, place, kind = line.split()[:3]
        place = re.sub(r"\\([0-7]{3})", lambda sign: chr(int(sign.group(1), 8)), place)  # a blank
        if place.startswith("/run/"):
            continue
        if place != "/" and (not source.startswith("/dev/") or kind in _FULL_BY_NATURE):
            continue
        try:
            there, device = os.statvfs(place), os.stat(place).st_dev
        except OSError:
            continue
        if device not in devices and there.f_blocks and os.path.isdir(place):  # a container has files mounted
            devices.add(device)
            items[place] = [str(there.f_bavail * there.f_frsize), str(there.f_blocks * there.f_frsize),
                            str(there.f_favail), str(there.f_files)]  # fmt: skip
    return found(items)
