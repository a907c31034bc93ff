"""The images that the test bed knows: some of each publisher, older ones and other architectures among them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

_DEBIAN: Final = "136693071363"
_CANONICAL: Final = "099720109477"
_UBUNTU: Final = "ubuntu/images/{disk}/ubuntu-{name}-{arch}-server-{day}"

NEWEST: Final = "20260901"
DAYS: Final = ("20250310", NEWEST, "20260105")


def images() -> Iterator[dict[str, Any]]:
    """As arguments of moto's `Ami`. Ids are made of what the image is: `ami-debian12amd6420260901`."""
    for arch, machine in (("amd64", "x86_64"), ("arm64", "arm64")):
        for day in DAYS:
            for version in ("12", "13"):
                name = f"debian-{version}-{arch}-{day}-1000"
                yield _image(f"ami-debian{version}{arch}{day}", name, _DEBIAN, machine, day, "/dev/xvda")
            for disk, name in (("hvm-ssd", "jammy-22.04"), ("hvm-ssd-gp3", "noble-24.04")):
                identity = f"ami-ubuntu{name[-5:-3]}{arch}{day}"
                text = _UBUNTU.format(disk=disk, name=name, arch=arch, day=day)
                yield _image(identity, text, _CANONICAL, machine, day, "/dev/sda1")
        # Looks newer and like the real thing, but is a stranger's.
        yield _image(f"ami-stranger{arch}", f"debian-12-{arch}-20991231-1", "666666666666", machine, "20991231",
                     "/dev/xvda")


def _image(identity: str, name: str, owner: str, machine: str, day: str, root: str) -> dict[str, Any]:
    return {"ami_id": identity, "name": name, "owner_id": owner, "architecture": machine, "public": True,
            "creation_date": datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC), "root_device_name": root,
            "root_device_type": "ebs", "virtualization_type": "hvm", "hypervisor": "xen"}
