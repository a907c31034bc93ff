"""Pure: the lines that are kept on a host, one a resource, each signed by itself, so that a host can put new ones among
those of other controllers without having the key.

A line says nothing to who lacks the key: the resource is a keyed hash of its name, what was wanted of it another one.
A signature is good for one host of the inventory, and one key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from provisioner.events import Resource
from provisioner.history.baselines import Baseline
from provisioner.values import HostName

_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Record:
    """What a host has of what was applied to it. problem: why it has none, or not all, that can be believed."""

    key: bytes = field(repr=False)
    own: str
    """The host's address as its resources have it; those of other hosts are told apart by theirs."""
    lines: Mapping[str, Baseline]
    problem: str = ""

    def baseline(self, resource: Resource) -> Baseline | None:
        return self.lines.get(id_of(self.key, resource, self.own))


def name_of_file(key: bytes) -> str:
    """What the file of this key's lines is called on hosts."""
    return _mac(key, "name")[:16]


def id_of(key: bytes, resource: Resource, own: str) -> str:
    """own: two controllers may reach a host by two addresses, so its own is left out."""
    where = "" if resource.where == own else resource.where
    return _mac(key, "resource", where, resource.module, resource.name)[:32]


def line(key: bytes, host: HostName, name: str, wanted: frozenset[str], applied: float, run: str) -> list[Any]:
    """[what was wanted, when, by which run, signature]; `name` is what `id_of` gives."""
    fields = [sorted(wanted), round(applied, 3), run]
    return [*fields, _signature(key, host, name, fields)]


def read(key: bytes, host: HostName, own: str, answer: Mapping[str, Any]) -> Record:
    """What the module `host_baseline` gave. The host may say anything: only what is signed counts."""
    lines, good = answer.get("lines"), dict[str, Baseline]()
    if answer.get("damaged") or not isinstance(lines, Mapping):
        return Record(key, own, {}, "the record on the host is damaged")
    for name, fields in lines.items():
        if _holds(key, host, str(name), fields):
            good[str(name)] = Baseline(frozenset(fields[0]), float(fields[1]), 0)
    if len(good) < len(lines):
        return Record(key, own, good, "the record on the host was tampered with: its signature does not hold")
    if not lines and answer.get("others"):
        return Record(key, own, {}, "the record on the host is signed with another key")
    return Record(key, own, good)


def _holds(key: bytes, host: HostName, name: str, fields: Any) -> bool:
    try:
        *signed, signature = fields
        wanted, applied, run = signed
        shaped = (isinstance(applied, float | int) and isinstance(run, str) and isinstance(signature, str)
                  and all(isinstance(each, str) for each in wanted))  # fmt: skip
        return shaped and hmac.compare_digest(_signature(key, host, name, signed).encode(), signature.encode())
    except (TypeError, ValueError):
        return False


def _signature(key: bytes, host: HostName, name: str, fields: list[Any]) -> str:
    return _mac(key, "line", host, name, *fields)


def _mac(key: bytes, purpose: str, *fields: Any) -> str:
    text = json.dumps(["provision baseline", _VERSION, purpose, *fields])
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
