"""What this machine must have for lab hosts."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "nft": "nftables",
    "ip": "iproute2",
    "ssh-keygen": "openssh-client",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "apt-config": "apt",
}
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def requirements() -> list[str]:
    """Reasons why the lab cannot run here, each with what mends it; empty if it can."""
    if sys.platform != "linux":
        return ["lab hosts need Linux"]
    reasons = []
    if os.geteuid() != 0:
        reasons.append("lab hosts need root: run it with sudo, or as root")
    packages = {package for program, package in PROGRAMS.items() if shutil.which(program) is None}
    if not KEYRING.is_file():
        packages.add("debian-archive-keyring")
    if packages:
        reasons.append(f"missing programs: apt-get install {' '.join(sorted(packages))}")
    return reasons
