"""Machines as an inventory, from their tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from provisioner.cloud.inventory import cloud_inventory
from provisioner.cloud.model import Place, Ref, Wanted
from provisioner.cloud.provider import Order
from provisioner.diag import InputError, UsageError
from provisioner.inventory.load import load_inventory
from provisioner.testing.cloud import FakeCloud

PLACE = {"provider": "ec2", "region": "eu-central-1"}
OPTIONS = {"plugin": "machines", "site": "shop", "places": [PLACE]}


@pytest.fixture
def cloud(tmp_path: Path) -> FakeCloud:
    made = FakeCloud(Place("ec2", "eu-central-1"), tmp_path / "cloud.json")
    for number, groups in enumerate(("web,front", "web", ""), 1):
        wanted = Wanted(Ref("machine", f"m{number}"), made.place, {"user": "deploy", "groups": groups})
        made.create(Order(wanted, "shop", 1, f"token-{number}", {}, "img"))
    for number in (1, 2):
        made.edit(f"machine-{number}", status="running")
    return made


def hosts(cloud: FakeCloud, state: Path | None, now: float = 0.0,
          tell: Callable[[str], None] = lambda text: None, **more: Any) -> Mapping[str, Any]:
    options = {**OPTIONS, **more}
    found: Mapping[str, Any] = cloud_inventory(options, state, lambda place: cloud, lambda: now, tell)["all"]
    return found


def test_running_machines_are_hosts_with_their_groups_and_a_strict_connection(cloud: FakeCloud, tmp_path: Path) -> None:
    known = tmp_path / "state" / "cloud" / "shop" / "known_hosts"
    known.parent.mkdir(parents=True)
    known.write_text("@cert-authority machine-1 ssh-ed25519 AAAA\n")
    told: list[str] = []
    found = hosts(cloud, tmp_path / "state", tell=told.append)
    assert told == ["the host keys of m2 were never verified from here"]
    assert list(found["hosts"]) == ["m1", "m2"]
    assert found["children"] == {"front": {"hosts": {"m1": None}}, "web": {"hosts": {"m1": None, "m2": None}}}
    assert found["hosts"]["m1"] == {
        "ansible_host": "192.0.2.1", "ansible_user": "deploy", "ansible_ssh_host_key_alias": "machine-1",
        "ansible_ssh_known_hosts_file": str(known),
        "machine_id": "machine-1", "machine_private_address": "", "machine_place": "ec2 eu-central-1"}


def test_where_nothing_was_verified_no_file_is_named_and_it_is_told(cloud: FakeCloud, tmp_path: Path) -> None:
    told: list[str] = []
    found = hosts(cloud, tmp_path / "state", tell=told.append)
    assert told == ["the host keys of m1, m2 were never verified from here"]
    assert "ansible_ssh_known_hosts_file" not in found["hosts"]["m1"]
    assert found["hosts"]["m1"]["ansible_ssh_host_key_alias"] == "machine-1"


def test_a_command_right_after_another_does_not_ask_again(cloud: FakeCloud, tmp_path: Path) -> None:
    import time  # noqa: PLC0415

    for _ in range(3):
        hosts(cloud, tmp_path / "state", time.time())
    assert cloud.calls["found"] == 1
    hosts(cloud, tmp_path / "state", time.time() + 61)
    assert cloud.calls["found"] == 2
    hosts(cloud, tmp_path / "state", time.time() + 61, cache=0)
    assert cloud.calls["found"] == 3


def test_wrong_options_are_told(cloud: FakeCloud) -> None:
    with pytest.raises(UsageError, match=r"Unsupported parameters for .* module: sites"):
        cloud_inventory({"plugin": "machines", "sites": "shop", "places": []}, None)


def test_the_plugin_is_found_by_its_name_and_mistakes_have_their_place(tmp_path: Path) -> None:
    file = tmp_path / "cloud.yml"
    file.write_text("plugin: machines\nsite: shop\nplaces: [{provider: ec3}]\n")
    with pytest.raises(InputError, match=r"cloud.yml:1:9: Wrong inventory.*did you mean ec2"):
        load_inventory([str(file)])
