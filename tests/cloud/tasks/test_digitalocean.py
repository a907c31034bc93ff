"""Droplets and keys by tasks, at the fake DigitalOcean."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.actions import digital_ocean_droplet, digital_ocean_sshkey
from provisioner.cloud.providers.digitalocean import wire
from provisioner.testing.digitalocean import TOKEN, Fake, Fault
from provisioner.testing.digitalocean.clock import Clock
from provisioner.values import Secret
from tests.cloud.tasks.conftest import ask

PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


@pytest.fixture
def fake(digitalocean: Fake, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Waiting takes no time."""
    clock = Clock()
    monkeypatch.setattr(wire, "Patience", clock.patience)
    return digitalocean


@pytest.fixture
def place(fake: Fake) -> dict[str, Any]:
    return {"baseurl": fake.url}


@pytest.fixture
def droplet(place: dict[str, Any]) -> dict[str, Any]:
    return {**place, "name": "web-1", "unique_name": True, "size": "s-1vcpu-1gb", "image": "debian-12-x64",
            "region": "fra1"}


def test_a_key_comes_once_and_goes_once(fake: Fake, place: dict[str, Any]) -> None:
    key = {**place, "ssh_pub_key": f"{PUBLIC} me"}
    assert ask(digital_ocean_sshkey, check=True, **key, name="me")["changed"]
    assert fake.world.keys == {}
    made = ask(digital_ocean_sshkey, **key, name="me")
    assert (made["changed"], made["data"]["ssh_key"]["name"]) == (True, "me")
    again = ask(digital_ocean_sshkey, **key, name="me")
    assert (again["changed"], again["data"]) == (False, made["data"])
    assert ask(digital_ocean_sshkey, **key, name="you")["data"]["ssh_key"]["name"] == "me"
    gone = {**place, "fingerprint": made["data"]["ssh_key"]["fingerprint"], "state": "absent"}
    assert ask(digital_ocean_sshkey, **gone)["changed"]
    assert ask(digital_ocean_sshkey, **gone)["changed"] is False


def test_a_droplet_comes_once_and_goes_once(fake: Fake, place: dict[str, Any], droplet: dict[str, Any]) -> None:
    key = ask(digital_ocean_sshkey, **place, ssh_pub_key=PUBLIC, name="me")["data"]["ssh_key"]["id"]
    droplet = {**droplet, "ssh_keys": [key], "tags": ["web"], "monitoring": True}
    foreseen = ask(digital_ocean_droplet, check=True, **droplet)
    assert (foreseen["changed"], fake.world.droplets) == (True, {})
    made = ask(digital_ocean_droplet, **droplet)
    assert made["changed"]
    assert made["data"]["droplet"]["status"] == "active"
    assert made["data"]["droplet"]["tags"] == ["web"]
    assert made["data"]["ip_address"]
    again = ask(digital_ocean_droplet, **droplet)
    assert (again["changed"], again["data"]["droplet"]["id"]) == (False, made["data"]["droplet"]["id"])
    gone = {**place, "name": "web-1", "unique_name": True, "state": "absent"}
    assert ask(digital_ocean_droplet, check=True, **gone)["changed"]
    assert len(fake.world.droplets) == 1
    assert ask(digital_ocean_droplet, **gone)["changed"]
    assert ask(digital_ocean_droplet, **gone)["changed"] is False
    assert fake.world.tags == ["web"]


def test_a_lost_answer_does_not_make_a_second_one(fake: Fake, droplet: dict[str, Any]) -> None:
    fake.faults.append(Fault(r"POST /v2/droplets\?$", after=True))
    made = ask(digital_ocean_droplet, **droplet)
    assert list(fake.world.droplets) == [made["data"]["droplet"]["id"]]


def test_a_name_that_is_not_unique_is_made_again(fake: Fake, droplet: dict[str, Any]) -> None:
    for _ in range(2):
        assert ask(digital_ocean_droplet, **{**droplet, "unique_name": False})["changed"]
    assert len(fake.world.droplets) == 2
    refused = ask(digital_ocean_droplet, **droplet)
    assert "say which by `id`" in refused["hint"]


def test_tags_power_and_size_are_changed(fake: Fake, droplet: dict[str, Any]) -> None:
    ask(digital_ocean_droplet, **droplet)
    assert ask(digital_ocean_droplet, **droplet, tags=["web"])["data"]["droplet"]["tags"] == ["web"]
    larger = {**droplet, "size": "s-2vcpu-2gb"}
    assert "state: inactive" in ask(digital_ocean_droplet, **larger)["hint"]
    off = ask(digital_ocean_droplet, **larger, state="inactive")["data"]["droplet"]
    assert (off["status"], off["size_slug"]) == ("off", "s-2vcpu-2gb")
    assert ask(digital_ocean_droplet, **larger, state="inactive")["changed"] is False
    assert ask(digital_ocean_droplet, **larger, state="active")["data"]["droplet"]["status"] == "active"


def test_what_is_refused_is_told_in_words(fake: Fake, droplet: dict[str, Any]) -> None:
    wrong = ask(digital_ocean_droplet, **droplet, oauth_token=Secret("wrong"))
    assert (wrong["failed"], "token is wrong" in wrong["hint"]) == (True, True), wrong
    assert "wrong" not in wrong["msg"].replace("is wrong", "")
    fake.world.droplet_limit = 0
    assert "raise the limit" in ask(digital_ocean_droplet, **droplet)["hint"]
    assert "has no size" in ask(digital_ocean_droplet, **{**droplet, "size": None})["msg"]


def test_the_token_of_the_task_wins(fake: Fake, place: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", "another")
    key = {**place, "name": "me", "ssh_pub_key": PUBLIC}
    assert ask(digital_ocean_sshkey, **key, oauth_token=Secret(TOKEN))["changed"]
    assert ask(digital_ocean_sshkey, **key, environment={"DIGITALOCEAN_TOKEN": TOKEN})["changed"] is False
