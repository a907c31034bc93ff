"""What a plan is told before anything is changed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from provisioner.cloud.errors import NotAllowed, WrongAccount
from provisioner.cloud.model import Place, Ref
from provisioner.cloud.provider import Foresight
from provisioner.cloud.providers.digitalocean import open as open_place
from provisioner.testing.digitalocean import Fake
from provisioner.testing.digitalocean.clock import Clock
from tests.cloud.providers.digitalocean.conftest import Bench

WEB = Ref("machine", "web-1")


def foresee(bench: Bench, **fields: Any) -> Foresight:
    return bench.provider.foresee([bench.wanted(WEB, **fields)])


@pytest.mark.parametrize(("image", "slug"), [
    ("debian-12-x64", "debian-12-x64"), ("debian-12", "debian-12-x64"), ("ubuntu-24.04", "ubuntu-24-04-x64"),
    ("155133622", "debian-13-x64"), ("golden", None),
])
def test_an_image_is_a_slug_a_short_name_a_number_or_the_name_of_an_own_one(
        fake: Fake, bench: Bench, image: str, slug: str | None) -> None:
    own = {**fake.world.images[0], "slug": None, "public": False, "name": "golden", "type": "snapshot"}
    fake.world.images += [{**own, "id": 1}, {**own, "id": 2, "created_at": "2025-02-01T00:00:00Z"}]
    expected = next((each["id"] for each in fake.world.images if slug and each["slug"] == slug), 2)
    foresight = foresee(bench, image=image)
    assert (foresight.problems, foresight.images[WEB]) == ([], str(expected))


def test_the_price_is_that_of_the_api(bench: Bench) -> None:
    assert foresee(bench, size="s-2vcpu-2gb").prices == {WEB: Decimal("18.0")}


@pytest.mark.parametrize(("fields", "words"), [
    ({"size": "s-2vcpu-2gbs"}, "DigitalOcean has no size s-2vcpu-2gbs (did you mean `s-2vcpu-2gb`?)"),
    ({"image": "debian-11"}, "there is no image debian-11 (did you mean"),
    ({"disk": 30}, "a s-1vcpu-1gb has a disk of 25 GiB, not 30: leave `disk` out, or take a volume"),
    ({"zone": "fra1-a"}, "DigitalOcean has no zones"),
    ({"groups": ",".join(f"group{number}" for number in range(60))}, "groups is too long for a tag of DigitalOcean"),
    ({"tags": {"provision": "x"}}, "a tag can't be called 'provision'"),
    ({"tags": {"ENV": "a"}}, "the account spells the tag ENV:a as env:a: write it so"),
])
def test_what_would_be_refused_is_told(fake: Fake, bench: Bench, fields: dict[str, Any], words: str) -> None:
    fake.world.tags.append("env:a")
    ((ref, said),) = foresee(bench, **fields).problems
    assert ref == WEB
    assert said.startswith(words)


def test_a_size_or_an_image_that_is_not_there_now(fake: Fake, bench: Bench) -> None:
    fake.world.images[0] = {**fake.world.images[0], "regions": ["nyc3"], "min_disk_size": 30}
    assert [words for _, words in foresee(bench).problems] == ["the image debian-12 is not in fra1 (it is in nyc3)"]
    fake.world.images[0] = {**fake.world.images[0], "regions": ["fra1"]}
    assert [words for _, words in foresee(bench).problems] == [
        "the image debian-12 needs a disk of 30 GiB, a s-1vcpu-1gb has 25"]


def test_a_region_that_there_is_not(fake: Fake) -> None:
    bench = Bench(fake, "fra2")
    assert foresee(bench).problems[0][1] == "DigitalOcean has no region fra2 (did you mean `fra1`?)"


def test_a7_too_many_machines_for_the_account(fake: Fake, bench: Bench) -> None:
    fake.world.droplet_limit = 2
    bench.machine("web-1")
    wanted = [bench.wanted(Ref("machine", f"web-{number}")) for number in (1, 2, 3)]
    ((_, words),) = bench.provider.foresee(wanted).problems
    assert words.startswith("the account may have 2 droplets and has 1: 2 more are too many")
    assert bench.provider.foresee(wanted[:2]).problems == []


def test_nothing_is_asked_where_no_machine_is_new(fake: Fake, bench: Bench) -> None:
    assert bench.provider.foresee([]) == Foresight()
    assert not fake.exchanges


def test_a8_another_account_is_refused(fake: Fake, bench: Bench) -> None:
    other = Place("digitalocean", "fra1", account="team-2", endpoint=fake.url)
    with pytest.raises(WrongAccount, match="belongs to account team-1, the site to team-2"):
        open_place(other, Clock().patience()).account()
    fake.world.status = "locked"
    with pytest.raises(NotAllowed, match="the account is locked"):
        bench.provider.account()
