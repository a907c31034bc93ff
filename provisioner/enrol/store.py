"""What is known about the machines of a site on this controller: in the site's state directory, whole at any time.

    machines.json   by machine: its own key, how long its certificate holds; throw-away keys that machines in the
                    making were given; images that print no keys
    known_hosts     what every later connection is verified by; derived from it

Nothing in it is secret, and all of it may be lost: hosts with a certificate are known by the site's CA alone.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from provisioner import durable
from provisioner.diag import ProvisionError
from provisioner.enrol.throwaway import Expected

SCHEMA: Final = 1
HEAD: Final = "# Written by provision: the hosts of a site, by the ids of their machines.\n"


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A machine whose key is its own and has a certificate. public: that key. expires: seconds since 1970."""

    name: str
    line: str
    public: str
    expires: float


@dataclass(frozen=True, slots=True)
class _Content:
    machines: Mapping[str, Enrolled]
    expected: Mapping[str, Expected]
    silent: frozenset[str] = frozenset()


class SiteStore:
    """One per site and process; its methods may be called by several threads. Processes are kept apart by the site's
    lock."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = threading.Lock()

    @property
    def known_hosts(self) -> Path:
        return self.directory / "known_hosts"

    def enrolled(self, machine_id: str) -> Enrolled | None:
        with self._lock:
            return self._read().machines.get(machine_id)

    def keep(self, machine_id: str, machine: Enrolled) -> None:
        """It is known by its certificate from now on; a throw-away key of the same name is believed no more."""
        with self._lock:
            content = self._read()
            expected = {key: value for key, value in content.expected.items()
                        if key.rpartition("/")[0] != machine.name}
            self._write(replace(content, machines={**content.machines, machine_id: machine}, expected=expected))

    def expect(self, name: str, generation: int, expected: Expected) -> None:
        """Write down the throw-away key of a machine before it is made."""
        with self._lock:
            content = self._read()
            self._write(replace(content, expected={**content.expected, f"{name}/{generation}": expected}))

    def expected(self, name: str, generation: int) -> Expected | None:
        with self._lock:
            return self._read().expected.get(f"{name}/{generation}")

    def forget(self, machine_id: str, name: str) -> None:
        """A machine is gone, and with it the throw-away keys of its name."""
        with self._lock:
            content = self._read()
            machines = {key: value for key, value in content.machines.items() if key != machine_id}
            expected = {key: value for key, value in content.expected.items() if key.rpartition("/")[0] != name}
            if (machines, expected) != (content.machines, content.expected):
                self._write(replace(content, machines=machines, expected=expected))

    def is_silent(self, image: str) -> bool:
        """Whether a machine of this image showed no keys on its console."""
        with self._lock:
            return image in self._read().silent

    def silent(self, image: str) -> None:
        with self._lock:
            content = self._read()
            self._write(replace(content, silent=content.silent | {image}))

    def _read(self) -> _Content:
        file = self.directory / "machines.json"
        try:
            data: Any = json.loads(file.read_text())
        except FileNotFoundError:
            return _Content({}, {})
        except ValueError as error:
            raise ProvisionError(f"{file} is damaged: {error}", hint="remove it: hosts are known by the site's CA") \
                from None
        if data.get("schema") != SCHEMA:
            raise ProvisionError(f"{file} was written by another version of this program", hint="use that one")
        return _Content({key: Enrolled(**value) for key, value in data["machines"].items()},
                        {key: Expected(**value) for key, value in data["expected"].items()},
                        frozenset(data.get("silent", ())))

    def _write(self, content: _Content) -> None:
        data = {"schema": SCHEMA, "machines": {key: asdict(value) for key, value in content.machines.items()},
                "expected": {key: asdict(value) for key, value in content.expected.items()},
                "silent": sorted(content.silent)}
        durable.write(self.directory / "machines.json", json.dumps(data, indent=1, sort_keys=True).encode())
        lines = sorted({machine.line for machine in content.machines.values()})
        durable.write(self.known_hosts, (HEAD + "".join(f"{line}\n" for line in lines)).encode(), durable.OPEN)
