"""Names of images and sizes, asked of the stand-in's publishers."""

from __future__ import annotations

import re

import pytest

from provisioner.cloud.errors import Refused
from provisioner.cloud.model import Ref
from provisioner.cloud.providers.ec2.api import Api
from provisioner.cloud.providers.ec2.images import Catalogue
from provisioner.testing.aws import Aws
from tests.cloud.providers.beds import Bed
from tests.cloud.providers.conftest import QUICK


@pytest.fixture
def catalogue(aws: Aws, ec2_bed: Bed) -> Catalogue:
    return Catalogue(Api(ec2_bed.place, QUICK))


@pytest.mark.parametrize(("name", "size", "image"), [
    ("debian-12", "t3.small", "ami-debian12amd6420260901"),
    ("debian-12", "t4g.small", "ami-debian12arm6420260901"),
    ("debian-13", "m7g.large", "ami-debian13arm6420260901"),
    ("ubuntu-22.04", "t3.small", "ami-ubuntu22amd6420260901"),
    ("ubuntu-24.04", "t4g.small", "ami-ubuntu24arm6420260901"),
    ("ami-debian13amd6420250310", "t3.small", "ami-debian13amd6420250310"),
])
def test_a_name_means_the_publishers_newest_image_for_the_sizes_architecture(catalogue: Catalogue, name: str, size: str,
                                                                             image: str) -> None:
    assert catalogue.image(name, size) == image


def test_a_stranger_with_the_same_name_and_a_newer_date_is_not_taken(catalogue: Catalogue) -> None:
    assert "stranger" not in catalogue.image("debian-12", "t3.small")


def test_an_image_is_read_from_a_parameter(aws: Aws, catalogue: Catalogue) -> None:
    aws.client("ssm").put_parameter(Name="/images/golden", Value="ami-debian12amd6420260105", Type="String")
    assert catalogue.image("ssm:/images/golden", "t3.small") == "ami-debian12amd6420260105"
    with pytest.raises(Refused, match="no parameter `/images/silver`"):
        catalogue.image("ssm:/images/silver", "t3.small")


def test_amazon_linux_is_what_amazons_parameter_says(aws: Aws, catalogue: Catalogue) -> None:
    path = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    known = aws.client("ssm").get_parameter(Name=path)["Parameter"]["Value"]
    assert known.startswith("ami-")
    with pytest.raises(Refused, match=known):  # the stand-in has the parameter, not the image
        catalogue.image("amazon-linux-2023", "t3.small")


@pytest.mark.parametrize(("name", "size", "words"), [
    ("debian-11", "t3.small", "no image `debian-11`.*did you mean `debian-1[23]`"),
    ("windows", "t3.small", "no image `windows`.*there are debian-12"),
    ("debian-12", "t3.smal", "no size `t3.smal`.*did you mean `t3.small`"),
    ("ami-debian12arm6420260901", "t3.small", "is for arm64 and `t3.small` is x86_64"),
    ("ami-gone", "t3.small", "no such image in eu-central-1"),
])
def test_what_is_not_there_is_a_problem_with_a_remedy(ec2_bed: Bed, name: str, size: str, words: str) -> None:
    foresight = ec2_bed.provider.foresee([ec2_bed.wanted("machine", image=name, size=size)])
    (ref, told), = foresight.problems
    assert ref == Ref("machine", "web-1")
    assert re.search(words, told), told
