"""Security groups at the stand-in, also those that somebody else has changed."""

from __future__ import annotations

import pytest

from provisioner.cloud.errors import Refused
from provisioner.testing.aws import Aws, Fault
from tests.cloud.providers.beds import Bed
from tests.cloud.providers.conftest import FEWER_RULES, RULES


def test_what_somebody_else_let_in_is_seen_and_taken_away(aws: Aws, ec2_bed: Bed) -> None:
    found = ec2_bed.make(ec2_bed.wanted("firewall"))
    aws.client("ec2").authorize_security_group_ingress(GroupId=found.id, IpPermissions=[
        {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "192.0.2.0/24"}]},
        {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "UserIdGroupPairs": [{"GroupId": found.id}]},
    ])
    seen = ec2_bed.one(found.ref).fields["rules"]
    assert {source for rule in seen if rule not in RULES for source in rule["sources"]} == {"192.0.2.0/24", found.id}
    ec2_bed.provider.update(found, ec2_bed.wanted("firewall"), ["rules"], ec2_bed.known)
    assert ec2_bed.one(found.ref).fields["rules"] == RULES


def test_what_is_to_come_is_let_in_before_the_rest_is_shut_out(aws: Aws, ec2_bed: Bed) -> None:
    found = ec2_bed.make(ec2_bed.wanted("firewall"))
    aws.faults.clear()
    ec2_bed.provider.update(found, ec2_bed.wanted("firewall", rules=FEWER_RULES), ["rules"], ec2_bed.known)
    changes = [call for call in aws.faults.calls if "Describe" not in call]
    assert changes == ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"]


def test_a_lost_answer_of_a_change_is_no_error(aws: Aws, ec2_bed: Bed) -> None:
    found = ec2_bed.make(ec2_bed.wanted("firewall"))
    aws.faults.add(Fault("AuthorizeSecurityGroupIngress", "lose"), Fault("RevokeSecurityGroupIngress", "lose"))
    after = ec2_bed.wanted("firewall", rules=FEWER_RULES)
    assert ec2_bed.provider.update(found, after, ["rules"], ec2_bed.known).fields["rules"] == FEWER_RULES


def test_one_that_was_interrupted_shows_what_is_missing(aws: Aws, ec2_bed: Bed) -> None:
    wanted = ec2_bed.wanted("firewall")
    ec2_bed.make(ec2_bed.wanted("network"))
    aws.faults.add(Fault("AuthorizeSecurityGroupIngress", code="Blocked", status=400))
    with pytest.raises(Exception, match="Blocked"):
        ec2_bed.provider.create(ec2_bed.order(wanted))
    found = ec2_bed.one(wanted.ref)
    assert found.fields["rules"] == []
    assert ec2_bed.provider.update(found, wanted, ["rules"], ec2_bed.known).fields["rules"] == RULES


def test_a_group_of_the_same_name_that_is_not_ours_is_left_alone(aws: Aws, ec2_bed: Bed) -> None:
    vpc = ec2_bed.make(ec2_bed.wanted("network")).id
    theirs = aws.client("ec2").create_security_group(GroupName="shop-web", Description="theirs", VpcId=vpc)["GroupId"]
    with pytest.raises(Refused, match="a security group `shop-web` already"):
        ec2_bed.make(ec2_bed.wanted("firewall"))
    group, = aws.client("ec2").describe_security_groups(GroupIds=[theirs])["SecurityGroups"]
    assert group["IpPermissions"] == []


def test_a_delete_waits_until_the_last_machine_has_left_it(aws: Aws, ec2_bed: Bed) -> None:
    found = ec2_bed.make(ec2_bed.wanted("firewall"))
    aws.faults.add(Fault("DeleteSecurityGroup", code="DependencyViolation", status=400, times=3))
    ec2_bed.provider.delete(found)
    assert aws.faults.count("ec2:DeleteSecurityGroup") == 4
    assert found.ref not in {each.ref for each in ec2_bed.there()}


def test_without_a_network_it_is_in_the_default_vpc(aws: Aws, ec2_bed: Bed) -> None:
    wanted = ec2_bed.wanted("firewall")
    alone = type(wanted)(wanted.ref, wanted.place, wanted.fields)
    made = ec2_bed.make(alone)
    default, = aws.client("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    assert made.more["vpc"] == default["VpcId"]
