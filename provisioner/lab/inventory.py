"""The lab's hosts as an inventory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from provisioner.lab.processes import Container
from provisioner.lab.record import HostRecord, read_record

INTERPRETER = "/usr/bin/python3"


def lab_inventory(state_dir: Path) -> dict[str, Any]:
    """The running hosts of the lab in the shape of a YAML inventory; without hosts where there is no lab.

    `state_dir` is the lab's own (`default_state_dir()`). Needs no root.
    """
    directories = sorted((state_dir / "hosts").glob("*"))
    running = [path for path in directories if Container(path / "root", path / "upper").supervisors()]
    records = (read_record(directory) for directory in running)
    return inventory_of((record for record in records if record is not None and record.host_keys), state_dir)


def inventory_of(records: Iterable[HostRecord], state_dir: Path) -> dict[str, Any]:
    """Every host in `all` and in the group `lab`, by number, with all that a strict connection needs."""
    hosts = {
        record.name: {
            "ansible_host": record.address,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(state_dir / "keys" / "id_ed25519"),
            "ansible_ssh_known_hosts_file": str(state_dir / "known_hosts"),
            "ansible_python_interpreter": INTERPRETER,
        }
        for record in sorted(records, key=lambda record: record.number)
    }
    return {"all": {"hosts": hosts, "children": {"lab": {"hosts": dict.fromkeys(hosts, None)}}}}


def as_yaml(data: Mapping[str, Any], indent: str = "") -> str:
    """The inventory as the text of a YAML file. All scalars are strings, and JSON's strings are YAML's."""
    lines = ""
    for key, value in data.items():
        if isinstance(value, Mapping) and value:
            lines += f"{indent}{key}:\n{as_yaml(value, indent + '  ')}"
        else:
            lines += f"{indent}{key}: {json.dumps(value or {})}\n"
    return lines
