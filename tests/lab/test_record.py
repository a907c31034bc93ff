from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.diag import LabError
from provisioner.lab import DEPLOY, OPS, lab_inventory
from provisioner.lab.record import HostRecord, read_record

RECORD = HostRecord("web", 10, "10.64.0.10", "bookworm", ("nginx",), (OPS, DEPLOY), ("/l", "/b"), (), ("ed25519 AAAA",))


def test_a_record_reads_back_as_it_was_written(tmp_path: Path) -> None:
    RECORD.write(tmp_path / "web")
    assert read_record(tmp_path / "web") == RECORD


def test_a_host_without_a_record_was_never_complete(tmp_path: Path) -> None:
    assert read_record(tmp_path) is None


def test_a_record_of_another_version_is_refused_with_the_way_out(tmp_path: Path) -> None:
    RECORD.write(tmp_path)
    file = tmp_path / "host.json"
    file.write_text(file.read_text().replace('"schema": 1', '"schema": 2'))
    with pytest.raises(LabError) as caught:
        read_record(tmp_path)
    assert "provision lab down --all" in caught.value.hint


def test_the_inventory_gives_all_that_a_strict_connection_needs(tmp_path: Path) -> None:
    RECORD.write(tmp_path / "hosts/web")
    inventory = lab_inventory(tmp_path)
    assert inventory["all"]["hosts"]["web"] == {
        "ansible_host": "10.64.0.10",
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(tmp_path / "keys/id_ed25519"),
        "ansible_ssh_known_hosts_file": str(tmp_path / "known_hosts"),
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    assert inventory["all"]["children"] == {"lab": {"hosts": {"web": None}}}


def test_where_there_is_no_lab_the_inventory_is_empty(tmp_path: Path) -> None:
    assert lab_inventory(tmp_path / "none")["all"]["hosts"] == {}
