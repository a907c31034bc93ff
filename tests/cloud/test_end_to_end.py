"""From a playbook to two machines with an app and back to nothing, at clouds that hand out real booted hosts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from provisioner.testing import digitalocean as do
from provisioner.testing.aws import Aws
from provisioner.testing.bridge import Bridge, Instance, instances_of
from provisioner.testing.digitalocean.booted import droplets_of

PLAYBOOK = Path(__file__).parents[2] / "playbooks" / "cloud-site.yml"
REGION = "eu-central-1"
WORDS = "A small Next.js app"


@dataclass(frozen=True)
class Cloud:
    """A stand-in with real machines. variables: of the playbook. sizes: one and a larger one. instances: what it has.
    rest: what is left of other things, for people to read."""

    variables: Mapping[str, Any]
    sizes: tuple[str, str]
    bridge: Bridge
    instances: Callable[[], Sequence[Instance]]
    rest: Callable[[], Sequence[str]]

    def on(self) -> dict[str, Instance]:
        return {each.id: each for each in self.instances() if each.state == "on"}


@dataclass(frozen=True)
class Person:
    """Somebody with a terminal, a key, and the credentials of a cloud in the environment."""

    home: Path
    cloud: Cloud

    def provision(self, *words: str, size: str, code: int = 0) -> str:
        values = {**self.cloud.variables, "public_key": str(self.home / "key.pub"), "size": size}
        done = subprocess.run(
            [sys.executable, "-m", "provisioner", *words, str(PLAYBOOK), "--private-key", str(self.home / "key"),
             "-e", json.dumps(values)],
            cwd=self.home, capture_output=True, text=True, timeout=900, check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(self.home), "PROVISION_STATE_DIR": str(self.home / "state"),
                 "PYTHONPATH": str(PLAYBOOK.parents[1])})  # fmt: skip
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture
def ec2(needs_lab: None, aws: Aws, tmp_path: Path) -> Iterator[Cloud]:
    def instances() -> list[Instance]:
        return instances_of(aws, REGION)

    def rest() -> list[str]:
        return [group.name for group in aws.backend(REGION).describe_security_groups() if group.name != "default"]

    with Bridge(tmp_path / "machines", instances) as bridge:
        aws.addresses, aws.console = bridge.next_address, bridge.console
        variables = {"provider": "ec2", "region": REGION, "endpoint": aws.url, "disk": 20}
        yield Cloud(variables, ("t3.small", "t3.medium"), bridge, instances, rest)


@pytest.fixture
def droplets(needs_lab: None, digitalocean: do.Fake, tmp_path: Path) -> Iterator[Cloud]:
    def instances() -> list[Instance]:
        return droplets_of(digitalocean)

    def rest() -> list[str]:
        world = digitalocean.world
        return [*map(str, world.firewalls), *map(str, world.keys)]

    with Bridge(tmp_path / "machines", instances) as bridge:
        digitalocean.world.addresses = bridge.next_address
        variables = {"provider": "digitalocean", "region": "fra1", "endpoint": digitalocean.url, "disk": None}
        yield Cloud(variables, ("s-1vcpu-1gb", "s-2vcpu-2gb"), bridge, instances, rest)


@pytest.fixture(params=["ec2", pytest.param("droplets", marks=pytest.mark.slow)])
def person(request: pytest.FixtureRequest, tmp_path: Path) -> Person:
    home = tmp_path / "home"
    home.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / "key")], check=True)
    return Person(home, request.getfixturevalue(request.param))


def page(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/", timeout=20) as answer:
        return str(answer.read().decode())


@pytest.mark.lab
@pytest.mark.timeout(1800)
def test_from_nothing_to_a_site_and_back(person: Person) -> None:
    cloud, (small, large) = person.cloud, person.cloud.sizes
    planned = person.provision("plan", size=small)
    assert "  + machine web-1" in planned
    assert "not created yet, so their tasks can't be looked at: web-1, web-2" in planned
    assert cloud.instances() == []

    applied = person.provision("apply", "-y", size=small)
    assert "verified: [machine web-2]" in applied
    there = cloud.on()
    assert len(there) == 2
    for each in there.values():
        assert WORDS in page(each.address)

    assert "No changes" in person.provision("plan", "--detailed-exitcode", size=small)

    resized = person.provision("plan", "--detailed-exitcode", size=large, code=2)
    assert f"{small} -> {large}   (stops the machine for it)" in resized
    person.provision("apply", "-y", size=large)
    cloud.bridge.settle(120)
    assert set(cloud.on()) == set(there)
    person.provision("plan", "--detailed-exitcode", size=large)
    for each in cloud.on().values():
        assert WORDS in page(each.address)

    person.provision("destroy", "-y", size=large)
    assert cloud.on() == {}
    cloud.bridge.settle(120)
    assert cloud.bridge.running() == []
    assert cloud.rest() == []
