"""Names at Route 53 and the marks beside them."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.cloud.errors import Refused
from provisioner.cloud.model import Found, Place, Ref
from provisioner.cloud.providers.ec2 import Ec2
from provisioner.cloud.providers.ec2.records import address_of, full_name
from provisioner.testing.aws import Aws
from tests.cloud.providers.beds import Bed
from tests.cloud.providers.conftest import QUICK

HERE = Place("ec2", "eu-central-1")


@pytest.mark.parametrize(("name", "full"), [
    ("www", "www.example.com."), ("www.example.com", "www.example.com."), ("www.example.com.", "www.example.com."),
    ("@", "example.com."), ("example.com", "example.com."), ("notexample.com", "notexample.com.example.com."),
])
def test_a_name_is_completed_with_its_zone(name: str, full: str) -> None:
    assert full_name(name, "example.com") == full_name(name, "example.com.") == full


def test_a_machine_is_reached_at_its_elastic_ip_if_it_has_one() -> None:
    machine = Found(Ref("machine", "web-1"), HERE, "i-1", {}, address="198.18.0.1")
    fixed = Found(Ref("address", "web-1"), HERE, "eipalloc-1", {"machine": "web-1"}, address="198.18.0.9")
    assert address_of("web-1", {machine.ref: machine}) == "198.18.0.1"
    assert address_of("web-1", {machine.ref: machine, fixed.ref: fixed}) == "198.18.0.9"
    with pytest.raises(Refused, match="web-2 has no public address"):
        address_of("web-2", {machine.ref: machine})


@pytest.mark.parametrize("name", ["example.com", "www.example.com", "a.b.example.com"])
def test_names_of_any_depth_are_found_again_among_others(aws: Aws, ec2_bed: Bed, name: str) -> None:
    for other in ("aaa.example.com.", "zzz.example.com.", "x._dmarc.example.com."):
        _put(aws, other, "TXT", '"somebody else\'s"')
    made = ec2_bed.make(ec2_bed.wanted("record", name))
    assert ec2_bed.one(made.ref).fields["machines"] == ["web-1"]
    ec2_bed.provider.delete(made)
    assert not [each for each in _records(aws) if "provision" in each[0] or each[1] == "A"]


def test_a_record_of_somebody_else_is_not_overwritten(aws: Aws, ec2_bed: Bed) -> None:
    _put(aws, "www.example.com.", "A", "192.0.2.1")
    with pytest.raises(Refused, match="that this site has not made"):
        ec2_bed.make(ec2_bed.wanted("record"))
    assert ("www.example.com.", "A", "192.0.2.1") in _records(aws)


def test_a_record_that_was_pointed_elsewhere_shows_the_address(aws: Aws, ec2_bed: Bed) -> None:
    made = ec2_bed.make(ec2_bed.wanted("record"))
    _put(aws, "www.example.com.", "A", "192.0.2.1")
    assert ec2_bed.one(made.ref).fields["machines"] == ["192.0.2.1"]


def test_a_record_belongs_to_the_region_of_its_machines(aws: Aws, ec2_bed: Bed) -> None:
    """Route 53 is the same in all regions: each record is listed by one of them."""
    made = ec2_bed.make(ec2_bed.wanted("record"))
    elsewhere = Ec2(Place("ec2", "us-east-1", endpoint=aws.url), QUICK)
    assert made.ref in {each.ref for each in ec2_bed.there()}
    assert elsewhere.found("shop") == []


@pytest.mark.parametrize(("fields", "words"), [
    ({"zone": "example.org"}, "no public hosted zone `example.org`"), ({"type": "AAAA"}, "write `type: A`"),
])
def test_what_cannot_be_is_known_before(ec2_bed: Bed, fields: dict[str, str], words: str) -> None:
    (ref, told), = ec2_bed.provider.foresee([ec2_bed.wanted("record", **fields)]).problems
    assert ref.kind == "record"
    assert words in told


def test_two_zones_of_one_name_are_not_guessed_between(aws: Aws, ec2_bed: Bed) -> None:
    aws.add_zone("example.com")
    (_, told), = ec2_bed.provider.foresee([ec2_bed.wanted("record")]).problems
    assert "2 public hosted zones `example.com`" in told


def _put(aws: Aws, name: str, kind: str, value: str) -> None:
    """As somebody else does it."""
    record = {"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]}
    route53 = aws.client("route53")
    route53.change_resource_record_sets(HostedZoneId=_zone(route53), ChangeBatch={
        "Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]})


def _records(aws: Aws) -> set[tuple[str, str, str]]:
    """Name, type and value of all there are."""
    route53 = aws.client("route53")
    records = route53.list_resource_record_sets(HostedZoneId=_zone(route53))["ResourceRecordSets"]
    return {(each["Name"], each["Type"], value["Value"]) for each in records for value in each["ResourceRecords"]}


def _zone(route53: Any) -> str:
    return str(route53.list_hosted_zones()["HostedZones"][0]["Id"])
