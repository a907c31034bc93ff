"""What `-i` may name."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from provisioner.diag import InputError, Span
from provisioner.inventory.load import load_inventory
from provisioner.values import HostName, Template
from tests.inventory.conftest import Files


def test_a_list_of_hosts_on_the_command_line(files: Files) -> None:
    inventory = files.load("a,b:22,w[1:2]")
    assert inventory.groups["all"] == ["a", "b", "w1", "w2"]
    assert inventory.host_table[HostName("b")] == {"ansible_port": 22}
    assert files.load("a,").groups["all"] == ["a"]


def test_several_sources_are_one_inventory_and_the_later_wins(files: Files) -> None:
    files.write({"a.ini": "[web]\nw1 v=a u=a\n", "b.yml": "web: {hosts: {w1: {v: b}, w2: }}\n"})
    inventory = files.load("a.ini", "b.yml")
    assert inventory.groups["web"] == ["w1", "w2"]
    assert inventory.host_table[HostName("w1")] == {"v": "b", "u": "a"}
    assert inventory.sources == ("a.ini", "b.yml")


def test_groups_of_another_source_may_be_named(files: Files) -> None:
    files.write({"a.ini": "[web]\nw1\n", "b.ini": "[prod:children]\nweb\n[web:vars]\nx=1\n"})
    assert files.load("a.ini", "b.ini").groups["prod"] == ["w1"]


def test_a_directory_is_read_file_by_file(files: Files) -> None:
    files.write({"inv/01-hosts": "[web]\nw1\n", "inv/02.yml": "db: {hosts: {d1: }}\n", "inv/notes.md": "x y z",
                 "inv/.hidden": "x y", "inv/03.ini~": "x y", "inv/sub/more.ini": "s1\n",
                 "inv/group_vars/web.yml": "a: '{{ b }}'\n"})
    inventory = files.load("inv")
    assert sorted(inventory.groups["all"]) == ["d1", "s1", "w1"]
    ((label, layer),) = inventory.host_layers(HostName("w1"))
    assert layer == {"a": Template("{{ b }}", Span(label, 1, 4))}


@pytest.mark.parametrize("text", [
    "web:\n  hosts: {w1: }\n", "# c\n---\nall: {hosts: {w1: }}\n", "[web]\nw1\n", "w1\n", "w1:22\n",
])
def test_a_file_without_a_suffix_is_known_by_its_look(text: str, files: Files) -> None:
    files.write({"hosts": text})
    assert files.load("hosts").groups["all"] == ["w1"]


def test_vars_beside_the_playbook_are_not_read_twice(files: Files) -> None:
    files.write({"hosts.ini": "[web]\nw1\n", "group_vars/web.yml": "a: 1\n"})
    inventory = files.load("hosts.ini", playbook_dir=".")
    assert [label for label, _ in inventory.host_layers(HostName("w1"))] == ["group_vars/web.yml"]


def test_the_first_file_of_a_name_is_the_one(files: Files) -> None:
    files.write({"hosts.ini": "[web]\nw1\n", "group_vars/web/x.yml": "a: dir\n", "group_vars/web.yml": "a: file\n"})
    ((_, layer),) = files.load("hosts.ini").host_layers(HostName("w1"))
    assert layer == {"a": "dir"}


def test_an_empty_file_is_an_empty_inventory(files: Files) -> None:
    assert files.yaml("# nothing\n").groups["all"] == []
    assert files.ini("").groups["all"] == []


def test_a_duplicate_key_is_a_warning(files: Files) -> None:
    files.write({"group_vars/all.yml": "a: 1\na: 2\n"})
    (warning,) = files.ini("w1\n").warnings
    assert warning.summary == "Duplicate key"


def test_a_host_and_a_group_of_one_name_are_a_warning(files: Files) -> None:
    (warning,) = files.ini("[web]\nweb\n").warnings
    assert warning.summary == "Host and group of one name"


def test_mistakes_of_all_files_are_told_together(files: Files) -> None:
    files.write({"a.ini": "h x\n", "b.yml": "web: [a]\n"})
    with pytest.raises(InputError) as raised:
        files.load("a.ini", "b.yml", "missing.ini")
    assert [item.span.file if item.span else "" for item in raised.value.items] == ["a.ini", "b.yml", ""]
    assert "missing.ini" in raised.value.items[-1].detail


def test_mistakes_in_vars_files_are_told_before_anything_runs(files: Files) -> None:
    files.write({"hosts.ini": "[web]\nw1\n", "group_vars/web.yml": "a: {{ x }}\n", "host_vars/w1.yml": "[a]\n"})
    with pytest.raises(InputError) as raised:
        files.load("hosts.ini")
    assert [item.span.file for item in raised.value.items if item.span] == ["group_vars/web.yml", "host_vars/w1.yml"]


def test_a_program_without_the_x_bit_is_a_file(files: Files) -> None:
    files.write({"script": "#!/bin/sh\nh1\n"})
    assert "h1" in files.load("script").host_table


def test_the_lab_is_an_inventory_even_when_it_is_empty(files: Files, tmp_path: Path) -> None:
    files.write({"lab.yml": "plugin: lab\n"})
    inventory = load_inventory(["lab.yml"], None, tmp_path / "state")
    assert inventory.groups["lab"] == []


def test_y20_a_hundred_thousand_hosts_are_fine(files: Files) -> None:
    started = time.process_time()
    inventory = files.ini("[web]\nh[1:100000]\n")
    assert len(inventory.hosts("web")) == 100_000
    assert inventory.host_layers(HostName("h5")) == []
    assert time.process_time() - started < 10  # about 1 on a quiet machine
