"""What somebody does in the console of EC2, through its own API, is drift of the resource that it was done to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from provisioner.history.db import FILE, connect
from provisioner.history.queries import runs
from provisioner.testing.aws import Aws
from tests.cloud import mortal

REGION = "eu-central-1"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me"


@dataclass(frozen=True)
class Site:
    """One machine with a firewall at moto's server, made by an apply. client: boto3, as another program has it."""

    folder: Path
    client: Any

    def provision(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PROVISION_STATE_DIR": str(self.folder / "state"), "PROVISION_HISTORY": "on",
                       "HOME": str(self.folder), mortal.DIES_AT: "0", mortal.STEPS: str(self.folder / "steps"),
                       "PYTHONPATH": str(Path(__file__).parents[2])}  # fmt: skip
        return subprocess.run([sys.executable, mortal.__file__, *words], cwd=self.folder, env=environment, text=True,
                              capture_output=True, timeout=240, check=False, stdin=subprocess.DEVNULL)  # fmt: skip

    def drift(self) -> tuple[int, list[tuple[str, str, str]]]:
        """The exit code; of each finding the resource, its kind, and what it is now."""
        ran = self.provision("drift", "site.yml", "--json")
        told = json.loads(ran.stdout)
        return told["exit_code"], [(each["host"], each["kind"], each["diff"]["before"]) for each in told["findings"]]

    @property
    def instance(self) -> dict[str, Any]:
        (found,) = (each for reservation in self.client.describe_instances()["Reservations"]
                    for each in reservation["Instances"])  # fmt: skip
        return dict(found)

    @property
    def group(self) -> str:
        (found,) = (each["GroupId"] for each in self.client.describe_security_groups()["SecurityGroups"]
                    if each["GroupName"] != "default")  # fmt: skip
        return str(found)


@pytest.fixture
def site(aws: Aws, tmp_path: Path) -> Site:
    machine = {"name": "web", "provider": "ec2", "region": REGION, "endpoint": aws.url, "size": "t3.small", "disk": 20,
               "ssh_keys": [KEY], "firewall": {"allow": [{"port": 22}, {"port": 443}]}}  # fmt: skip
    here = {"name": "Here", "hosts": "localhost", "connection": "local", "gather_facts": False,
            "tasks": [{"ping": None}]}  # fmt: skip
    (tmp_path / "site.yml").write_text(json.dumps([{"site": "shop", "machines": [machine]}, here]))
    made = Site(tmp_path, aws.client("ec2"))
    applied = made.provision("apply", "-y", "site.yml")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    # Its clock went ahead where it did not sleep; a check that began before the apply had ended would tell nothing.
    with closing(connect(tmp_path / "state" / FILE)) as db:
        (apply,) = runs(db)
    time.sleep(max((apply.ended or 0.0) - time.time(), 0.0))
    assert made.drift() == (0, [])
    return made


def state_of(site: Site) -> tuple[str, str, int]:
    rules = site.client.describe_security_groups(GroupIds=[site.group])["SecurityGroups"][0]["IpPermissions"]
    return site.instance["InstanceType"], site.instance["State"]["Name"], len(rules)


def test_what_was_done_in_the_console_has_drifted_and_is_left_alone(site: Site) -> None:
    name = site.instance["InstanceId"]
    site.client.stop_instances(InstanceIds=[name])
    code, (found,) = site.drift()
    assert (code, found[:2]) == (2, ("machine web", "drifted")), found
    site.client.modify_instance_attribute(InstanceId=name, InstanceType={"Value": "t3.large"})
    site.client.authorize_security_group_ingress(
        GroupId=site.group, IpProtocol="tcp", FromPort=3389, ToPort=3389, CidrIp="0.0.0.0/0")  # fmt: skip
    before = state_of(site)
    code, both = site.drift()
    told = {resource: (kind, now) for resource, kind, now in both}
    assert (code, {resource: kind for resource, (kind, _) in told.items()}) == (
        2, {"machine web": "drifted", "firewall web": "drifted"})  # fmt: skip
    assert "t3.large" in told["machine web"][1]
    assert "3389" in told["firewall web"][1]
    assert state_of(site) == before
    assert before[:2] == ("t3.large", "stopped")
