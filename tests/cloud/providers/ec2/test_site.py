"""A declaration goes all the way: planned, carried out at the stand-in, and then there is nothing left to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.cloud.apply import Fresh, Means, apply
from provisioner.cloud.declared import resources
from provisioner.cloud.journal import Journal
from provisioner.cloud.model import Wanted
from provisioner.cloud.plan import Scope, plan
from provisioner.cloud.settings import read
from provisioner.diag import Collector, Span
from provisioner.inventory.load import load_inventory
from provisioner.testing.aws import Aws
from tests.cloud.providers.beds import Bed

ALL: dict[str, Any] = {
    "name": "web", "count": 2, "provider": "ec2", "region": "eu-central-1", "size": "t3.small", "image": "debian-12",
    "disk": 20, "ssh_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2Z me"], "groups": ["web"],
    "firewall": {"allow": [{"port": 22, "from": ["203.0.113.0/24"]}, {"port": 80}, {"protocol": "icmp", "port": None}]},
    "network": {"cidr": "10.9.0.0/16"}, "reserved_ip": True, "volumes": [{"name": "data", "size": 20}],
    "dns": [{"name": "www.example.com"}],
}


@pytest.fixture
def run(ec2_bed: Bed, tmp_path: Path) -> Any:
    """Makes what is declared true; gives the actions of the plan with their resources."""
    journal = Journal(tmp_path / "journal")
    provider = ec2_bed.provider

    def run(destroy: bool = False, **changed: Any) -> list[str]:
        found = provider.found("shop")
        wanted = [] if destroy else declared(ec2_bed, **changed)
        planned = plan("shop", wanted, found, {"ec2": provider.effects}, Scope(destroy=destroy))
        assert planned.problems == ()
        fresh = [each.wanted for each in planned.changes if each.wanted and each.action == "create"]
        foresight = provider.foresee(fresh)
        assert foresight.problems == []
        means = Means({ec2_bed.place: provider}, journal, lambda wanted: Fresh("#cloud-config\n"), lambda *told: None,
                      foresight.images)
        outcome = apply(planned, found, means)
        assert (outcome.failed, outcome.left) == ((), ())
        return [f"{each.action} {each.ref}" for each in planned.changes]

    return run


def declared(bed: Bed, **changed: Any) -> list[Wanted]:
    mistakes = Collector()
    values = {**ALL, "endpoint": bed.place.endpoint, **changed}
    machines = read(values, Span("site.yml", 1), {}, lambda name: "", mistakes)
    assert machines, mistakes.items
    return [each for each in resources([machines], mistakes) if each.ref.kind in bed.provider.kinds]


def test_a_site_is_made_changed_made_smaller_and_destroyed(aws: Aws, run: Any) -> None:
    machines = ["machine web-1", "machine web-2"]
    assert run() == [f"create {each}" for each in (
        "network network", "firewall web", *machines, "volume web-1-data", "volume web-2-data", "address web-1",
        "address web-2", "record www.example.com")]
    assert run() == []
    assert run(size="t3.large") == [f"restart {each}" for each in machines]
    larger = {"size": "t3.large", "disk": 30, "tags": {"a": "b"}, "monitoring": True}
    assert run(**larger) == [f"update {each}" for each in machines]
    assert run(**larger) == []
    assert run(**larger, count=1) == [
        "update record www.example.com", "delete address web-2", "delete volume web-2-data", "delete machine web-2"]
    assert run(destroy=True) == [f"delete {each}" for each in (
        "record www.example.com", "address web-1", "volume web-1-data", "machine web-1", "firewall web",
        "network network")]
    ec2 = aws.client("ec2")
    assert [each["IsDefault"] for each in ec2.describe_vpcs()["Vpcs"]] == [True]
    assert (ec2.describe_volumes()["Volumes"], ec2.describe_addresses()["Addresses"]) == ([], [])


def test_the_example_of_an_inventory_has_the_machines_by_their_tags(
    aws: Aws, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    example = Path(__file__).parents[4] / "inventories" / "cloud.yml"
    found = load_inventory([str(example)], state_dir=tmp_path / "state")
    assert sorted(found.groups["web"]) == ["web-1", "web-2"]
    warning, = found.warnings
    assert "the host keys of web-1, web-2 were never verified from here" in str(warning)
