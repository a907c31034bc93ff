"""Keys and security groups by tasks, with moto as EC2."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.actions import ec2_key, ec2_security_group
from provisioner.testing.aws import Aws
from tests.cloud.tasks.conftest import ask

ONE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJCaTwd46RylA+hwZ2sgVJXqRGvhqCmVXv8sLAlHYQhD"
REGION = "eu-central-1"


@pytest.fixture
def place(aws: Aws) -> dict[str, Any]:
    return {"region": REGION, "endpoint_url": aws.url}


def test_a_key_comes_is_replaced_and_goes(aws: Aws, place: dict[str, Any]) -> None:
    key = {**place, "name": "me"}
    assert ask(ec2_key, check=True, **key, key_material=f"{ONE} me")["changed"]
    assert aws.client("ec2").describe_key_pairs()["KeyPairs"] == []
    made = ask(ec2_key, **key, key_material=f"{ONE} me", tags={"team": "a"})
    assert (made["changed"], made["key"]["name"], made["key"]["tags"]) == (True, "me", {"team": "a"})
    assert ask(ec2_key, **key, key_material=f"{ONE} somewhere-else")["changed"] is False
    assert ask(ec2_key, **key, tags={"team": "b"})["key"]["tags"] == {"team": "b"}
    assert ask(ec2_key, **key, key_material=OTHER, force=False)["changed"] is False
    replaced = ask(ec2_key, **key, key_material=OTHER)
    assert (replaced["changed"], replaced["key"]["tags"]) == (True, {"team": "b"})
    assert replaced["key"]["id"] != made["key"]["id"]
    assert ask(ec2_key, **key, state="absent")["changed"]
    assert ask(ec2_key, **key, state="absent")["changed"] is False
    assert "public key" in ask(ec2_key, **key)["hint"]


RULES = [{"proto": "tcp", "ports": [80, "8000-8100"], "cidr_ip": "0.0.0.0/0"},
         {"proto": "tcp", "from_port": 22, "to_port": 22, "cidr_ip": ["203.0.113.0/24"], "cidr_ipv6": "2001:db8::/32"},
         {"proto": "all", "group_name": "web"}]


def test_a_group_comes_is_changed_and_goes(aws: Aws, place: dict[str, Any]) -> None:
    group = {**place, "name": "web", "description": "the web"}
    foreseen = ask(ec2_security_group, check=True, **group, rules=RULES[:2])
    assert foreseen["changed"]
    made = ask(ec2_security_group, **group, rules=RULES, tags={"team": "a"})
    assert (made["changed"], made["group_name"], made["tags"]) == (True, "web", {"team": "a"})
    assert sorted(each.get("from_port", -1) for each in made["ip_permissions"]) == [-1, 22, 80, 8000]
    assert ask(ec2_security_group, **group, rules=RULES)["changed"] is False
    assert ask(ec2_security_group, **group)["changed"] is False
    fewer = ask(ec2_security_group, check=True, **group, rules=RULES[:1])
    assert (fewer["changed"], len(fewer["ip_permissions"])) == (True, 4)
    assert ask(ec2_security_group, **group, rules=RULES[:1], purge_rules=False)["changed"] is False
    assert len(ask(ec2_security_group, **group, rules=RULES[:1])["ip_permissions"]) == 2
    closed = ask(ec2_security_group, **group, rules_egress=[{"proto": "tcp", "ports": [443], "cidr_ip": "0.0.0.0/0"}])
    assert [each["from_port"] for each in closed["ip_permissions_egress"]] == [443]
    by_id = {**place, "group_id": made["group_id"], "state": "absent"}
    assert ask(ec2_security_group, **by_id)["changed"]
    assert ask(ec2_security_group, **by_id)["changed"] is False


def test_a_rule_for_nobody_or_an_unknown_group_is_refused(aws: Aws, place: dict[str, Any]) -> None:
    group = {**place, "name": "web", "description": "the web"}
    assert "whom it is for" in ask(ec2_security_group, **group, rules=[{"proto": "tcp", "ports": [80]}])["msg"]
    unknown = ask(ec2_security_group, **group, rules=[{"proto": "tcp", "ports": [80], "group_name": "lost"}])
    assert "no security group `lost`" in unknown["msg"]
    assert "is no port" in ask(ec2_security_group, **group, rules=[{"ports": ["http"], "cidr_ip": "::/0"}])["msg"]
