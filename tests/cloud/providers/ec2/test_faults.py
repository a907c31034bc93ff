"""What goes wrong between this program and AWS: named after the table of faults, made by a stand-in over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest

from provisioner.cloud.errors import (
    CloudError,
    LimitReached,
    NoCapacity,
    NotAllowed,
    PartialListing,
    Refused,
    Unavailable,
    WrongAccount,
)
from provisioner.cloud.model import Place, Ref
from provisioner.cloud.providers.ec2 import Ec2
from provisioner.cloud.providers.ec2.api import Patience
from provisioner.testing.aws import ACCOUNT, Aws, Fault
from tests.cloud.providers.beds import Bed


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long boto3 would have waited between its tries; it does not wait."""
    waited: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=waited.append))
    return waited


def test_a1_five_refusals_for_being_too_fast_are_survived(aws: Aws, sleeps: list[float]) -> None:
    provider = Ec2(Place("ec2", "eu-central-1", endpoint=aws.url))
    aws.faults.add(Fault("DescribeInstances", code="RequestLimitExceeded", status=503, times=5))
    assert provider.found("shop") == []
    assert aws.faults.count("ec2:DescribeInstances") == 6
    assert len(sleeps) == 5
    assert len(set(sleeps)) == 5  # jitter
    assert sum(sleeps) <= 1 + 2 + 4 + 8 + 16


def test_a1_refusals_without_end_are_told_in_bounded_time(aws: Aws, sleeps: list[float]) -> None:
    provider = Ec2(Place("ec2", "eu-central-1", endpoint=aws.url))
    aws.faults.add(Fault("DescribeInstances", code="RequestLimitExceeded", status=503, times=99))
    with pytest.raises(PartialListing, match="called less often") as caught:
        provider.found("shop")
    assert "request test-request" in caught.value.message
    assert aws.faults.count("ec2:DescribeInstances") == 8
    assert sum(sleeps) <= 1 + 2 + 4 + 8 + 16 + 20 + 20


def test_a1_a_create_that_boto3_may_not_repeat_is_repeated_after_throttling(aws: Aws, ec2_bed: Bed) -> None:
    aws.faults.add(Fault("CreateVpc", code="RequestLimitExceeded", status=503, times=3))
    ec2_bed.make(ec2_bed.wanted("network"))
    assert aws.faults.count("ec2:CreateVpc") == 4
    ec2_bed.one(Ref("network", "main"))


def test_a2_an_answer_that_is_lost_after_the_machine_was_made(aws: Aws, ec2_bed: Bed) -> None:
    ec2_bed.make(ec2_bed.wanted("firewall"))
    aws.faults.add(Fault("RunInstances", "lose", after=_runs(aws) + 1))  # the first is a rehearsal
    made = ec2_bed.make(ec2_bed.wanted("machine"))
    assert _runs(aws) == 3
    assert [each.id for each in ec2_bed.there() if each.ref.kind == "machine"] == [made.id]


def test_a2_without_client_tokens_there_would_be_two(aws: Aws, ec2_bed: Bed) -> None:
    """What the test above shows is the token's doing."""
    ec2_bed.make(ec2_bed.wanted("firewall"))
    aws.tokens.enabled = False
    aws.faults.add(Fault("RunInstances", "lose", after=_runs(aws) + 1))
    ec2_bed.make(ec2_bed.wanted("machine"))
    assert len([each for each in ec2_bed.there() if each.ref.kind == "machine"]) == 2


@pytest.mark.parametrize(("kind", "action"), [("network", "CreateVpc"), ("address", "AllocateAddress")])
def test_a2_what_has_no_token_is_looked_for_before_it_is_made_again(aws: Aws, ec2_bed: Bed, kind: str,
                                                                    action: str) -> None:
    wanted = ec2_bed.wanted(kind)  # type: ignore[arg-type]
    aws.faults.add(Fault(action, "lose"))
    made = ec2_bed.make(wanted)
    assert aws.faults.count(f"ec2:{action}") == 1
    assert ec2_bed.one(wanted.ref).id == made.id


def test_a2_an_attempt_that_is_repeated_with_a_newer_image_finds_its_machine(aws: Aws, ec2_bed: Bed) -> None:
    wanted = ec2_bed.wanted("machine")
    made = ec2_bed.make(wanted, token="attempt")
    order = ec2_bed.order(wanted, token="attempt")
    again = ec2_bed.provider.create(replace(order, image="ami-debian12amd6420260105"))
    assert again.id == made.id


def test_a3_a_new_machine_that_nobody_knows_yet_is_pending(aws: Aws, ec2_bed: Bed) -> None:
    wanted = ec2_bed.wanted("machine")
    for need in wanted.needs:
        ec2_bed.make(ec2_bed.wanted(need.kind))
    made = ec2_bed.provider.create(ec2_bed.order(wanted))
    aws.faults.add(Fault("DescribeInstances", code="InvalidInstanceID.NotFound", status=400, times=3))
    assert [ec2_bed.provider.look(made).status for _ in range(4)] == ["pending"] * 3 + ["running"]


@pytest.mark.parametrize(("kind", "action", "code"), [
    ("machine", "RunInstances", "InvalidGroup.NotFound"),
    ("machine", "RunInstances", "InvalidSubnetID.NotFound"),
    ("firewall", "AuthorizeSecurityGroupIngress", "InvalidGroup.NotFound"),
    ("firewall", "CreateSecurityGroup", "InvalidVpcID.NotFound"),
    ("network", "CreateSubnet", "InvalidVpcID.NotFound"),
    ("volume", "AttachVolume", "InvalidVolume.NotFound"),
    ("volume", "AttachVolume", "IncorrectState"),
    ("address", "AssociateAddress", "InvalidInstanceID.NotFound"),
    ("address", "AssociateAddress", "IncorrectInstanceState"),
])
def test_a3_what_was_just_made_may_be_unknown_to_other_calls(aws: Aws, ec2_bed: Bed, kind: str, action: str,
                                                             code: str) -> None:
    wanted = ec2_bed.wanted(kind)  # type: ignore[arg-type]
    for need in wanted.needs:
        ec2_bed.make(ec2_bed.wanted(need.kind))
    order = ec2_bed.order(wanted)
    before = aws.faults.count(f"ec2:{action}")
    aws.faults.add(Fault(action, code=code, status=400, times=4))
    ec2_bed.ready(ec2_bed.provider.create(order))
    assert aws.faults.count(f"ec2:{action}") >= before + 5
    assert ec2_bed.one(wanted.ref).fields == {**ec2_bed.one(wanted.ref).fields, **wanted.fields}


def test_a4_three_of_five_are_kept_and_the_next_run_makes_the_rest(aws: Aws, ec2_bed: Bed) -> None:
    wanted = [ec2_bed.wanted("machine", f"web-{number}") for number in range(1, 6)]
    for need in wanted[0].needs:
        ec2_bed.make(ec2_bed.wanted(need.kind))
    orders = [ec2_bed.order(each) for each in wanted]
    aws.faults.add(Fault("RunInstances", code="VcpuLimitExceeded", status=400, after=3, times=2))
    failed = []
    for order in orders:
        try:
            ec2_bed.provider.create(order)
        except LimitReached as error:
            failed.append((order, error))
    assert [order.wanted.ref.name for order, _ in failed] == ["web-4", "web-5"]
    assert "Service Quotas" in failed[0][1].hint
    for order in orders:
        ec2_bed.provider.create(order)
    assert sorted(each.ref.name for each in ec2_bed.there() if each.ref.kind == "machine") == [
        "web-1", "web-2", "web-3", "web-4", "web-5"]


@pytest.mark.parametrize(("code", "status", "error", "words"), [
    ("InsufficientInstanceCapacity", 500, NoCapacity, "another `zone`"),
    ("VcpuLimitExceeded", 400, LimitReached, "Service Quotas"),
    ("InstanceLimitExceeded", 400, LimitReached, "Service Quotas"),
    ("InvalidAMIID.NotFound", 400, Refused, "another id in each region"),
    ("UnauthorizedOperation", 403, NotAllowed, "ec2:RunInstances"),
    ("PendingVerification", 400, NotAllowed, "four hours"),
    ("InternalError", 500, Unavailable, "health.aws.amazon.com"),
])
def test_a7_what_amazon_refuses_says_what_to_do(aws: Aws, ec2_bed: Bed, code: str, status: int,
                                                error: type[CloudError], words: str) -> None:
    wanted = ec2_bed.wanted("machine")
    for need in wanted.needs:
        ec2_bed.make(ec2_bed.wanted(need.kind))
    order = ec2_bed.order(wanted)
    aws.faults.add(Fault("RunInstances", code=code, status=status, times=9))
    with pytest.raises(error) as caught:
        ec2_bed.provider.create(order)
    assert words in caught.value.hint
    assert f"{code}, request test-request" in caught.value.message
    assert "machine" not in {each.ref.kind for each in ec2_bed.there()}


def test_a8_expired_credentials_are_told_before_anything_is_changed(aws: Aws, ec2_bed: Bed) -> None:
    aws.faults.add(Fault("*", code="RequestExpired", status=400, times=9))
    with pytest.raises(NotAllowed, match="expired") as caught:
        ec2_bed.provider.found("shop")
    assert "aws sso login" in caught.value.hint
    assert set(aws.faults.calls) == {"ec2:DescribeVpcs"}


def test_a8_a_rehearsal_finds_what_is_not_allowed_before_anything_is_changed(aws: Aws, ec2_bed: Bed) -> None:
    message = ("You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/ci is not "
               "authorized to perform: ec2:CreateTags on resource: arn:aws:ec2:eu-central-1:123456789012:instance/* "
               "because no identity-based policy allows it. Encoded authorization failure message: " + "x" * 500)
    aws.faults.add(Fault("RunInstances", code="UnauthorizedOperation", status=403, message=message))
    with pytest.raises(NotAllowed) as caught:
        ec2_bed.provider.foresee([ec2_bed.wanted("machine")])
    assert "arn:aws:iam::123456789012:user/ci may not do this" in caught.value.message
    assert "ec2:CreateTags" in caught.value.hint
    assert "xxx" not in caught.value.message
    assert ec2_bed.there() == []


def test_a8_no_credentials_are_told_without_a_call(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(NotAllowed, match="no credentials"):
        Ec2(Place("ec2", "eu-central-1", endpoint=aws.url)).account()
    assert aws.faults.calls == ()


def test_a8_a_profile_that_is_not_there_is_named(aws: Aws) -> None:
    with pytest.raises(NotAllowed, match="no profile `shop-admin`"):
        Ec2(Place("ec2", "eu-central-1", "shop-admin", endpoint=aws.url)).account()


@pytest.mark.parametrize("what", ["found", "sites", "foresee", "account"])
def test_a8_another_account_than_the_sites_is_refused_before_anything(aws: Aws, what: str) -> None:
    provider = Ec2(Place("ec2", "eu-central-1", account="999999999999", endpoint=aws.url))
    asked: dict[str, Callable[[], object]] = {
        "found": lambda: provider.found("shop"), "sites": provider.sites, "account": provider.account,
        "foresee": lambda: provider.foresee([]),
    }
    with pytest.raises(WrongAccount, match=f"{ACCOUNT}.*not to 999999999999"):
        asked[what]()
    assert set(aws.faults.calls) == {"sts:GetCallerIdentity"}


def test_a8_a_region_that_is_none_is_named(aws: Aws) -> None:
    with pytest.raises(Refused, match="`europe at home` is no name of a region"):
        Ec2(Place("ec2", "europe at home", endpoint=aws.url)).account()


def test_a8_an_address_where_nobody_listens_is_named(aws: Aws, sleeps: list[float]) -> None:
    provider = Ec2(Place("ec2", "eu-central-1", endpoint="http://127.0.0.1:9"), Patience(retries=2))
    with pytest.raises(Unavailable, match="reached nobody"):
        provider.account()


@pytest.mark.slow  # moto takes half a minute to tell of so many
def test_a9_more_than_a_thousand_machines_are_listed_page_by_page(aws: Aws, ec2_bed: Bed) -> None:
    _crowd(aws, 1100)
    assert len({each.id for each in ec2_bed.provider.found("crowd")}) == 1100
    assert aws.faults.count("ec2:DescribeInstances") == 3


@pytest.mark.parametrize("action", ["DescribeAddresses", "DescribeVpcs", "ListHostedZones", "ListResourceRecordSets"])
def test_a9_a_kind_that_cannot_be_listed_is_none_that_is_not_there(aws: Aws, ec2_bed: Bed, action: str) -> None:
    aws.faults.add(Fault(action, code="ServiceUnavailable", status=503, times=9))
    with pytest.raises(PartialListing):
        ec2_bed.provider.found("shop")


@pytest.mark.slow  # moto takes half a minute to tell of so many
def test_a9_a_page_that_fails_is_no_shorter_listing(aws: Aws, ec2_bed: Bed) -> None:
    _crowd(aws, 501)
    aws.faults.add(Fault("DescribeInstances", code="Unavailable", status=503, after=1, times=99))
    with pytest.raises(PartialListing, match="500 were told before"):
        ec2_bed.provider.found("crowd")


def _runs(aws: Aws) -> int:
    return aws.faults.count("ec2:RunInstances")


def _crowd(aws: Aws, machines: int) -> None:
    """Machines of another site, one reservation each, put into moto from behind: a call each would take minutes."""
    backend = aws.backend("eu-central-1")
    for number in range(machines):
        backend.run_instances(
            "ami-debian12amd6420260901", 1, None, [], instance_type="t3.small", is_instance_type_default=False,
            region_name="eu-central-1", security_group_ids=[], tags={"instance": {
                "provision:site": "crowd", "provision:name": f"m-{number}", "provision:generation": "1"}},
        )
