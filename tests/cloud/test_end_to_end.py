"""From a playbook to two machines with an app and back to nothing, at clouds that hand out real booted hosts."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from provisioner.testing.aws import Aws
from provisioner.testing.bridge import Bridge, instances_of

PLAYBOOK = Path(__file__).parents[2] / "playbooks" / "cloud-site.yml"
REGION = "eu-central-1"


@dataclass
class Person:
    """Somebody with a terminal, a key, and the credentials of a cloud."""

    home: Path
    variables: dict[str, str]
    environment: dict[str, str] = field(default_factory=dict)

    def provision(self, *words: str, code: int = 0, **more: str) -> str:
        values = {**self.variables, "public_key": str(self.home / "key.pub"), **more}
        extra = [part for name, value in values.items() for part in ("-e", f"{name}={value}")]
        key = ("--private-key", str(self.home / "key"))
        done = subprocess.run(
            [sys.executable, "-m", "provisioner", *words, str(PLAYBOOK), *key, *extra],
            cwd=self.home, capture_output=True, text=True, timeout=900, check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(self.home), "PROVISION_STATE_DIR": str(self.home / "state"),
                 "PYTHONPATH": str(PLAYBOOK.parents[1]), **self.environment})
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture
def person(tmp_path: Path) -> Person:
    home = tmp_path / "home"
    home.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / "key")], check=True)
    return Person(home, {})


@pytest.fixture
def bridge(needs_lab: None, aws: Aws, tmp_path: Path) -> Iterator[Bridge]:
    with Bridge(tmp_path / "machines", lambda: instances_of(aws, REGION)) as bridge:
        aws.addresses, aws.console = bridge.next_address, bridge.console
        yield bridge


def page(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/", timeout=20) as answer:
        return str(answer.read().decode())


@pytest.mark.timeout(1800)
def test_ec2_from_nothing_to_a_site_and_back(person: Person, aws: Aws, bridge: Bridge) -> None:
    person.variables = {"provider": "ec2", "region": REGION, "size": "t3.small", "endpoint": aws.url}
    planned = person.provision("plan")
    assert "  + machine web-1" in planned
    assert "not created yet, so their tasks can't be looked at: web-1, web-2" in planned
    assert instances_of(aws, REGION) == []

    applied = person.provision("apply", "-y")
    assert "verified: [machine web-2]" in applied
    there = [each for each in instances_of(aws, REGION) if each.state == "on"]
    assert len(there) == 2
    for each in there:
        assert each.meta["http_tokens"] == "required"
        assert "Hello" in page(each.address)

    assert "No changes" in person.provision("plan", "--detailed-exitcode")

    resized = person.provision("plan", "--detailed-exitcode", code=2, size="t3.medium")
    assert "t3.small -> t3.medium   (stops the machine for it)" in resized
    person.provision("apply", "-y", size="t3.medium")
    bridge.settle()
    after = [each for each in instances_of(aws, REGION) if each.state == "on"]
    assert {each.id for each in after} == {each.id for each in there}
    assert {each.meta["type"] for each in after} == {"t3.medium"}
    person.provision("plan", "--detailed-exitcode", size="t3.medium")
    for each in after:
        assert "Hello" in page(each.address)

    person.provision("destroy", "-y", size="t3.medium")
    assert {each.state for each in instances_of(aws, REGION)} <= {"gone"}
    bridge.settle()
    assert bridge.running() == []
    backend = aws.backend(REGION)
    assert [group.name for group in backend.describe_security_groups() if group.name != "default"] == []
