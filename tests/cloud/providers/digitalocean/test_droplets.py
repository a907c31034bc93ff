"""Machines at DigitalOcean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provisioner.cloud.errors import Gone, LimitReached, NoCapacity, Refused, Unavailable
from provisioner.cloud.model import Ref
from provisioner.cloud.providers.digitalocean.refusals import Lost
from provisioner.testing.digitalocean import Fake, Fault
from tests.cloud.providers.digitalocean.conftest import PUBLIC, Bench

WEB = Ref("machine", "web-1")
EVERYTHING = r"POST /v2/droplets\?$"


def actions(fake: Fake) -> list[dict[str, Any]]:
    return [json.loads(each.body) for each in fake.calls(r"POST /v2/droplets/\d+/actions")]


def body(fake: Fake) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(fake.calls(EVERYTHING)[-1].body)
    return content


# -- making ------------------------------------------------------------------------------------------------------


def test_all_it_remembers_is_there_with_the_first_call(fake: Fake, bench: Bench) -> None:
    bench.machine(tags={"Team": "Web Shop"}, protected=True)
    assert body(fake)["tags"] == [
        "provision:site:shop", "provision:name:web-1", "provision:token:machineweb-1", "provision:generation:1",
        "provision:groups:web_2ceu", "provision:image:debian-12", "provision:keys:0123456789abcdef",
        "provision:protected", "Team:Web_20Shop", "provision:user:deploy", "provision:user-data:00112233445566ff",
    ]  # fmt: skip
    assert not fake.calls("POST /v2/tags")


def test_it_gets_its_keys_network_and_firewall_from_the_first_moment(fake: Fake, bench: Bench) -> None:
    key = bench.make(Ref("key", "me"), public_key=PUBLIC)
    network = bench.make(Ref("network", "main"), cidr="10.7.0.0/16")
    rules = [{"protocol": "tcp", "from_port": 22, "to_port": 22, "sources": ["203.0.113.0/24"]}]
    firewall = bench.make(Ref("firewall", "web"), rules=rules)
    bench.machine(needs=(key.ref, network.ref, firewall.ref), network="main", firewall="web")
    said = body(fake)
    assert (said["ssh_keys"], said["vpc_uuid"]) == ([int(key.id)], network.id)
    assert next(iter(fake.world.firewalls.values()))["tags"][0] in said["tags"]
    (found,) = [each for each in bench.provider.found("shop") if each.ref == WEB]
    assert (found.fields["network"], found.fields["firewall"]) == ("main", "web")


def test_a_droplet_that_is_not_ours_is_never_seen(fake: Fake, bench: Bench, other_region: Bench) -> None:
    bench.machine(token="theirs", site="other")
    other_region.machine("web-2")
    bench.provider._api.droplet(name="mine", region="fra1", size_slug="s-1vcpu-1gb", image="debian-12-x64",
                                tags=["provision:site:shop-eu", "shop"]).create()
    assert bench.provider.found("shop") == []
    assert dict(bench.provider.sites()) == {"other": 1}


# -- lost answers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault(EVERYTHING, after=True), Fault(EVERYTHING, after=True, status=500),
                                   Fault(EVERYTHING, after=True, status=504)])
def test_a2_an_answer_that_is_lost_after_the_create_makes_no_second_one(fake: Fake, bench: Bench, fault: Fault) -> None:
    fake.faults.append(fault)
    made = bench.machine()
    assert [str(each) for each in fake.world.droplets] == [made.id]


def test_a2_a_create_that_never_arrived_is_made_by_the_next_run(fake: Fake, bench: Bench) -> None:
    """Whether it will still arrive can't be known, so this run ends with it."""
    fake.faults.append(Fault(EVERYTHING))
    with pytest.raises(Lost) as caught:
        bench.machine()
    assert caught.value.hint == "run it again: what was made is found by its tag and not made twice"
    assert not fake.world.droplets
    assert bench.machine().ref == WEB


def test_an_error_of_the_server_that_made_nothing_is_tried_again(fake: Fake, bench: Bench) -> None:
    fake.faults.append(Fault(EVERYTHING, times=2, status=500, content={"id": "server_error", "message": "no"}))
    bench.machine()
    assert len(fake.world.droplets) == 1


def test_and_ends(fake: Fake, bench: Bench) -> None:
    fake.faults.append(Fault(EVERYTHING, times=99, status=500, content={"id": "server_error", "message": "no"}))
    with pytest.raises(Unavailable, match="server_error: no"):
        bench.machine()
    assert len(fake.calls(EVERYTHING)) == 3


def test_a3_what_no_listing_has_yet_is_waited_for(fake: Fake, bench: Bench) -> None:
    fake.world.hidden = 15
    made = bench.machine()
    assert [str(each) for each in fake.world.droplets] == [made.id]
    assert made.status == "running"


def test_a3_and_not_made_again_by_the_next_run(fake: Fake, bench: Bench) -> None:
    fake.world.hidden = 7
    fake.faults.append(Fault(EVERYTHING, after=True))
    with pytest.raises(Lost):
        bench.machine()
    made = bench.machine()
    assert [str(each) for each in fake.world.droplets] == [made.id]


def test_of_two_that_were_made_at_once_the_first_stays(fake: Fake, bench: Bench) -> None:
    """Another controller made one with the same token between our look and our create."""
    order = bench.order(bench.wanted(WEB))
    handler = bench.provider._handlers["machine"]
    for _ in range(2):
        handler._ordered(order, "provision:token:once").create()  # type: ignore[attr-defined]
    assert len(fake.world.droplets) == 2
    made = bench.provider.create(order)
    assert made.id == "1001"
    assert [each.id for each in bench.provider.found("shop")] == ["1001"]


def test_the_suite_fails_where_the_api_keeps_no_tags(fake: Fake, bench: Bench) -> None:
    """Without tags a lost answer does make a second machine: the tests above would see it."""
    fake.world.tags_kept = False
    fake.faults.append(Fault(EVERYTHING, after=True))
    for _ in range(2):
        with pytest.raises(Lost):
            bench.machine()
    assert len(fake.world.droplets) == 2


def test_a_limit_and_a_lack_of_room_are_told(fake: Fake, bench: Bench) -> None:
    fake.world.droplet_limit = 0
    with pytest.raises(LimitReached, match="will exceed your droplet limit"):
        bench.machine()
    words = "This size is currently unavailable in this region"
    fake.faults.append(Fault(EVERYTHING, status=422, content={"id": "unprocessable_entity", "message": words}))
    with pytest.raises(NoCapacity, match=words):
        bench.machine()


@pytest.mark.parametrize("answer", [{"droplet": {}}, {"droplet": None}, {"droplet": {"id": 1}}])
def test_an_answer_that_makes_no_sense_is_our_error(fake: Fake, bench: Bench, answer: Any) -> None:
    """The library looks for the id of an action in it, and does not find one."""
    fake.faults.append(Fault(EVERYTHING, times=9, status=202, content=answer))
    with pytest.raises(Unavailable, match="makes no sense"):
        bench.machine()


# -- changing ----------------------------------------------------------------------------------------------------


def test_a_resize_is_shut_down_resize_start_and_leaves_the_disk(fake: Fake, bench: Bench) -> None:
    changed = bench.change(bench.machine(), size="s-2vcpu-2gb", disk=None)
    assert actions(fake) == [{"type": "shutdown"}, {"type": "resize", "size": "s-2vcpu-2gb", "disk": False},
                             {"type": "power_on"}]
    assert (changed.status, changed.fields["size"], changed.fields["disk"]) == ("running", "s-2vcpu-2gb", 25)


def test_the_disk_grows_where_it_is_declared(fake: Fake, bench: Bench) -> None:
    changed = bench.change(bench.machine(), size="s-2vcpu-2gb", disk=60)
    assert actions(fake)[1] == {"type": "resize", "size": "s-2vcpu-2gb", "disk": True}
    assert changed.fields["disk"] == 60


def test_a_system_that_does_not_end_is_switched_off(fake: Fake, bench: Bench) -> None:
    fake.world.ignores_shutdown = True
    changed = bench.change(bench.machine(), size="s-2vcpu-2gb", disk=None)
    assert [each["type"] for each in actions(fake)] == ["shutdown", "power_off", "resize", "power_on"]
    assert changed.status == "running"


@pytest.mark.parametrize("number", range(1, 4))
def test_a_resize_that_was_interrupted_anywhere_is_finished_by_the_next_run(
        fake: Fake, bench: Bench, number: int) -> None:
    made = bench.machine()
    fake.faults.append(Fault(r"POST /v2/droplets/\d+/actions", skip=number - 1, after=True))
    with pytest.raises(Unavailable):
        bench.change(made, size="s-2vcpu-2gb", disk=None)
    (current,) = bench.provider.found("shop")
    changed = bench.change(current, size="s-2vcpu-2gb", running=True, disk=None)
    assert (changed.status, changed.fields["size"]) == ("running", "s-2vcpu-2gb")


def test_what_is_still_under_way_is_waited_for(fake: Fake, bench: Bench) -> None:
    made = bench.machine()
    words = {"id": "unprocessable_entity", "message": "Droplet already has a pending event."}
    fake.faults.append(Fault(r"POST /v2/droplets/\d+/actions", times=5, status=422, content=words))
    assert bench.change(made, running=False).status == "stopped"


def test_an_action_that_fails_or_never_ends_is_told(fake: Fake, bench: Bench) -> None:
    made = bench.machine()
    failed = {"action": {"id": 1, "status": "errored", "type": "shutdown"}}
    fake.faults.append(Fault(r"GET /v2/actions", status=200, content=failed))
    with pytest.raises(Unavailable, match="machine web-1: shutting down: DigitalOcean says errored"):
        bench.change(made, running=False)
    bench.change(made, running=True)
    fake.world.polls = 10_000
    with pytest.raises(Unavailable, match="machine web-1: shutting down is not done after 900 s"):
        bench.change(made, running=False)


def test_memories_and_tags_are_changed_without_touching_others(fake: Fake, bench: Bench) -> None:
    made = bench.machine(tags={"env": "a"})
    changed = bench.change(made, keys="ffff", groups="", tags={"env": "b"}, protected=True)
    assert {name: changed.fields[name] for name in ("keys", "groups", "tags", "protected", "user")} == {
        "keys": "ffff", "groups": "", "tags": {"env": "b"}, "protected": True, "user": "deploy"}
    assert not actions(fake)


def test_another_firewall_is_another_tag(fake: Fake, bench: Bench) -> None:
    changed = bench.change(bench.machine(firewall="web"), firewall="db")
    assert changed.fields["firewall"] == "db"
    assert "provision:firewall:shop:fra1:web" not in changed.more["tags"]


# -- deleting ----------------------------------------------------------------------------------------------------


def test_a_delete_returns_when_it_is_gone_with_the_token_of_its_making(fake: Fake, bench: Bench) -> None:
    fake.world.polls = 5
    made = bench.machine()
    bench.provider.delete(made)
    assert not fake.world.droplets
    assert not [each for each in fake.world.tags if "token" in each]
    bench.provider.delete(made)
    with pytest.raises(Gone):
        bench.provider.look(made)


def test_a_delete_whose_answer_is_lost_is_done(fake: Fake, bench: Bench) -> None:
    made = bench.machine()
    fake.faults.append(Fault(r"DELETE /v2/droplets", after=True))
    bench.provider.delete(made)
    assert not fake.world.droplets


def test_a_protected_one_is_not_deleted_even_if_a_plan_says_so(fake: Fake, bench: Bench) -> None:
    made = bench.machine(protected=True)
    with pytest.raises(Refused, match="machine web-1 is protected"):
        bench.provider.delete(made)
    assert fake.world.droplets


def test_a_limit_of_user_data_is_that_of_the_api(bench: Bench) -> None:
    assert bench.provider.user_data_limit == 65536
    assert (bench.provider.enrolment, bench.provider.host_keys(bench.machine())) == ("injected", ())
