"""What belongs to machines: keys, networks, firewalls, volumes, addresses, records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from provisioner.cloud.errors import Gone, Refused, Unavailable
from provisioner.cloud.model import Kind, Ref, canonical
from provisioner.cloud.providers.digitalocean.volumes import volume_name
from provisioner.testing.digitalocean import Fake, Fault
from tests.cloud.providers.digitalocean.conftest import PUBLIC, Bench

ME, MAIN, WEB = Ref("key", "me"), Ref("network", "main"), Ref("firewall", "web")
DATA, ADDRESS, WWW = Ref("volume", "web-1-data"), Ref("address", "web-1"), Ref("record", "www.example.com")
SSH = {"protocol": "tcp", "from_port": 22, "to_port": 22, "sources": ["203.0.113.0/24"]}
ZONE: Mapping[str, Any] = {"zone": "example.com", "type": "A", "ttl": 300, "machines": ["web-1"]}


@pytest.fixture
def zone(fake: Fake) -> dict[int, dict[str, Any]]:
    return fake.world.domains.setdefault("example.com", {})


def foreign(fake: Fake, data: str = "192.0.2.1") -> None:
    fake.world.domains["example.com"][9] = {"id": 9, "type": "A", "name": "www", "data": data, "priority": None,
                                            "port": None, "ttl": 300, "weight": None, "flags": None, "tag": None}


# -- keys --------------------------------------------------------------------------------------------------------


def test_a_key_that_is_there_is_used_and_left_there(fake: Fake, bench: Bench) -> None:
    theirs = bench.provider._api.key(name="laptop", public_key=f"{PUBLIC} me@laptop")
    theirs.create()
    made = bench.make(ME, public_key=PUBLIC)
    assert made.id == str(theirs.id)
    (found,) = bench.provider.found("shop")
    assert (found.ref, found.fields["public_key"]) == (ME, PUBLIC)
    bench.provider.delete(found)
    assert bench.provider.found("shop") == []
    assert [each["name"] for each in fake.world.keys.values()] == ["laptop"]
    assert not [each for each in fake.world.tags if ":key:" in each]


def test_a_key_of_ours_is_named_for_its_site_and_goes_with_it(fake: Fake, bench: Bench) -> None:
    made = bench.make(ME, public_key=PUBLIC)
    assert [each["name"] for each in fake.world.keys.values()] == ["provision-shop--me--fra1"]
    bench.provider.delete(made)
    assert not fake.world.keys


def test_two_regions_share_the_one_key_that_there_can_be(fake: Fake, bench: Bench, other_region: Bench) -> None:
    bench.make(ME, public_key=PUBLIC)
    other = other_region.make(ME, public_key=PUBLIC)
    assert len(fake.world.keys) == 1
    assert [len(each.provider.found("shop")) for each in (bench, other_region)] == [1, 1]
    other_region.provider.delete(other)
    assert len(fake.world.keys) == 1


# -- networks ----------------------------------------------------------------------------------------------------


def test_a_range_that_is_taken_is_told(bench: Bench) -> None:
    bench.make(MAIN, cidr="10.7.0.0/16")
    with pytest.raises(Refused, match="overlaps with another VPC network"):
        bench.make(Ref("network", "other"), cidr="10.7.1.0/24")


def test_a_network_is_deleted_when_its_last_machine_is_quite_gone(fake: Fake, bench: Bench) -> None:
    network = bench.make(MAIN, cidr="10.7.0.0/16")
    words = {"id": "forbidden", "message": "Can not delete VPC with members"}
    fake.faults.append(Fault("DELETE /v2/vpcs", times=10, status=403, content=words))
    bench.provider.delete(network)
    assert all(each["default"] for each in fake.world.vpcs.values())


def test_a_network_that_is_used_is_not_waited_for_for_ever(bench: Bench) -> None:
    network = bench.make(MAIN, cidr="10.7.0.0/16")
    bench.machine(needs=(MAIN,), network="main")
    with pytest.raises(Refused, match=r"deleting network main: .*with members"):
        bench.provider.delete(network)


def test_default_networks_are_nobodys(bench: Bench) -> None:
    bench.machine()
    (found,) = bench.provider.found("shop")
    assert found.fields["network"] is None


# -- firewalls ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [
    SSH,
    {"protocol": "tcp", "from_port": 8000, "to_port": 8100, "sources": ["0.0.0.0/0", "::/0"]},
    {"protocol": "tcp", "from_port": 1, "to_port": 65535, "sources": ["2001:db8::/32"]},
    {"protocol": "udp", "from_port": 0, "to_port": 65535, "sources": ["10.0.0.0/8"]},
    {"protocol": "icmp", "from_port": -1, "to_port": -1, "sources": ["0.0.0.0/0"]},
])
def test_rules_come_back_as_they_were(bench: Bench, rule: dict[str, Any]) -> None:
    assert bench.make(WEB, rules=canonical([rule])).fields["rules"] == canonical([rule])


def test_nothing_but_the_rules_comes_in_and_everything_goes_out(fake: Fake, bench: Bench) -> None:
    bench.make(WEB, rules=canonical([SSH]))
    (firewall,) = fake.world.firewalls.values()
    assert firewall["inbound_rules"] == [
        {"protocol": "tcp", "ports": "22", "sources": {"addresses": ["203.0.113.0/24"]}}]
    assert [each["protocol"] for each in firewall["outbound_rules"]] == ["tcp", "udp", "icmp"]
    assert firewall["droplet_ids"] == []


def test_a_source_that_somebody_has_added_shows(fake: Fake, bench: Bench) -> None:
    bench.make(WEB, rules=canonical([SSH]))
    (firewall,) = fake.world.firewalls.values()
    firewall["inbound_rules"][0]["sources"]["tags"] = ["jump"]
    (found,) = bench.provider.found("shop")
    assert found.fields["rules"][0]["sources"] == ["203.0.113.0/24", "tags:jump"]
    assert bench.change(found, rules=canonical([SSH])).fields["rules"] == canonical([SSH])


def test_droplets_that_somebody_has_added_stay(fake: Fake, bench: Bench) -> None:
    made = bench.make(WEB, rules=canonical([SSH]))
    next(iter(fake.world.firewalls.values()))["droplet_ids"] = [7]
    bench.change(bench.provider.look(made), rules=canonical([{**SSH, "to_port": 23}]))
    assert next(iter(fake.world.firewalls.values()))["droplet_ids"] == [7]


# -- volumes -----------------------------------------------------------------------------------------------------


def test_a_volume_is_attached_and_says_where_it_is_on_the_host(bench: Bench) -> None:
    bench.machine()
    volume = bench.make(DATA, size=10, machine="web-1")
    assert volume.fields == {"size": 10, "machine": "web-1"}
    assert volume.more["device"] == "/dev/disk/by-id/scsi-0DO_Volume_shop--web-1-data"


def test_a_volume_that_was_made_and_not_attached_is_attached_by_the_next_run(fake: Fake, bench: Bench) -> None:
    bench.machine()
    fake.faults.append(Fault("POST /v2/volumes/.*/actions"))
    with pytest.raises(Unavailable):
        bench.make(DATA, size=10, machine="web-1")
    assert bench.make(DATA, size=10, machine="web-1").fields["machine"] == "web-1"
    assert len(fake.world.volumes) == 1


def test_a_volume_moves_to_another_machine(bench: Bench) -> None:
    bench.machine()
    bench.machine("web-2")
    volume = bench.make(DATA, size=10, machine="web-1")
    assert bench.change(volume, machine="web-2").fields["machine"] == "web-2"


def test_a_volume_never_becomes_smaller(bench: Bench) -> None:
    bench.machine()
    volume = bench.make(DATA, size=10, machine="web-1")
    with pytest.raises(Refused, match="has 10 GiB and can't become smaller"):
        bench.change(volume, size=5)


def test_a_volume_of_somebody_else_with_the_name_is_left_alone(bench: Bench) -> None:
    bench.machine()
    bench.provider._api.volume(name="shop--web-1-data", region="fra1", size_gigabytes=1, tags=[]).create()
    with pytest.raises(Refused, match="not of this site"):
        bench.make(DATA, size=10, machine="web-1")


def test_names_of_volumes_fit() -> None:
    assert volume_name("shop", "web-1-data") == "shop--web-1-data"
    pairs = (("Shop", "web"), ("shop", "Web"), ("s" * 60, "web"), ("1", "web"))
    odd = {volume_name(site, name) for site, name in pairs}
    assert len(odd) == 4
    assert all(len(each) <= 64 and each.startswith("v-") for each in odd)


# -- addresses ---------------------------------------------------------------------------------------------------


def test_an_address_follows_its_machine(bench: Bench) -> None:
    bench.machine()
    bench.machine("web-2")
    address = bench.make(ADDRESS, machine="web-1")
    changed = bench.change(address, machine="web-2")
    assert (changed.fields["machine"], changed.address) == ("web-2", address.address)


def test_an_address_outlives_the_machine_and_is_still_ours(fake: Fake, bench: Bench) -> None:
    first = bench.machine()
    address = bench.make(ADDRESS, machine="web-1")
    bench.provider.delete(first)
    (found,) = bench.provider.found("shop")
    assert (found.ref, found.fields["machine"]) == (ADDRESS, None)
    bench.machine(token="second")
    assert bench.change(found, machine="web-1").address == address.address
    assert len(fake.world.reserved) == 1


@pytest.mark.parametrize("match", ["POST /v2/reserved_ips", "POST /v2/tags"])
def test_an_address_whose_making_was_interrupted_is_not_made_twice(fake: Fake, bench: Bench, match: str) -> None:
    bench.machine()
    skip = 1 if match.endswith("tags") else 0  # the second tag is the register's
    fake.faults.append(Fault(rf"{match}\?$", skip=skip, after=match.endswith("ips")))
    try:
        bench.make(ADDRESS, machine="web-1")
    except Unavailable:
        assert [each.ref.kind for each in bench.provider.found("shop")] == ["machine"]
    assert bench.make(ADDRESS, machine="web-1").fields["machine"] == "web-1"
    assert len(fake.world.reserved) == 1


def test_an_address_that_somebody_gave_the_machine_is_not_ours(fake: Fake, bench: Bench) -> None:
    machine = bench.machine()
    api = bench.provider._api
    action = api.wire.call("reserved_ips", "POST", {"droplet_id": int(machine.id)})["links"]["actions"][0]
    api.carried_out({"action": api.get(f"actions/{action['id']}", "action")}, "")
    with pytest.raises(Refused, match=r"has the reserved IP 198\.51\.100\.1, which is not of this site"):
        bench.make(ADDRESS, machine="web-1")
    assert [each.ref.kind for each in bench.provider.found("shop")] == ["machine"]


# -- records -----------------------------------------------------------------------------------------------------


def test_a_name_points_at_all_machines_and_at_their_reserved_addresses(
        bench: Bench, zone: dict[int, dict[str, Any]]) -> None:
    second = bench.machine("web-2")
    bench.machine()
    address = bench.make(ADDRESS, machine="web-1")
    record = bench.make(WWW, **{**ZONE, "machines": ["web-1", "web-2"]})
    assert {(each["name"], each["data"], each["ttl"]) for each in zone.values()} == {
        ("www", address.address, 300), ("www", second.address, 300)}
    assert record.fields["machines"] == ["web-1", "web-2"]
    assert bench.provider.look(record) == record


def test_the_zone_itself_may_be_the_name(bench: Bench, zone: dict[int, dict[str, Any]]) -> None:
    bench.machine()
    bench.make(Ref("record", "example.com"), **ZONE)
    assert [each["name"] for each in zone.values()] == ["@"]


def test_a_new_address_is_there_before_the_old_one_goes(
        fake: Fake, bench: Bench, zone: dict[int, dict[str, Any]]) -> None:
    bench.machine()
    record = bench.make(WWW, **ZONE)
    bench.machine("web-2")
    bench.change(record, machines=["web-2"])
    changes = [each.method for each in fake.calls("(POST|DELETE|PUT) /v2/domains")]
    assert changes == ["POST", "POST", "DELETE"]
    assert len(zone) == 1


def test_what_points_elsewhere_shows_as_its_address(bench: Bench, zone: dict[int, dict[str, Any]]) -> None:
    bench.machine()
    bench.make(WWW, **ZONE)
    next(iter(zone.values()))["data"] = "192.0.2.7"
    (found,) = [each for each in bench.provider.found("shop") if each.ref == WWW]
    assert found.fields["machines"] == ["192.0.2.7"]


def test_records_of_somebody_else_are_left_alone(fake: Fake, bench: Bench, zone: dict[int, dict[str, Any]]) -> None:
    bench.machine()
    foreign(fake)
    with pytest.raises(Refused, match=r"has A records of somebody else: 192\.0\.2\.1"):
        bench.make(WWW, **ZONE)
    assert list(zone) == [9]
    assert [each.ref.kind for each in bench.provider.found("shop")] == ["machine"]


def test_other_names_and_types_of_the_zone_are_not_touched(bench: Bench, zone: dict[int, dict[str, Any]]) -> None:
    base = {"priority": None, "port": None, "ttl": 300, "weight": None, "flags": None, "tag": None}
    zone[7] = {"id": 7, "type": "TXT", "name": "www", "data": "hello", **base}
    zone[8] = {"id": 8, "type": "A", "name": "mail", "data": "192.0.2.1", **base}
    bench.machine()
    bench.provider.delete(bench.make(WWW, **ZONE))
    assert sorted(zone) == [7, 8]


def test_a_zone_that_is_served_elsewhere_is_told(bench: Bench) -> None:
    bench.machine()
    with pytest.raises(Refused, match=r"DigitalOcean does not serve the zone example\.com"):
        bench.make(WWW, **ZONE)


# -- all of them -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("what", "fields", "match"), [
    ("key", {"public_key": PUBLIC}, "account/keys"),
    ("network", {"cidr": "10.7.0.0/16"}, "vpcs"),
    ("firewall", {"rules": canonical([SSH])}, "firewalls"),
    ("volume", {"size": 10, "machine": "web-1"}, "volumes"),
    ("record", ZONE, "domains/example.com/records"),
])
def test_a2_an_answer_that_is_lost_makes_no_second_one(fake: Fake, bench: Bench, zone: dict[int, dict[str, Any]],
                                                      what: Kind, fields: dict[str, Any], match: str) -> None:
    bench.machine()
    fake.faults.append(Fault(rf"POST /v2/{match}\?$", after=True))
    bench.make(Ref(what, "www.example.com" if what == "record" else "it"), **fields)
    assert len(fake.calls(rf"POST /v2/{match}\?$")) == 1
    assert sum(each.ref.kind == what for each in bench.provider.found("shop")) == 1


def test_what_is_needed_and_not_there_is_named(bench: Bench) -> None:
    with pytest.raises(Gone, match="machine web-1 is not there"):
        bench.make(DATA, size=10, machine="web-1")
