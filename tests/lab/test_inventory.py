from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from provisioner.lab import OPS, Lab, LabHost, lab_inventory
from provisioner.lab.inventory import as_yaml, inventory_of
from provisioner.lab.record import HostRecord

RECORD = HostRecord("web", 10, "10.64.0.10", "bookworm", (), (OPS,), ("/base",), (), ("ed25519 AAAA",))


def test_it_gives_all_that_a_strict_connection_needs() -> None:
    inventory = inventory_of([RECORD], Path("/state/lab"))
    assert inventory["all"]["hosts"]["web"] == {
        "ansible_host": "10.64.0.10",
        "ansible_user": "root",
        "ansible_ssh_private_key_file": "/state/lab/keys/id_ed25519",
        "ansible_ssh_known_hosts_file": "/state/lab/known_hosts",
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    assert inventory["all"]["children"] == {"lab": {"hosts": {"web": None}}}


@pytest.mark.parametrize("records", [[], [RECORD]], ids=["empty", "one host"])
def test_its_file_is_the_same_as_yaml(records: list[HostRecord]) -> None:
    inventory = inventory_of(records, Path("/a dir: with #odd 'name'"))
    expected: dict[str, object] = {"hosts": {"web": {}}} if records else {"hosts": {}}
    inventory["all"]["children"]["lab"] = expected  # a host without variables here may be written {} as well as null
    assert yaml.safe_load(as_yaml(inventory)) == inventory


def test_where_there_is_no_lab_it_has_no_hosts(tmp_path: Path) -> None:
    assert lab_inventory(tmp_path / "none")["all"]["hosts"] == {}


def test_a_host_that_is_off_is_not_in_it(lab: Lab, lab_host: LabHost) -> None:
    assert lab_host.name in lab_inventory(lab.state_dir)["all"]["hosts"]
    lab_host.kill()
    assert lab_host.name not in lab_inventory(lab.state_dir)["all"]["hosts"]
