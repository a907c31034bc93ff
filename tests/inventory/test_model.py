"""Groups of hosts, layers of variables, and hosts that are added while a play runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.inventory.load import load_inventory
from provisioner.inventory.model import Inventory
from provisioner.values import HostName
from tests.inventory.conftest import Files

W1 = HostName("w1")


def labels(inventory: Inventory, host: str) -> list[str]:
    return [label for label, _ in inventory.host_layers(HostName(host))]


def merged(inventory: Inventory, host: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for _, layer in inventory.host_layers(HostName(host)):
        values.update(layer)
    return values


def test_layers_come_in_the_documented_order(files: Files) -> None:
    files.write({
        "inv/hosts.ini": "[web]\nw1 v=1\n[prod:children]\nweb\n[web:vars]\nv=1\n[all:vars]\nv=1\n",
        "inv/group_vars/all.yml": "v: 1", "inv/group_vars/web.yml": "v: 1", "inv/group_vars/prod.yaml": "v: 1",
        "inv/host_vars/w1.json": '{"v": 1}',
        "play/group_vars/all": "v: 1", "play/group_vars/web/a.yml": "v: 1", "play/group_vars/web/b.yml": "v: 1",
        "play/host_vars/w1.yml": "v: 1",
    })
    inventory = files.load("inv/hosts.ini", playbook_dir="play")
    assert labels(inventory, "w1") == [
        "group all in inv/hosts.ini", "group web in inv/hosts.ini",
        "inv/group_vars/all.yml", "play/group_vars/all",
        "inv/group_vars/prod.yaml", "inv/group_vars/web.yml", "play/group_vars/web/a.yml", "play/group_vars/web/b.yml",
        "inventory host", "inv/host_vars/w1.json", "play/host_vars/w1.yml",
    ]


def test_a_localhost_that_no_inventory_names_has_variables_of_files(files: Files) -> None:
    files.write({"inv": "w1\n", "play/group_vars/all.yml": "v: 1\nw: 1", "play/host_vars/localhost": "v: 2"})
    found = merged(files.load("inv", playbook_dir="play"), "localhost")
    assert (found["v"], found["w"], found["ansible_connection"]) == (2, 1, "local")


@pytest.mark.parametrize(("text", "winner"), [
    ("[a]\nw1\n[b]\nw1\n[a:vars]\nv=a\n[b:vars]\nv=b\n", "b"),  # one depth: the alphabet
    ("[b]\nw1\n[a]\nw1\n[a:vars]\nv=a\nansible_group_priority=10\n[b:vars]\nv=b\n", "a"),
    ("[z:children]\na\n[a]\nw1\n[a:vars]\nv=a\n[z:vars]\nv=z\n", "a"),  # the child wins
    ("[z:children]\na\n[a]\nw1\n[a:vars]\nv=a\n[z:vars]\nv=z\nansible_group_priority=10\n", "a"),  # depth comes first
    ("[a]\nw1\n[a:vars]\nv=a\n[all:vars]\nv=all\n", "a"),
    ("[a]\nw1 v=host\n[a:vars]\nv=a\n", "host"),
    # `a` is at depth 1 and 3: the longest way counts.
    ("[a]\nw1\n[x:children]\ny\n[y:children]\na\n[m]\nw1\n[a:vars]\nv=a\n[m:vars]\nv=m\n", "a"),
])
def test_groups_are_merged_by_depth_priority_and_name(text: str, winner: str, files: Files) -> None:
    assert merged(files.ini(text), "w1")["v"] == winner


def test_localhost_is_local_unless_the_inventory_says_otherwise(files: Files) -> None:
    inventory = files.ini("w1\n[all:vars]\nx=1\n")
    assert inventory.hosts("all") == ["w1"]
    assert not inventory.has(HostName("localhost"))
    assert (merged(inventory, "localhost")["ansible_connection"], merged(inventory, "localhost")["x"]) == ("local", 1)
    named = files.ini("localhost ansible_port=2222\n")
    assert merged(named, "localhost") == {"ansible_port": 2222}


def test_groups_of_a_host_are_sorted_without_all(files: Files) -> None:
    inventory = files.ini("lone\n[web]\nw1\n[prod:children]\nweb\n")
    assert inventory.groups_of(W1) == ["prod", "web"]
    assert inventory.groups_of(HostName("lone")) == ["ungrouped"]
    assert inventory.groups_of(HostName("unknown")) == []


def test_a_host_is_added_while_a_play_runs(files: Files) -> None:
    files.write({"host_vars/new.yml": "h: 1\n", "group_vars/fresh.yml": "g: 1\n"})
    inventory = files.ini("[web]\nw1\n")
    assert inventory.add_host(HostName("new"), ["web", "fresh"], {"a": 1})
    assert inventory.groups["web"] == ["w1", "new"]
    assert inventory.groups["fresh"] == ["new"]
    assert inventory.hosts("all") == ["w1", "new"]
    assert merged(inventory, "new") == {"a": 1, "h": 1, "g": 1}
    assert not inventory.add_host(HostName("new"), ["web"], {"a": 1})
    assert inventory.add_host(HostName("new"), [], {"a": 2})
    assert inventory.add_host(HostName("alone"), [], {})
    assert inventory.groups["ungrouped"] == ["alone"]
    assert inventory.add_to_group("web", HostName("alone"), [])
    assert inventory.groups["ungrouped"] == []


def test_a_group_is_made_below_its_parents(files: Files) -> None:
    inventory = files.ini("[web]\nw1\n")
    assert inventory.add_to_group("os_debian", W1, ["systems"])
    assert not inventory.add_to_group("os_debian", W1, ["systems"])
    assert inventory.groups["systems"] == ["w1"]
    assert inventory.groups_of(W1) == ["os_debian", "systems", "web"]
    assert inventory.add_to_group("later", W1, [])
    assert inventory.hosts("later") == ["w1"]


def test_a_refreshed_inventory_keeps_what_was_added_while_plays_ran(files: Files) -> None:
    files.write({"old.ini": "one\ntwo\n", "new.ini": "two\nthree\n"})
    inventory = load_inventory(["old.ini"])
    inventory.add_host(HostName("added"), ["late"], {"size": 1})
    inventory.add_to_group("odd", HostName("one"), ())
    inventory.add_to_group("even", HostName("two"), ())
    inventory.refresh(load_inventory(["new.ini"]))
    assert sorted(inventory.hosts("all")) == ["added", "three", "two"]
    assert (inventory.groups["late"], inventory.groups["even"]) == (["added"], ["two"])
    assert dict(inventory.host_layers(HostName("added")))["inventory host"] == {"size": 1}


@pytest.mark.parametrize(("merge", "found"), [(True, {"a": 1, "b": 3, "c": 4}), (False, {"b": 3, "c": 4})])
def test_mappings_of_several_sources_are_joined_where_that_is_asked_for(
    tmp_path: Path, merge: bool, found: dict[str, int]
) -> None:
    for name, value in (("one", "{a: 1, b: 2}"), ("two", "{b: 3, c: 4}")):
        (tmp_path / f"{name}.yml").write_text(f"all: {{hosts: {{w1: {{own: {value}}}}}, vars: {{d: {value}}}}}\n")
    inventory = load_inventory([str(tmp_path / "one.yml"), str(tmp_path / "two.yml")], merge=merge)
    assert (merged(inventory, "w1")["d"], merged(inventory, "w1")["own"]) == (found, found)
