"""The providers, each with its stand-in, for the tests of the interface."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.cloud.model import Kind, Place, canonical
from provisioner.cloud.providers.digitalocean import open as open_digitalocean
from provisioner.cloud.providers.ec2 import Ec2
from provisioner.cloud.providers.ec2.api import Patience
from provisioner.cloud.providers.lab import LabProvider
from provisioner.lab.blank import BlankMachines
from provisioner.testing import digitalocean as do
from provisioner.testing.aws import Aws, Fault
from provisioner.testing.cloud import FakeCloud, Faults
from provisioner.testing.digitalocean.clock import Clock
from tests.cloud.providers.beds import BEDS, Bed

RULES = canonical([
    {"protocol": "tcp", "from_port": 22, "to_port": 22, "sources": ["203.0.113.0/24", "2001:db8::/32"]},
    {"protocol": "tcp", "from_port": 8000, "to_port": 8100, "sources": ["0.0.0.0/0"]},
    {"protocol": "udp", "from_port": 443, "to_port": 443, "sources": ["0.0.0.0/0", "::/0"]},
    {"protocol": "icmp", "from_port": -1, "to_port": -1, "sources": ["0.0.0.0/0", "::/0"]},
])
FEWER_RULES = canonical([
    {"protocol": "tcp", "from_port": 22, "to_port": 22, "sources": ["2001:db8::/32", "198.51.100.0/24"]},
])


MARKS = {"lab": pytest.mark.lab}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests run for each provider; those that take `kind`, for each kind it has."""
    if {"bed", "kind"} <= set(metafunc.fixturenames):
        pairs = [pytest.param(bed, kind, marks=MARKS.get(bed, ())) for bed, kinds in BEDS.items() for kind in kinds]
        metafunc.parametrize(("bed", "kind"), pairs, indirect=["bed"])
    elif "bed" in metafunc.fixturenames:
        metafunc.parametrize("bed", [pytest.param(bed, marks=MARKS.get(bed, ())) for bed in BEDS], indirect=True)


@pytest.fixture
def bed(request: pytest.FixtureRequest) -> Bed:
    bed: Bed = request.getfixturevalue(f"{request.param}_bed")
    return bed


QUICK = Patience(settle=2.0, pause=0.01, change=10.0, retries=3)
"""Seconds that fit a stand-in on this machine."""


@pytest.fixture(scope="session")
def ec2_provider(aws_server: Aws) -> Ec2:
    """One for all tests: each new client of boto3 reads some megabytes of descriptions."""
    return Ec2(Place("ec2", "eu-central-1", endpoint=aws_server.url), QUICK)


@pytest.fixture
def ec2_bed(aws: Aws, ec2_provider: Ec2) -> Bed:
    place = Place("ec2", "eu-central-1", endpoint=aws.url)
    creates: dict[Kind, str] = {
        "network": "CreateVpc", "firewall": "CreateSecurityGroup", "machine": "RunInstances", "volume": "CreateVolume",
        "address": "AllocateAddress", "record": "ChangeResourceRecordSets",
    }
    aws.add_zone("example.com")
    return Bed(
        ec2_provider, place,
        fields={
            "network": {"cidr": "10.7.0.0/16"},
            "firewall": {"rules": RULES},
            "machine": {
                "image": "debian-12", "size": "t3.small", "disk": 20, "zone": "eu-central-1b", "network": "main",
                "firewall": "web", "tags": {"team": "a", "Cost Center": "7"}, "running": True, "protected": False,
                "metadata": "restricted", "monitoring": False, "keys": "0123456789abcdef",
                "user_data": "00112233445566ff", "user": "deploy", "groups": "web,eu",
            },
            "volume": {"size": 10, "machine": "web-1"},
            "address": {"machine": "web-1"},
            "record": {"zone": "example.com", "type": "A", "ttl": 300, "machines": ["web-1"]},
        },
        changes={
            "firewall": {"rules": FEWER_RULES},
            "machine": {
                "size": "t3.large", "disk": 30, "tags": {"team": "b"}, "protected": True, "monitoring": True,
                "groups": "web",
            },
            "volume": {"size": 12},
            "record": {"ttl": 60},
        },
        break_listing=lambda: aws.faults.add(Fault("DescribeVolumes", code="Unavailable", status=503, times=99)),
        lose_answer=lambda kind: aws.faults.add(Fault(creates[kind], "lose")),
    )


_MACHINE = {
    "image": "debian-12", "size": "", "disk": None, "zone": None, "network": None, "firewall": None,
    "tags": {"team": "a"}, "running": True, "protected": False, "metadata": "restricted", "monitoring": False,
    "keys": "0123456789abcdef", "user_data": "00112233445566ff", "user": "deploy", "groups": "web,eu",
}


@pytest.fixture
def fake_bed(tmp_path: Path) -> Bed:
    cloud = FakeCloud(Place("ec2", "eu-central-1"), tmp_path / "cloud.json")

    def break_listing() -> None:
        cloud.faults = Faults(partial=True)

    def lose(kind: Kind) -> None:
        cloud.faults = Faults(after=frozenset({("create", cloud.calls.get("create", 0) + 1)}))

    return Bed(
        cloud, cloud.place,
        fields={
            "key": {"public_key": "ssh-ed25519 AAAA"}, "network": {"cidr": "10.7.0.0/16"}, "firewall": {"rules": RULES},
            "machine": {**_MACHINE, "size": "small", "firewall": "web"}, "volume": {"size": 10, "machine": "web-1"},
            "address": {"machine": "web-1"},
            "record": {"zone": "example.com", "type": "A", "ttl": 300, "machines": ["web-1"]},
        },
        changes={"firewall": {"rules": FEWER_RULES}, "machine": {"size": "big", "tags": {"team": "b"}},
                 "volume": {"size": 12}, "record": {"ttl": 60}},
        break_listing=break_listing, lose_answer=lose,
    )


@pytest.fixture
def lab_bed(needs_lab: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    place = Place("lab", "")
    provider = LabProvider(place, tmp_path_factory.mktemp("machines"))
    tags = provider.folder / "tags.json"
    yield Bed(provider, place, fields={"machine": _MACHINE},
              changes={"machine": {"tags": {"team": "b"}, "protected": True, "groups": "web"}},
              break_listing=lambda: _cut(tags), lose_answer=lambda kind: None)  # there is no wire to cut
    BlankMachines(provider.folder).remove_all()


def _cut(file: Path) -> None:
    file.write_text(file.read_text()[:-5])


@pytest.fixture
def digitalocean_bed(digitalocean: do.Fake) -> Bed:
    """Its networks choose their addresses themselves: two of one account may not overlap."""
    place = Place("digitalocean", "fra1", endpoint=digitalocean.url)
    creates: dict[Kind, str] = {
        "key": "account/keys", "network": "vpcs", "firewall": "firewalls", "machine": "droplets", "volume": "volumes",
        "address": "reserved_ips", "record": "domains/example.com/records",
    }
    digitalocean.world.domains["example.com"] = {}
    return Bed(
        open_digitalocean(place, Clock().patience()), place,
        fields={
            "key": {"public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"},
            "network": {"cidr": None},
            "firewall": {"rules": RULES},
            "machine": {
                "image": "debian-12", "size": "s-1vcpu-1gb", "disk": 25, "zone": None, "network": "main",
                "firewall": "web", "tags": {"team": "a", "Cost Center": "7"}, "running": True, "protected": False,
                "metadata": "restricted", "monitoring": False, "keys": "0123456789abcdef",
                "user_data": "00112233445566ff", "user": "deploy", "groups": "web,eu",
            },
            "volume": {"size": 10, "machine": "web-1"},
            "address": {"machine": "web-1"},
            "record": {"zone": "example.com", "type": "A", "ttl": 300, "machines": ["web-1"]},
        },
        changes={
            "firewall": {"rules": FEWER_RULES},
            "machine": {"size": "s-2vcpu-2gb", "disk": 60, "tags": {"team": "b"}, "protected": True, "groups": "web"},
            "volume": {"size": 12},
            "record": {"ttl": 60},
        },
        break_listing=lambda: digitalocean.faults.append(do.Fault("GET /v2/volumes", times=99, status=503)),
        lose_answer=lambda kind: digitalocean.faults.append(do.Fault(rf"POST /v2/{creates[kind]}\?$", after=True)),
    )
