"""Facts of hosts kept between runs: one JSON file a host, as Ansible's `jsonfile` cache has them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from provisioner.diag import Diagnostic, InputError
from provisioner.remote.plain import plain
from provisioner.values import HostName, Secret, Unknown

_DAMAGED: Final = (ValueError, UnicodeDecodeError)


@dataclass(frozen=True, slots=True)
class FactCache:
    """timeout: seconds after which facts are too old; 0: never."""

    directory: Path
    timeout: int = 0
    prefix: str = ""

    def read(self, hosts: Iterable[HostName]) -> dict[HostName, dict[str, Any]]:
        """What is known and not too old; a damaged file is as good as none."""
        found: dict[HostName, dict[str, Any]] = {}
        now = time.time()
        for host in hosts:
            path = self._file(host)
            try:
                if self.timeout and now - path.stat().st_mtime > self.timeout:
                    continue
                facts = json.loads(path.read_text(encoding="utf-8"))
            except (FileNotFoundError, *_DAMAGED):
                continue
            if isinstance(facts, dict):
                found[host] = facts
        return found

    def write(self, host: HostName, facts: Mapping[str, Any]) -> None:
        """Keep the facts of a host; none of them is secret then."""
        shown = {name: value for name, value in facts.items() if not _is_secret(value)}
        path = self._file(host)
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{os.getpid()}")
            with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                json.dump(plain(shown), file, indent=4, sort_keys=True)
            temporary.replace(path)
        except OSError as error:
            raise InputError([Diagnostic("Facts cannot be kept", f"{path}: {error.strerror}",
                                         hint="`fact_caching_connection` names the directory")]) from None

    def forget(self, hosts: Iterable[HostName]) -> None:
        for host in hosts:
            self._file(host).unlink(missing_ok=True)

    def _file(self, host: HostName) -> Path:
        return self.directory / f"{self.prefix}{host.replace('/', '_')}"


def _is_secret(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_is_secret, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_is_secret, value))
    return isinstance(value, (Secret, Unknown))
