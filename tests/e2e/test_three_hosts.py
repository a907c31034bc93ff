"""The main job as a user runs it, on three hosts at once: one build, one build id, work side by side."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from controller import Ran, inventory, provision

from provisioner.lab import LabHost

PLAYBOOK = Path(__file__).parents[2] / "playbooks" / "site.yml"


def fetch(host: LabHost, path: str) -> str:
    with urllib.request.urlopen(f"http://{host.address}{path}", timeout=20) as answer:
        return str(answer.read().decode())


def steps(ran: Ran, name: str) -> dict[str, dict[str, Any]]:
    return {event["host"]: event for event in ran.events if event["type"] == "step" and event["step"] == name}


def interval(step: dict[str, Any]) -> tuple[float, float]:
    """When the step began and ended, in seconds."""
    end = datetime.fromisoformat(step["time"]).timestamp()
    return end - step["ms"] / 1000, end


def overlap(ran: Ran, name: str) -> bool:
    """Whether at least two hosts were at this step at the same time."""
    spans = sorted(interval(step) for step in steps(ran, name).values())
    return any(later[0] < earlier[1] for earlier, later in pairwise(spans))


@pytest.mark.timeout(900)
def test_one_build_serves_three_hosts(lab_hosts: Callable[..., list[LabHost]], tmp_path: Path) -> None:
    hosts = lab_hosts(3, packages=("nginx",))
    listed = inventory(tmp_path, hosts)

    ran = provision(tmp_path, "apply", "-i", str(listed), str(PLAYBOOK), timeout=800)
    assert ran.code == 0, (ran.results("failed", "unreachable"), ran.stderr)
    assert [step["status"] for step in steps(ran, "Build").values()].count("changed") == 1
    assert overlap(ran, "Install Node.js")
    assert overlap(ran, "Make the release") or overlap(ran, "Start the release")
    builds = {json.loads(fetch(host, "/api/health"))["build"] for host in hosts}
    assert len(builds) == 1
    for host in hosts:
        assert "It runs" in fetch(host, "/")
        assert host.run(["cat", "/srv/example/current/.next/BUILD_ID"]).stdout in builds

    again = provision(tmp_path, "apply", "-i", str(listed), str(PLAYBOOK))
    assert again.code == 0
    assert {host: counts["changed"] for host, counts in again.end()["hosts"].items()} == {h.name: 0 for h in hosts}
