"""A whole site at DigitalOcean, planned and carried out as `provision apply` does, with every accident on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from provisioner.cloud.apply import Fresh, Means, Outcome, apply
from provisioner.cloud.declared import by_declaration, resources
from provisioner.cloud.errors import LimitReached, PartialListing
from provisioner.cloud.journal import Journal
from provisioner.cloud.plan import Plan, Scope
from provisioner.cloud.providers.digitalocean import open as open_place
from provisioner.cloud.settings import Machines, read
from provisioner.cloud.site import plan_of, survey
from provisioner.diag import Collector, Span
from provisioner.testing.digitalocean import Fake, Fault, World
from provisioner.testing.digitalocean.clock import Clock
from tests.cloud.providers.digitalocean.conftest import PUBLIC


class Killed(BaseException):
    """What is never caught."""


@dataclass
class Site:
    """One controller. life: how many calls it makes until it is killed, right after the call was sent."""

    fake: Fake
    folder: Path
    clock: Clock = field(default_factory=Clock)
    life: int = 10_000
    calls: int = 0

    def declared(self, **more: Any) -> Machines:
        values = {
            "name": "web", "count": 2, "provider": "digitalocean", "region": "fra1", "size": "s-1vcpu-1gb",
            "ssh_keys": [PUBLIC], "endpoint": self.fake.url, "network": {"cidr": "10.7.0.0/16"}, "reserved_ip": True,
            "volumes": [{"name": "data", "size": 10}], "dns": [{"name": "shop.example.com"}], "tags": {"env": "prod"},
            "firewall": {"allow": [{"port": 22, "from": ["203.0.113.0/24"]}, {"port": 443}, {"protocol": "icmp"}]},
            **more,
        }  # fmt: skip
        found = Collector()
        made = read(values, Span("site.yml", 1), {}, lambda name: Path(name).read_text(), found)
        found.raise_errors()
        assert made is not None
        return made

    def plan(self, *declared: Machines, **scope: Any) -> tuple[Plan, Callable[[], Outcome]]:
        found = Collector()
        wanted = resources(declared, found)
        found.raise_errors()
        journal = Journal(self.folder / "journal")
        seen = survey("shop", wanted, journal, lambda place: open_place(place, self.clock.patience()),
                      lambda: self.clock.now, self.clock.sleep)
        plan, images = plan_of("shop", seen, Scope(groups=by_declaration(declared), **scope))
        means = Means(seen.providers, journal, lambda each: Fresh("#cloud-config\n"), lambda *told: None, images,
                      clock=lambda: self.clock.now, sleep=self.clock.sleep)
        return plan, lambda: apply(plan, seen.found, means)

    def apply(self, *declared: Machines, **scope: Any) -> Outcome:
        plan, carry_out = self.plan(*declared, **scope)
        assert not plan.problems, plan.problems
        return carry_out()

    def until_killed(self, life: int, *declared: Machines, **scope: Any) -> bool:
        """Whether it was."""
        self.life, self.calls = life, 0
        try:
            self.apply(*declared, **scope)
        except Killed:
            return True
        finally:
            self.life = 10_000
        return False

    def there(self) -> dict[str, int]:
        """How many of each there are in the account that were not there at the start."""
        world = self.fake.world
        own: Mapping[str, Mapping[Any, Any]] = {
            "droplets": world.droplets, "keys": world.keys, "firewalls": world.firewalls, "volumes": world.volumes,
            "reserved": world.reserved, "records": world.domains["example.com"],
        }  # fmt: skip
        vpcs = sum(not each["default"] for each in world.vpcs.values())
        return {**{name: len(things) for name, things in own.items()}, "vpcs": vpcs}

    def start_anew(self) -> None:
        self.fake.world = World(domains={"example.com": {}})
        (self.folder / "journal").unlink(missing_ok=True)


ALL = {"droplets": 2, "keys": 1, "firewalls": 1, "volumes": 2, "reserved": 2, "records": 2, "vpcs": 1}
NONE = dict.fromkeys(ALL, 0)


@pytest.fixture
def site(fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    site = Site(fake, tmp_path)
    site.start_anew()
    send = requests.Session.request

    def mortal(self: requests.Session, *args: Any, **kwargs: Any) -> requests.Response:
        response = send(self, *args, **kwargs)
        site.calls += 1
        if site.calls >= site.life:
            raise Killed
        return response

    monkeypatch.setattr(requests.Session, "request", mortal)
    return site


def test_a_site_is_made_left_alone_changed_and_removed(site: Site) -> None:
    plan, carry_out = site.plan(site.declared())
    assert (plan.count("create"), plan.monthly) == (10, Decimal(12))
    assert not carry_out().failed
    assert site.there() == ALL
    assert site.plan(site.declared())[0].changes == ()

    bigger = site.declared(size="s-2vcpu-2gb")
    assert [change.action for change in site.plan(bigger)[0].changes] == ["restart", "restart"]
    site.apply(bigger)
    assert {each["size_slug"] for each in site.fake.world.droplets.values()} == {"s-2vcpu-2gb"}
    assert site.plan(bigger)[0].changes == ()

    site.apply(bigger, destroy=True)
    assert site.there() == NONE


def test_a_replaced_machine_takes_all_that_was_the_old_ones(site: Site) -> None:
    site.apply(site.declared())
    site.apply(site.declared(image="debian-13"), replace=frozenset({"web-1", "web-2"}))
    assert site.there() == ALL
    assert {each["image"]["slug"] for each in site.fake.world.droplets.values()} == {"debian-13-x64"}
    assert site.plan(site.declared(image="debian-13"))[0].changes == ()


def test_one_machine_less_takes_its_volume_address_and_record_away(site: Site) -> None:
    site.apply(site.declared())
    site.apply(site.declared(count=1))
    assert site.there() == {**ALL, "droplets": 1, "volumes": 1, "reserved": 1, "records": 1}


def test_a4_three_of_five_are_kept_and_the_next_run_makes_the_rest(site: Site) -> None:
    five = site.declared(count=5, reserved_ip=False, volumes=[], dns=[])
    words = {"id": "unprocessable_entity", "message": "creating this/these droplet(s) will exceed your droplet limit"}
    site.fake.faults.append(Fault(r"POST /v2/droplets\?$", skip=3, times=2, status=422, content=words))
    outcome = site.apply(five)
    assert [ref.name for ref, _ in outcome.failed] == ["web-4", "web-5"]
    assert {type(error) for _, error in outcome.failed} == {LimitReached}
    assert site.there()["droplets"] == 3
    site.apply(five)
    assert site.there()["droplets"] == 5


def test_a12_a_deleted_journal_makes_nothing_twice(site: Site) -> None:
    site.apply(site.declared())
    (site.folder / "journal").unlink()
    assert site.plan(site.declared())[0].changes == ()
    site.apply(site.declared(), destroy=True)
    assert site.there() == NONE


def test_destroy_then_apply_is_a_new_site(site: Site) -> None:
    site.apply(site.declared())
    first = set(site.fake.world.droplets)
    site.apply(site.declared(), destroy=True)
    site.apply(site.declared())
    assert site.there() == ALL
    assert first.isdisjoint(site.fake.world.droplets)


def test_a9_nothing_is_planned_on_half_a_listing(site: Site) -> None:
    site.apply(site.declared())
    half = {"droplets": [], "links": {}, "meta": {"total": 2}}
    site.fake.faults.append(Fault("GET /v2/droplets", times=99, status=200, content=half))
    with pytest.raises(PartialListing):
        site.plan(site.declared())


def killed_everywhere(site: Site, steps: Sequence[int]) -> None:
    for step in steps:
        site.start_anew()
        site.until_killed(step, site.declared())
        site.apply(site.declared())
        assert site.there() == ALL, f"apply was killed at call {step}"
        assert site.plan(site.declared())[0].changes == (), step
        site.until_killed(step, site.declared(), destroy=True)
        site.apply(site.declared(), destroy=True)
        assert site.there() == NONE, f"destroy was killed at call {step}"


def test_a12_a_controller_killed_after_a_call_leaves_what_the_next_run_finishes(site: Site) -> None:
    """Some of the calls; all of them is a slow test."""
    killed_everywhere(site, range(12, 94, 20))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a12_a_controller_killed_after_any_call_leaves_what_the_next_run_finishes(site: Site) -> None:
    step = 1
    while site.until_killed(step, site.declared()):
        killed_everywhere(site, [step])
        site.start_anew()
        step += 1
    assert step > 80
