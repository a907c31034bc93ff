"""Instances by tasks, with moto as EC2."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.actions import ec2_instance, ec2_security_group
from provisioner.testing.aws import Aws, Fault
from provisioner.values import HostName, Secret
from tests.cloud.tasks.conftest import Call, ask

REGION = "eu-central-1"


@pytest.fixture
def machine(aws: Aws) -> dict[str, Any]:
    return {"name": "web-1", "region": REGION, "endpoint_url": aws.url, "instance_type": "t3.small",
            "image_id": "debian-12"}


def living(aws: Aws) -> list[Any]:
    return [each for each in aws.backend(REGION).all_instances() if each.state != "terminated"]


def test_comes_once_and_goes_once(aws: Aws, machine: dict[str, Any]) -> None:
    foreseen = ask(ec2_instance, check=True, **machine)
    assert (foreseen["changed"], foreseen["instances"], living(aws)) == (True, [], [])
    made = ask(ec2_instance, **machine, tags={"role": "web"})
    assert (made["changed"], made["instance_ids"]) == (True, [living(aws)[0].id])
    instance = made["instances"][0]
    assert instance["state"]["name"] == "running"
    assert instance["tags"] == {"Name": "web-1", "role": "web"}
    assert instance["metadata_options"]["http_tokens"] == "required"
    again = ask(ec2_instance, **machine, tags={"role": "web"})
    assert (again["changed"], again["instance_ids"]) == (False, made["instance_ids"])
    doomed: dict[str, Any] = {"name": "web-1", "region": REGION, "endpoint_url": aws.url, "state": "absent"}
    assert ask(ec2_instance, check=True, **doomed)["changed"]
    assert len(living(aws)) == 1
    assert ask(ec2_instance, **doomed)["terminate_success"] == made["instance_ids"]
    assert living(aws) == []
    assert ask(ec2_instance, **doomed)["changed"] is False


def test_after_a_termination_another_one_is_made(aws: Aws, machine: dict[str, Any]) -> None:
    first = ask(ec2_instance, **machine)
    ask(ec2_instance, **machine, state="terminated")
    second = ask(ec2_instance, **machine)
    assert first["instance_ids"] != second["instance_ids"]
    assert len(living(aws)) == 1


def test_a_lost_answer_does_not_make_a_second_one(aws: Aws, machine: dict[str, Any]) -> None:
    aws.faults.add(Fault("RunInstances", "lose"))
    made = ask(ec2_instance, **machine)
    assert [each.id for each in living(aws)] == made["instance_ids"]


def test_tags_and_power_are_changed_in_place(aws: Aws, machine: dict[str, Any]) -> None:
    made = ask(ec2_instance, **machine, tags={"role": "web", "old": "1"})
    changed = ask(ec2_instance, **machine, tags={"role": "db"})
    assert changed["diff"]["after"] == {"tags": {"Name": "web-1", "role": "db"}}
    assert changed["instances"][0]["tags"] == {"Name": "web-1", "role": "db"}
    assert ask(ec2_instance, check=True, **machine, state="stopped")["changed"]
    assert living(aws)[0].state == "running"
    assert ask(ec2_instance, **machine, state="stopped")["instances"][0]["state"]["name"] == "stopped"
    assert ask(ec2_instance, **machine, state="stopped")["changed"] is False
    assert ask(ec2_instance, **machine)["changed"] is False
    assert ask(ec2_instance, **machine, state="running")["instances"][0]["state"]["name"] == "running"
    assert ask(ec2_instance, **machine)["instance_ids"] == made["instance_ids"]


def test_the_type_is_changed_only_with_a_stop_that_was_asked_for(aws: Aws, machine: dict[str, Any]) -> None:
    ask(ec2_instance, **machine)
    larger = {**machine, "instance_type": "t3.medium"}
    refused = ask(ec2_instance, **larger)
    assert refused["failed"]
    assert "state: restarted" in refused["hint"]
    changed = ask(ec2_instance, **larger, state="restarted")["instances"][0]
    assert (changed["instance_type"], changed["state"]["name"]) == ("t3.medium", "running")


def test_there_are_exactly_as_many_as_were_asked_for(aws: Aws, machine: dict[str, Any]) -> None:
    wanted = {**machine, "name": "web", "tags": {"role": "web"}, "filters": {"tag:role": "web"}}
    assert len(ask(ec2_instance, **wanted, exact_count=3)["instance_ids"]) == 3
    assert ask(ec2_instance, **wanted, exact_count=3)["changed"] is False
    assert len(ask(ec2_instance, **wanted, exact_count=1)["terminate_success"]) == 2
    assert len(living(aws)) == 1
    assert len(ask(ec2_instance, **wanted, count=2)["changed_ids"]) == 2
    assert len(living(aws)) == 3


def test_hosts_that_ask_for_the_same_get_the_same(aws: Aws, machine: dict[str, Any]) -> None:
    calls = [Call(machine, HostName(name)) for name in ("a", "b")]
    results = ec2_instance.run_batch(calls)  # type: ignore[arg-type]
    assert results[HostName("a")]["instance_ids"] == results[HostName("b")]["instance_ids"]
    assert len(living(aws)) == 1


def test_a_group_by_name_a_public_address_and_disks(aws: Aws, machine: dict[str, Any]) -> None:
    group = ask(ec2_security_group, name="web", description="web", region=REGION, endpoint_url=aws.url)
    made = ask(ec2_instance, **machine, security_group="web", network={"assign_public_ip": True},
               user_data="#!/bin/sh\n",
               volumes=[{"device_name": "/dev/xvda", "ebs": {"volume_size": 20, "encrypted": True}}],
               metadata_options={"http_put_response_hop_limit": 2})["instances"][0]
    attached = made["network_interfaces"][0]["groups"]
    assert [each["group_id"] for each in attached] == [group["group_id"]]
    assert made["public_ip_address"]
    assert made["metadata_options"]["http_put_response_hop_limit"] == 2
    assert ask(ec2_instance, **machine, security_groups=["web"])["changed"] is False


@pytest.mark.parametrize(("code", "words"), [
    ("AuthFailure", "credentials are not valid"),
    ("UnauthorizedOperation", "may not do this"),
    ("InsufficientInstanceCapacity", "no machine of this size left"),
    ("VcpuLimitExceeded", "quota of vCPUs is used up"),
])
def test_what_aws_refuses_is_told_in_words(aws: Aws, machine: dict[str, Any], code: str, words: str) -> None:
    aws.faults.add(Fault("RunInstances", code=code, status=400, times=9))
    result = ask(ec2_instance, **machine)
    assert (result["failed"], words in result["msg"], bool(result["hint"])) == (True, True, True), result
    assert living(aws) == []


def test_keys_come_from_arguments_or_the_environment_of_the_task(
        aws: Aws, machine: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    refused = ask(ec2_instance, **machine)
    assert "there are no credentials" in refused["msg"]
    assert ask(ec2_instance, **machine, access_key="me", secret_key=Secret("hush"))["changed"]
    environment = {"AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": Secret("hush"), "AWS_REGION": REGION}
    del machine["region"]
    assert ask(ec2_instance, **machine, environment=environment)["changed"] is False
    assert "belong together" in ask(ec2_instance, **machine, region=REGION, access_key="me")["msg"]


def test_a_wrong_argument_is_refused_with_a_near_name(aws: Aws, machine: dict[str, Any]) -> None:
    assert "instance_typ" in ask(ec2_instance, **machine, instance_typ="t3.large")["msg"]
    assert ec2_instance.SPEC.problems({"name": "x", "instance_typ": "y"})[0].hint == "did you mean `instance_type`?"
