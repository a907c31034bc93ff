"""What a plan says of money, and what becomes of it where nobody tells."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from provisioner.cloud.providers.ec2 import Ec2
from provisioner.cloud.providers.ec2.api import Api
from provisioner.cloud.providers.ec2.prices import FRESH_FOR, HOURS, Prices
from provisioner.testing.aws import Aws, Fault
from tests.cloud.providers.beds import Bed
from tests.cloud.providers.conftest import QUICK

SMALL = Decimal("0.024") * HOURS


def asked(aws: Aws) -> int:
    return aws.faults.calls.count("pricing:GetProducts")


def test_a_plan_knows_what_its_machines_cost_a_month(ec2_bed: Bed) -> None:
    machine = ec2_bed.wanted("machine")
    said = ec2_bed.provider.foresee([machine, ec2_bed.wanted("volume")])
    assert (said.problems, said.prices, said.remarks) == ([], {machine.ref: SMALL}, ())


def test_a_price_is_kept_for_a_week(aws: Aws, ec2_bed: Bed, tmp_path: Path) -> None:
    cache, now = tmp_path / "cache" / "prices.json", 1000.0
    prices = Prices(Api(ec2_bed.place, QUICK), cache, lambda: now)
    before = asked(aws)
    for _ in range(3):
        assert prices.monthly(["t3.small", "t3.small"]) == ({"t3.small": SMALL}, "")
    assert asked(aws) == before + 1
    now += FRESH_FOR + 1
    assert prices.monthly(["t3.small"]) == ({"t3.small": SMALL}, "")
    assert asked(aws) == before + 2
    cache.write_text('{"eu-central-1 t3.small": {"hourly": "free"}}')
    assert prices.monthly(["t3.small"]) == ({"t3.small": SMALL}, "")
    assert json.loads(cache.read_text()) == {"eu-central-1 t3.small": {"hourly": "0.0240000000", "at": now}}


@pytest.mark.parametrize(("fault", "said"), [
    (Fault("GetProducts", code="AccessDeniedException", message="not authorized", status=400),
     "pricing:GetProducts"),
    (Fault("GetProducts", mode="lose"), "Without prices: "),
    (Fault("GetProducts", code="ThrottlingException", message="slow down", status=400), "Without prices: "),
    (Fault("GetProducts", code="InternalErrorException", message="oh", status=500), "Without prices: "),
])
def test_where_nobody_tells_a_line_says_so_and_nothing_fails(
    aws: Aws, ec2_bed: Bed, tmp_path: Path, fault: Fault, said: str
) -> None:
    aws.faults.add(fault)
    told = Ec2(ec2_bed.place, QUICK, tmp_path / "prices.json").foresee([ec2_bed.wanted("machine")])
    assert (told.problems, told.prices) == ([], {})
    remark, = told.remarks
    assert said in remark
    assert "\n" not in remark
    assert not (tmp_path / "prices.json").exists()


def test_no_sum_is_told_that_lacks_a_machine(ec2_bed: Bed) -> None:
    prices = Prices(Api(ec2_bed.place, QUICK), None)
    assert prices.monthly(["t3.small", "x9.vast"]) == ({}, "Without prices: AWS tells none of x9.vast in eu-central-1")
