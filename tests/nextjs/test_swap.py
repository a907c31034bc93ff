"""A swap file on a real host: the kernel is this machine's, so it is a small one, and gone after the test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioner.lab import LabHost
from provisioner.messages import Target
from provisioner.remote.nextjs import swap
from provisioner.testing.driving import bench
from provisioner.values import HostName

MIB = 1 << 20


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """On the machine's own disk: nothing can be swapped to a file of an overlay."""
    path = Path(tempfile.mkdtemp(prefix="provision-swap-", dir="/var/tmp"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def host(lab_hosts: Callable[..., list[LabHost]], folder: Path) -> Iterator[LabHost]:
    """A host that may swap, as a machine of its own may."""
    (found,) = lab_hosts(1, options=("--system-call-filter=@swap", f"--bind={folder}:{swap.FOLDER}"))
    yield found
    found.run(["sh", "-c", f"swapoff {swap.FILE}; rm -f {swap.FILE}"], check=False)


def call(host: LabHost, tmp_path: Path, size: str, *, check: bool = False) -> dict[str, Any]:
    target = Target(HostName(host.name), address=host.address, user="root", key_files=(str(host.key_file),),
                    known_hosts=(str(host.known_hosts),))  # fmt: skip
    with bench([target], {}, scratch=tmp_path, check=check) as run:
        return run.calls[0].call("nextjs_swap", {"size": size})


def in_use(host: LabHost) -> str:
    return host.run(["sh", "-c", f"grep {swap.FILE} /proc/swaps || true"]).stdout


def test_a_swap_file_is_predicted_made_put_to_use_and_grows(host: LabHost, tmp_path: Path) -> None:
    predicted = call(host, tmp_path, "32M", check=True)
    assert predicted["changed"]
    assert predicted["diff"]["after"] == f"{swap.FILE} 32 MiB, in use, at boot\n"
    assert in_use(host) == ""
    made = call(host, tmp_path, "32M")
    assert made["changed"], made
    assert made["diff"] == predicted["diff"]
    assert in_use(host).split()[2] == str(32 * 1024 - 4)
    assert host.run(["stat", "-c", "%a %U %s", swap.FILE]).stdout == f"600 root {32 * MIB}\n"
    assert not call(host, tmp_path, "32M")["changed"]
    assert not call(host, tmp_path, "16M")["changed"]
    host.run(["swapoff", swap.FILE])
    assert call(host, tmp_path, "32M")["changed"]
    assert in_use(host)
    assert host.run(["systemctl", "is-enabled", swap.UNIT]).stdout == "enabled\n"
    assert host.run(["systemd-analyze", "verify", f"/etc/systemd/system/{swap.UNIT}"]).stderr == ""
    assert call(host, tmp_path, "48M")["changed"]
    assert in_use(host).split()[2] == str(48 * 1024 - 4)


def test_a_host_that_takes_none_is_left_as_it_was(shared_lab_host: LabHost, tmp_path: Path) -> None:
    """A container of the usual kind: its system calls for swap are refused."""
    result = call(shared_lab_host, tmp_path, "16M")
    assert result["failed"]
    assert "this host takes no swap file" in result["msg"]
    found = shared_lab_host.run(["sh", "-c", "ls /var/lib/provisioner /etc/systemd/system; systemctl --failed"]).stdout
    assert "swapfile" not in found


def test_too_small_a_disk_is_told_and_left_as_it_was(shared_lab_host: LabHost, tmp_path: Path) -> None:
    shared_lab_host.run(["sh", "-c", f"mkdir -p {swap.FOLDER}; mount -t tmpfs -o size=8M tmpfs {swap.FOLDER}"])
    try:
        result = call(shared_lab_host, tmp_path, "16M")
        left = shared_lab_host.run(["ls", swap.FOLDER]).stdout
    finally:
        shared_lab_host.run(["umount", swap.FOLDER])
    assert "no swap file of 16 MiB could be made in /var/lib/provisioner" in result["msg"]
    assert "No space left" in result["msg"]
    assert left == ""
