"""What is written down about each host (`hosts/<name>/host.json`), enough to start it again or to list it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from provisioner.diag import LabError

SCHEMA = 1
FILE = "host.json"


@dataclass(frozen=True, slots=True)
class LabUser:
    """A user made on a host besides root; the lab's key lets every user in.

    sudo: "nopasswd", "password" (asked for the one in `LabHost.password_file(name)`) or "no".
    """

    name: str
    sudo: Literal["nopasswd", "password", "no"] = "nopasswd"


OPS = LabUser("ops")  # on every host
ADMIN = LabUser("admin")
DEPLOY = LabUser("deploy", "password")


@dataclass(frozen=True, slots=True)
class HostRecord:
    """`number` is the last byte of the address; `layers` the image's directories, topmost first.

    `host_keys` are public ("TYPE BASE64") and empty until the root file system is complete: a host without any was
    being made when its maker was killed, and is made anew.
    """

    name: str
    number: int
    address: str
    release: str
    packages: tuple[str, ...]
    users: tuple[LabUser, ...]
    layers: tuple[str, ...]
    options: tuple[str, ...]
    host_keys: tuple[str, ...] = ()

    def write(self, directory: Path) -> None:
        """Write it whole or not at all."""
        directory.mkdir(parents=True, exist_ok=True)
        scratch = directory / f"{FILE}.new"
        scratch.write_text(json.dumps({"schema": SCHEMA, **asdict(self)}, indent=2) + "\n")
        os.replace(scratch, directory / FILE)


def read_record(directory: Path) -> HostRecord | None:
    """The record of the host kept in `directory`; None if its maker was killed before there was one."""
    try:
        data: dict[str, Any] = json.loads((directory / FILE).read_text())
    except FileNotFoundError:
        return None
    if data.pop("schema", None) != SCHEMA:
        raise LabError(
            f"{directory / FILE} was written by another version of this program",
            hint="remove the hosts with `provision lab down --all`",
        )
    users = tuple(LabUser(**user) for user in data.pop("users"))
    # JSON knows no tuples
    plain: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    return HostRecord(users=users, **plain)
