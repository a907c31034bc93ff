"""`playbooks/volumes.yml` on a real host: volumes of a machine, empty and not, formatted and mounted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.lab import Lab, LabHost

PLAYBOOK = Path(__file__).parents[2] / "playbooks" / "volumes.yml"
DEVICE = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol01"
# A loop device that nobody has, with the name that a cloud's udev rules would give it.
ATTACH = f"""
mkdir -p /dev/disk/by-id && truncate -s 32M /opt/disk
[ -e /dev/loop-control ] || mknod /dev/loop-control c 10 237
for attempt in 1 2 3 4 5 6 7 8 9; do
    loop=$(losetup -f); [ -e "$loop" ] || mknod "$loop" b 7 "${{loop#/dev/loop}}"
    losetup "$loop" /opt/disk && ln -sf "$loop" {DEVICE} && exit 0
done
exit 1
"""


@pytest.fixture
def host(shared_lab_host: LabHost) -> Iterator[LabHost]:
    """With an empty disk."""
    shared_lab_host.run(["sh", "-c", ATTACH])
    yield shared_lab_host
    shared_lab_host.run(["sh", "-c", f"umount /srv/uploads; losetup -d $(readlink {DEVICE}); rm -f {DEVICE} /opt/disk; "
                                     "sed -i '/uploads/d' /etc/fstab"])


def provision(lab: Lab, host: LabHost, home: Path, *words: str, code: int = 0) -> str:
    volumes = [{"name": "data", "size": 1, "mount": "/srv/uploads", "filesystem": "ext4", "device": DEVICE},
               {"name": "raw", "size": 1, "mount": None, "filesystem": "ext4", "device": DEVICE}]
    done = subprocess.run(
        [sys.executable, "-m", "provisioner", *words, str(PLAYBOOK), "-i", str(lab.inventory_file),
         "--limit", host.name, "-e", json.dumps({"machine_volumes": volumes})],
        cwd=home, capture_output=True, text=True, timeout=280, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, "PROVISION_STATE_DIR": str(home / "state"), "PYTHONPATH": str(PLAYBOOK.parents[1])})
    assert done.returncode == code, done.stdout + done.stderr
    return " ".join((done.stdout + done.stderr).split())


@pytest.mark.timeout(900)
def test_an_empty_volume_is_formatted_once_mounted_now_and_at_boot_and_grown_with_its_disk(
    lab: Lab, host: LabHost, tmp_path: Path
) -> None:
    provision(lab, host, tmp_path, "apply")
    host.run(["sh", "-c", "grep -q ' /srv/uploads ext4 ' /proc/mounts && echo kept > /srv/uploads/file"])
    assert f"{DEVICE} /srv/uploads ext4 defaults,nofail 0 2\n" in host.run(["cat", "/etc/fstab"]).stdout
    assert "uploads" in host.run(["systemctl", "list-units", "--type=mount", "--no-legend"]).stdout

    provision(lab, host, tmp_path, "plan", "--detailed-exitcode")  # which is 0: nothing is to do

    before = int(host.run(["stat", "-fc", "%b", "/srv/uploads"]).stdout)
    # Unmounted, since hosts of the lab may not grow what is mounted (CAP_SYS_RESOURCE).
    host.run(["sh", "-c", f"umount /srv/uploads && truncate -s 64M /opt/disk && losetup -c $(readlink {DEVICE})"])
    provision(lab, host, tmp_path, "apply")
    assert int(host.run(["stat", "-fc", "%b", "/srv/uploads"]).stdout) > 1.5 * before
    assert host.run(["cat", "/srv/uploads/file"]).stdout == "kept\n", "grown and mounted again, not formatted"


@pytest.mark.timeout(600)
def test_a_volume_that_holds_something_is_never_formatted(lab: Lab, host: LabHost, tmp_path: Path) -> None:
    host.run(["sh", "-c", f"mkswap {DEVICE}"])
    before = host.run(["sha256sum", "/opt/disk"]).stdout
    for words in (("plan",), ("apply",)):
        assert "holds swap already, and is not formatted over" in provision(lab, host, tmp_path, *words, code=2)
    assert host.run(["sha256sum", "/opt/disk"]).stdout == before
    assert "uploads" not in host.run(["cat", "/proc/mounts", "/etc/fstab"]).stdout
