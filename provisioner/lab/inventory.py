"""The lab's hosts as an inventory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from provisioner.lab.record import read_record

INTERPRETER = "/usr/bin/python3"


def lab_inventory(state_dir: Path) -> dict[str, Any]:
    """All hosts of the lab in the shape of a YAML inventory: every host in `all` and in the group `lab`.

    Reads the records only: it needs no root, and gives an empty inventory where there is no lab.
    """
    records = [read_record(directory) for directory in sorted((state_dir / "hosts").glob("*"))]
    complete = [record for record in records if record is not None and record.host_keys]
    hosts = {
        record.name: {
            "ansible_host": record.address,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(state_dir / "keys" / "id_ed25519"),
            "ansible_ssh_known_hosts_file": str(state_dir / "known_hosts"),
            "ansible_python_interpreter": INTERPRETER,
        }
        for record in sorted(complete, key=lambda record: record.number)
    }
    return {"all": {"hosts": hosts, "children": {"lab": {"hosts": dict.fromkeys(hosts, None)}}}}
