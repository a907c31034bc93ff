"""Machines at the stand-in: how they are made, and in which order they are changed."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from provisioner.cloud.errors import Gone, NoCapacity, Refused
from provisioner.cloud.model import Ref
from provisioner.testing.aws import Aws, Fault
from tests.cloud.providers.beds import Bed


def test_a_machine_is_closed_encrypted_and_tagged_in_the_call_that_makes_it(aws: Aws, ec2_bed: Bed) -> None:
    made = ec2_bed.make(ec2_bed.wanted("machine"))
    instance = _instance(aws, made.id)
    assert instance["MetadataOptions"] == {
        **instance["MetadataOptions"], "HttpTokens": "required", "HttpPutResponseHopLimit": 1,
        "HttpEndpoint": "enabled", "InstanceMetadataTags": "disabled",
    }
    assert not instance.get("KeyName")
    root, = aws.client("ec2").describe_volumes()["Volumes"]
    assert (root["Encrypted"], root["VolumeType"], root["Size"]) == (True, "gp3", 20)
    assert instance["BlockDeviceMappings"][0]["Ebs"]["DeleteOnTermination"]
    assert {tag["Key"] for tag in root["Tags"]} == {"Name", "provision:site", "provision:part-of", "provision:token"}
    assert not [call for call in aws.faults.calls if call == "ec2:CreateTags"]


def test_user_data_arrives_as_it_was_given(aws: Aws, ec2_bed: Bed) -> None:
    made = ec2_bed.make(ec2_bed.wanted("machine"))
    told = aws.client("ec2").describe_instance_attribute(InstanceId=made.id, Attribute="userData")["UserData"]["Value"]
    assert base64.b64decode(told).decode() == "#cloud-config\n{}\n"


def test_what_does_not_fit_into_user_data_is_refused(ec2_bed: Bed) -> None:
    ec2_bed.make(ec2_bed.wanted("firewall"))
    order = ec2_bed.order(ec2_bed.wanted("machine"))
    fits = "x" * ec2_bed.provider.user_data_limit
    assert ec2_bed.provider.create(replace(order, user_data=fits)).id
    with pytest.raises(Refused, match="User data is limited to 16384 bytes"):
        ec2_bed.provider.create(replace(order, user_data=fits + "x", token="another"))


def test_a_machine_without_a_network_is_in_the_default_vpc(ec2_bed: Bed) -> None:
    alone = ec2_bed.wanted("machine", network=None, zone=None, firewall=None)
    made = ec2_bed.make(replace(alone, needs=()))
    assert made.address
    assert made.fields["network"] is None
    assert made.fields["zone"].startswith("eu-central-1")


def test_a_size_is_changed_between_stop_and_start(aws: Aws, ec2_bed: Bed) -> None:
    found = ec2_bed.make(ec2_bed.wanted("machine"))
    changed = ec2_bed.provider.update(found, ec2_bed.wanted("machine", size="t3.large"), ["size"], ec2_bed.known)
    assert (changed.fields["size"], changed.status) == ("t3.large", "running")
    acts = ("ec2:StopInstances", "ec2:ModifyInstanceAttribute", "ec2:StartInstances")
    assert tuple(call for call in aws.faults.calls if call in acts) == acts


def test_a_size_of_a_machine_that_is_to_stay_stopped_is_changed_without_a_start(aws: Aws, ec2_bed: Bed) -> None:
    found = ec2_bed.make(ec2_bed.wanted("machine"))
    after = ec2_bed.wanted("machine", size="t3.large", running=False)
    changed = ec2_bed.provider.update(found, after, ["size", "running"], ec2_bed.known)
    assert (changed.fields["size"], changed.status) == ("t3.large", "stopped")
    assert aws.faults.count("ec2:StartInstances") == 0


@pytest.mark.parametrize("action", ["StopInstances", "ModifyInstanceAttribute", "StartInstances"])
def test_a_change_of_size_that_was_interrupted_goes_on(aws: Aws, ec2_bed: Bed, action: str) -> None:
    found = ec2_bed.make(ec2_bed.wanted("machine"))
    after = ec2_bed.wanted("machine", size="t3.large")
    aws.faults.add(Fault(action, code="Blocked", status=400))
    with pytest.raises(Exception, match="Blocked"):
        ec2_bed.provider.update(found, after, ["size"], ec2_bed.known)
    now = ec2_bed.one(found.ref)
    differing = [name for name in ("size", "running") if now.fields[name] != after.fields[name]]
    healed = ec2_bed.provider.update(now, after, differing, ec2_bed.known)
    assert (healed.fields["size"], healed.status) == ("t3.large", "running")


def test_a_machine_that_finds_no_room_in_its_new_size_runs_again_in_the_old_one(aws: Aws, ec2_bed: Bed) -> None:
    found = ec2_bed.make(ec2_bed.wanted("machine"))
    aws.faults.add(Fault("StartInstances", code="InsufficientInstanceCapacity", status=500, times=3))
    with pytest.raises(NoCapacity, match=r"machine web-1 runs again as `t3\.small`"):
        ec2_bed.provider.update(found, ec2_bed.wanted("machine", size="t3.large"), ["size"], ec2_bed.known)
    now = ec2_bed.one(found.ref)
    assert (now.fields["size"], now.status) == ("t3.small", "running")


@pytest.mark.parametrize(("name", "value", "words"), [
    ("disk", 10, "has 20 GiB and cannot shrink to 10"),
    ("size", "t4g.small", "was made for x86_64 and `t4g.small` is arm64"),
    ("size", "t3.tiny", "no size `t3.tiny`"),
])
def test_what_cannot_be_is_refused_before_anything_is_changed(aws: Aws, ec2_bed: Bed, name: str, value: Any,
                                                              words: str) -> None:
    found = ec2_bed.make(ec2_bed.wanted("machine"))
    after = ec2_bed.wanted("machine", tags={"team": "b"}, **{name: value})
    with pytest.raises(Refused, match=words):
        ec2_bed.provider.update(found, after, ["tags", name], ec2_bed.known)
    assert ec2_bed.one(found.ref).fields == found.fields


def test_metadata_that_was_opened_is_closed_again(aws: Aws, ec2_bed: Bed) -> None:
    found = ec2_bed.make(ec2_bed.wanted("machine"))
    aws.client("ec2").modify_instance_metadata_options(InstanceId=found.id, HttpTokens="optional")
    now = ec2_bed.one(found.ref)
    assert now.fields["metadata"] == "open"
    ec2_bed.provider.update(now, ec2_bed.wanted("machine"), ["metadata"], ec2_bed.known)
    assert ec2_bed.one(found.ref).fields["metadata"] == "restricted"


def test_a_machine_gets_another_firewall_of_its_network(ec2_bed: Bed) -> None:
    found = ec2_bed.make(ec2_bed.wanted("machine"))
    ec2_bed.make(ec2_bed.wanted("firewall", "admin"))
    ec2_bed.provider.update(found, ec2_bed.wanted("machine", firewall="admin"), ["firewall"], ec2_bed.known)
    assert ec2_bed.one(found.ref).fields["firewall"] == "admin"


def test_a_protected_machine_is_not_deleted(ec2_bed: Bed) -> None:
    found = ec2_bed.make(ec2_bed.wanted("machine", protected=True))
    with pytest.raises(Refused) as caught:
        ec2_bed.provider.delete(found)
    assert "protected: false" in caught.value.hint
    free = ec2_bed.provider.update(found, ec2_bed.wanted("machine"), ["protected"], ec2_bed.known)
    ec2_bed.provider.delete(free)
    assert Ref("machine", "web-1") not in {each.ref for each in ec2_bed.there()}


def test_one_that_was_terminated_elsewhere_is_gone_with_the_reason(aws: Aws, ec2_bed: Bed) -> None:
    found = ec2_bed.make(ec2_bed.wanted("machine"))
    aws.client("ec2").terminate_instances(InstanceIds=[found.id])
    with pytest.raises(Gone, match="User initiated shutdown"):
        ec2_bed.provider.look(found)
    leaving, = [each for each in ec2_bed.provider.found("shop") if each.ref == found.ref]
    assert (leaving.status, leaving.generation) == ("leaving", 1)


def test_the_console_is_told_to_its_end(aws: Aws, ec2_bed: Bed) -> None:
    found = ec2_bed.make(ec2_bed.wanted("machine"))
    aws.console = lambda instance: f"{'x' * 100_000}\n-----BEGIN SSH HOST KEY KEYS-----\n{instance}\n"
    assert ec2_bed.provider.console(found).endswith(f"KEYS-----\n{found.id}\n")


@pytest.mark.parametrize(("tags", "groups", "words"), [
    ({"Name": "x"}, "", "`Name` is set by this program"), ({"provision:site": "x"}, "", "`provision:site` is set"),
    ({"aws:x": "y"}, "", "`aws:x` is set"), ({"long": "x" * 257}, "", "`long` does not fit"),
    ({}, "g" * 257, "`groups` does not fit"),
])
def test_tags_that_cannot_be_are_known_before(ec2_bed: Bed, tags: dict[str, str], groups: str, words: str) -> None:
    (_, told), = ec2_bed.provider.foresee([ec2_bed.wanted("machine", tags=tags, groups=groups)]).problems
    assert words in told


@pytest.mark.parametrize(("fields", "words"), [
    ({"zone": "eu-central-1z"}, "eu-central-1z has no machines of size `t3.small`"),
    ({"disk": 5}, "the image debian-12 needs 15 GiB and `disk` is 5"),
])
def test_what_does_not_go_together_is_known_before(ec2_bed: Bed, fields: dict[str, Any], words: str) -> None:
    (_, told), = ec2_bed.provider.foresee([ec2_bed.wanted("machine", **fields)]).problems
    assert words in told


def _instance(aws: Aws, identity: str) -> dict[str, Any]:
    answer: dict[str, Any] = aws.client("ec2").describe_instances(InstanceIds=[identity])
    instance: dict[str, Any] = answer["Reservations"][0]["Instances"][0]
    return instance
