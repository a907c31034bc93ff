"""The stand-in for AWS refuses what EC2 refuses, and breaks as a test says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from provisioner.testing.aws import Aws, Fault

IMAGE = "ami-debian12amd6420260901"
MACHINE = {"ImageId": IMAGE, "InstanceType": "t3.small", "MinCount": 1, "MaxCount": 1}


@pytest.fixture(scope="module")
def server() -> Iterator[Aws]:
    with Aws() as aws:
        yield aws


@pytest.fixture
def aws(server: Aws) -> Aws:
    server.reset()
    return server


@pytest.fixture
def ec2(aws: Aws) -> Any:
    """A client that tries once."""
    return aws.client("ec2", config=Config(retries={"total_max_attempts": 1}))


def test_a_token_gives_the_same_machine_again(aws: Aws, ec2: Any) -> None:
    first, second = (_run(ec2, ClientToken="a") for _ in range(2))
    other = _run(ec2, ClientToken="b")
    assert (first == second, first == other) == (True, False)
    assert _refusal(ec2.run_instances, **MACHINE | {"InstanceType": "t3.large"}, ClientToken="a") == (
        "IdempotentParameterMismatch")


def test_tokens_can_be_switched_off(aws: Aws, ec2: Any) -> None:
    aws.tokens.enabled = False
    assert _run(ec2, ClientToken="a") != _run(ec2, ClientToken="a")


def test_a_fault_meets_the_calls_it_is_for_and_no_others(aws: Aws, ec2: Any) -> None:
    aws.faults.add(Fault("DescribeVpcs", code="Throttling", status=503, after=1, times=2))
    told = [_refusal(ec2.describe_vpcs) for _ in range(4)]
    assert told == ["", "Throttling", "Throttling", ""]
    assert _refusal(ec2.describe_subnets) == ""
    assert aws.faults.calls == ("ec2:DescribeVpcs",) * 4 + ("ec2:DescribeSubnets",)


def test_a_lost_answer_is_a_connection_that_dies_after_the_work(aws: Aws, ec2: Any) -> None:
    aws.faults.add(Fault("RunInstances", "lose"))
    with pytest.raises(ConnectionClosedError):
        _run(ec2)
    assert len(ec2.describe_instances()["Reservations"]) == 1


def test_a_delay_is_one(aws: Aws, ec2: Any) -> None:
    aws.faults.add(Fault("DescribeVpcs", "delay", seconds=0.3))
    began = time.monotonic()
    ec2.describe_vpcs()
    assert time.monotonic() - began >= 0.3


def test_a_type_is_changed_only_while_stopped(ec2: Any) -> None:
    machine = _run(ec2)
    change = {"InstanceId": machine, "InstanceType": {"Value": "t3.large"}}
    assert _refusal(ec2.modify_instance_attribute, **change) == "IncorrectInstanceState"
    ec2.stop_instances(InstanceIds=[machine])
    assert _refusal(ec2.modify_instance_attribute, **change) == ""


def test_a_group_is_deleted_only_when_nothing_uses_it(ec2: Any) -> None:
    group = ec2.create_security_group(GroupName="web", Description="x")["GroupId"]
    machine = _run(ec2, SecurityGroupIds=[group])
    assert _refusal(ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    ec2.terminate_instances(InstanceIds=[machine])
    assert _refusal(ec2.delete_security_group, GroupId=group) == ""


def test_user_data_has_a_limit(ec2: Any) -> None:
    assert _refusal(ec2.run_instances, **MACHINE, UserData="x" * 16385) == "InvalidParameterValue"
    assert _refusal(ec2.run_instances, **MACHINE, UserData="x" * 16384) == ""


def test_a_group_and_a_subnet_belong_to_one_network(ec2: Any) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="web", Description="x", VpcId=vpc)["GroupId"]
    assert _refusal(ec2.run_instances, **MACHINE, SecurityGroupIds=[group]) == "InvalidParameter"


def test_volumes_neither_shrink_nor_leave_their_zone(ec2: Any) -> None:
    machine = _run(ec2)
    volume = ec2.create_volume(AvailabilityZone="eu-central-1c", Size=10)["VolumeId"]
    attach = {"VolumeId": volume, "InstanceId": machine, "Device": "/dev/sdf"}
    assert _refusal(ec2.attach_volume, **attach) == "InvalidVolume.ZoneMismatch"
    assert _refusal(ec2.modify_volume, VolumeId=volume, Size=9) == "InvalidParameterValue"


def test_an_address_in_use_is_not_released(ec2: Any) -> None:
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.associate_address(AllocationId=address, InstanceId=_run(ec2))
    assert _refusal(ec2.release_address, AllocationId=address) == "InvalidIPAddress.InUse"


def test_machines_get_the_addresses_and_the_console_that_the_test_says(aws: Aws, ec2: Any) -> None:
    aws.addresses = iter(["192.0.2.7", "192.0.2.8"]).__next__
    aws.console = lambda instance: f"this is {instance}"
    machine = _run(ec2)
    told = ec2.describe_instances(InstanceIds=[machine])["Reservations"][0]["Instances"][0]
    assert told["PublicIpAddress"] == "192.0.2.7"
    assert ec2.get_console_output(InstanceId=machine)["Output"] == f"this is {machine}"


def test_what_asks_for_protection_has_it(ec2: Any) -> None:
    machine = _run(ec2, DisableApiTermination=True)
    assert _refusal(ec2.terminate_instances, InstanceIds=[machine]) == "OperationNotPermitted"


def _run(ec2: Any, **more: Any) -> str:
    return str(ec2.run_instances(**MACHINE, **more)["Instances"][0]["InstanceId"])


def _refusal(call: Any, **arguments: Any) -> str:
    """The code of the error; "" if there is none."""
    try:
        call(**arguments)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""
