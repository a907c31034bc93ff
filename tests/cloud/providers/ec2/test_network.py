"""Networks at the stand-in, also those whose making was interrupted."""

from __future__ import annotations

import pytest

from provisioner.cloud.errors import CloudError, Refused
from provisioner.cloud.model import Ref
from provisioner.cloud.providers.ec2.network import parts, problem
from provisioner.testing.aws import Aws, Fault
from tests.cloud.providers.beds import Bed


@pytest.mark.parametrize(("cidr", "first", "count"), [
    ("10.7.0.0/16", "10.7.0.0/19", 8), ("10.7.0.0/25", "10.7.0.0/28", 8), ("10.7.0.0/26", "10.7.0.0/26", 1),
])
def test_a_network_is_cut_in_a_part_for_each_zone(cidr: str, first: str, count: int) -> None:
    assert parts(cidr)[0] == first
    assert len(parts(cidr)) == count


@pytest.mark.parametrize(("cidr", "words"), [
    ("10.7.0.0/16", ""), ("10.7.0.0/28", ""), ("10.0.0.0/8", "between /16 and /28, not /8"),
    ("10.7.0.0/29", "not /29"), ("10.7.0.1/16", "host bits"), ("fd00::/56", "`cidr`"), ("main", "`cidr`"),
])
def test_addresses_that_amazon_would_not_take_are_known_before(cidr: str, words: str) -> None:
    assert words in problem(cidr)
    assert bool(problem(cidr)) == bool(words)


def test_a_network_has_a_public_subnet_in_each_zone_and_a_way_out(aws: Aws, ec2_bed: Bed) -> None:
    vpc = ec2_bed.make(ec2_bed.wanted("network")).id
    ec2 = aws.client("ec2")
    mine = [{"Name": "vpc-id", "Values": [vpc]}]
    subnets = ec2.describe_subnets(Filters=mine)["Subnets"]
    assert {each["AvailabilityZone"] for each in subnets} == {f"eu-central-1{letter}" for letter in "abc"}
    assert all(each["MapPublicIpOnLaunch"] for each in subnets)
    table, = ec2.describe_route_tables(Filters=mine)["RouteTables"]
    way, = [route for route in table["Routes"] if route["DestinationCidrBlock"] == "0.0.0.0/0"]
    assert way["GatewayId"].startswith("igw-")
    for each in (*subnets, *ec2.describe_internet_gateways(
            Filters=[{"Name": "attachment.vpc-id", "Values": [vpc]}])["InternetGateways"]):
        assert {"Key": "provision:site", "Value": "shop"} in each["Tags"]


@pytest.mark.parametrize("action", ["CreateInternetGateway", "AttachInternetGateway", "CreateRoute", "CreateSubnet",
                                    "ModifySubnetAttribute"])
@pytest.mark.parametrize("after", [0, 1])
def test_what_was_interrupted_is_finished_by_the_machine_that_needs_it(aws: Aws, ec2_bed: Bed, action: str,
                                                                       after: int) -> None:
    wanted = ec2_bed.wanted("network")
    aws.faults.add(Fault(action, code="Blocked", status=400, after=after))
    try:
        ec2_bed.provider.create(ec2_bed.order(wanted))
    except CloudError:
        interrupted = True
    else:
        interrupted = False
    assert interrupted == (after == 0 or action in ("CreateSubnet", "ModifySubnetAttribute"))
    aws.faults.clear()
    ec2_bed.known[wanted.ref] = ec2_bed.one(wanted.ref)  # the next run lists it, and finds it as it should be
    machine = ec2_bed.make(ec2_bed.wanted("machine"))
    assert machine.address
    ec2 = aws.client("ec2")
    vpc = [{"Name": "vpc-id", "Values": [ec2_bed.known[wanted.ref].id]}]
    assert len(ec2.describe_subnets(Filters=vpc)["Subnets"]) == 3
    assert len(ec2.describe_internet_gateways()["InternetGateways"]) == 1
    ec2_bed.provider.delete(machine)
    ec2_bed.provider.delete(ec2_bed.known[Ref("firewall", "web")])
    ec2_bed.provider.delete(ec2_bed.known[wanted.ref])
    assert ec2.describe_internet_gateways()["InternetGateways"] == []
    assert ec2_bed.there() == []


@pytest.mark.parametrize("interrupted", ["AttachInternetGateway", "DeleteInternetGateway"])
def test_a_gateway_that_is_attached_to_nothing_is_deleted_with_its_network(aws: Aws, ec2_bed: Bed,
                                                                           interrupted: str) -> None:
    wanted = ec2_bed.wanted("network")
    aws.faults.add(Fault(interrupted, code="Blocked", status=400))
    with pytest.raises(CloudError):
        ec2_bed.provider.delete(ec2_bed.make(wanted))
    ec2 = aws.client("ec2")
    assert [each["Attachments"] for each in ec2.describe_internet_gateways()["InternetGateways"]] == [[]]
    ec2_bed.provider.delete(ec2_bed.one(wanted.ref))
    assert ec2.describe_internet_gateways()["InternetGateways"] == []


def test_a_zone_without_a_subnet_is_named(ec2_bed: Bed) -> None:
    with pytest.raises(Refused, match="no subnet in eu-central-1z") as caught:
        ec2_bed.make(ec2_bed.wanted("machine", zone="eu-central-1z"))
    assert "eu-central-1a, eu-central-1b, eu-central-1c" in caught.value.hint


def test_a_firewall_of_another_network_is_named(ec2_bed: Bed) -> None:
    ec2_bed.make(ec2_bed.wanted("firewall"))
    ec2_bed.make(ec2_bed.wanted("network", "other", cidr="10.8.0.0/16"))
    with pytest.raises(Refused, match="firewall web belongs to another network than machine web-1"):
        ec2_bed.make(ec2_bed.wanted("machine", network="other"))
