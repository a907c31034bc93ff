"""How often a run of nothing to do waits for a host, counted outside of the program, in a proxy.

A round trip is a *turn*: the client speaks after the host has spoken. All of a connection's turns count here, those of
the SSH handshake, of the login, of opening sessions and of starting runners too. `run_end` tells the program's own
count, which is of segments only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from controller import Ran, provision

from provisioner.lab import LabHost
from provisioner.testing.proxy import FaultProxy

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
PACKAGES = tuple((BENCHMARKS / "packages.txt").read_text().split())
LEAST_TASKS = 82


def apply(folder: Path, playbook: Path, host: LabHost, address: tuple[str, int], user: str) -> Ran:
    hosts = folder / "inventory.ini"
    hosts.write_text(
        f"{host.name} ansible_host={address[0]} ansible_port={address[1]} ansible_user={user} "
        f"ansible_ssh_host_key_alias={host.address} ansible_ssh_private_key_file={host.key_file} "
        f"ansible_ssh_known_hosts_file={host.known_hosts}\n")
    return provision(folder, "apply", "-i", str(hosts), str(playbook))


@pytest.mark.parametrize(("name", "user", "segments", "turns"), [
    ("site", "root", 2, 20),  # facts, then all 82 tasks at once
    ("roles", "ops", 23, 40),
])
def test_a_second_run_changes_nothing_in_few_round_trips(
        lab_hosts: Callable[..., list[LabHost]], tmp_path: Path, name: str, user: str, segments: int,
        turns: int) -> None:
    host, = lab_hosts(1, packages=PACKAGES)
    playbook = BENCHMARKS / name / "site.yml"

    first = apply(tmp_path, playbook, host, (host.address, 22), user)
    assert first.code == 0, (first.stderr, first.results("failed", "unreachable"))
    assert first.end()["hosts"][host.name]["changed"] >= 40

    with FaultProxy((host.address, 22)) as proxy:
        second = apply(tmp_path, playbook, host, proxy.address, user)
        assert second.code == 0, (second.stderr, second.results("failed", "unreachable"))
    counts = second.end()["hosts"][host.name]
    assert counts["changed"] == 0, second.names("changed")
    assert counts["ok"] >= LEAST_TASKS
    assert second.end()["round_trips"][host.name] <= segments
    assert proxy.connections == 1
    assert proxy.turns <= turns
