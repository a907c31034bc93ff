"""The IAM policy in docs/ec2.md allows what is called, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from provisioner.cloud.model import KINDS
from provisioner.cloud.providers.ec2 import Ec2
from provisioner.testing.aws import Aws
from tests.cloud.providers.beds import NAMES, Bed
from tests.cloud.providers.conftest import QUICK

PAGE = Path(__file__).parents[4] / "docs" / "ec2.md"


def test_the_policy_is_what_is_called(aws: Aws, ec2_bed: Bed) -> None:
    aws.client("ssm").put_parameter(Name="/golden", Value="ami-debian12amd6420260105", Type="String")
    aws.faults.clear()
    _live(replace(ec2_bed, provider=Ec2(ec2_bed.place, QUICK)))  # one that has asked for nothing yet
    assert sorted(set(_allowed())) == sorted(set(aws.faults.calls))


def _live(bed: Bed) -> None:
    """Everything that can be done: a whole site comes, is changed in every field, and goes."""
    provider = bed.provider
    provider.sites()
    provider.foresee([bed.wanted("machine", image="ssm:/golden"), bed.wanted("machine", size="t3.smal")])
    provider.account()
    kinds = [kind for kind in KINDS if kind in provider.kinds]
    for kind in kinds:
        bed.make(bed.wanted(kind))
    for kind in kinds:
        for name, value in bed.changes.get(kind, {}).items():
            found = bed.one(bed.wanted(kind).ref)
            provider.update(found, bed.wanted(kind, **{**found.fields, name: value}), [name], bed.known)
    machine = bed.one(bed.wanted("machine").ref)
    plain = bed.wanted("machine", size="t3.large")
    provider.update(machine, plain, ["metadata", "monitoring", "protected"], bed.known)
    provider.console(machine)
    for kind in reversed(kinds):
        provider.delete(next(each for each in bed.there() if each.ref.name == NAMES[kind] and each.ref.kind == kind))


def _allowed() -> Iterator[str]:
    text = re.search(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert text
    for statement in json.loads(text[1])["Statement"]:
        assert statement["Effect"] == "Allow"
        yield from statement["Action"]
