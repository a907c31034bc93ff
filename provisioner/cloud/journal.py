"""What a controller began at a provider, written down before each call, so that no run repeats what a killed one did.

The truth is at the provider, in its tags. The journal only gives the names of attempts: a token for each generation of
a resource, the same however often the attempt is repeated. It may be lost: then tokens are new, and what is there is
found by its tags.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from provisioner import durable
from provisioner.cloud.model import Place, Ref
from provisioner.diag import ProvisionError

SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class Attempt:
    """A create that was begun. done: the provider's id, once it was told. notes: what is needed to go on with it (the
    public half of an injected host key), one for each time it was tried, as any of them may be the one that worked;
    never a secret."""

    ref: Ref
    generation: int
    token: str
    began: float
    done: str = ""
    notes: tuple[Mapping[str, Any], ...] = ()


class Journal:
    """Of one site on this controller: lines of JSON that are only ever appended to, each on the disk before it counts.

    Only one process at a time (`provisioner.cloud.lock`).
    """

    def __init__(self, path: Path, *, to_write: bool = True) -> None:
        """to_write: False for who only plans: nothing is made on the disk then."""
        self._path = path
        self._nonce = ""
        self._attempts: dict[tuple[Ref, int], Attempt] = {}
        self._places: dict[Place, None] = {}
        self._made: dict[str, float] = {}
        for entry in self._entries(to_write=to_write):
            self._take(entry)
        if to_write and not self._nonce:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Two controllers, or a journal that was lost, must not repeat each other's tokens: one that has ended a
            # machine would get that machine again.
            self._write({"schema": SCHEMA, "nonce": secrets.token_hex(16)})

    def attempt(self, site: str, ref: Ref, newest: int, now: float, note: Mapping[str, Any]) -> Attempt:
        """The attempt at a resource that is not there: the one that was begun and not ended, or a new one.

        newest: the highest generation that the provider knows, 0 for none.
        """
        last = max((number for known, number in self._attempts if known == ref), default=0)
        begun = self._attempts.get((ref, last))
        number = last if begun is not None and not begun.done and last > newest else max(last, newest) + 1
        token = hashlib.sha256(f"{site}/{ref}/{number}/{self._nonce}".encode()).hexdigest()[:48]
        self._write({"ref": [ref.kind, ref.name], "generation": number, "token": token, "began": now, "note": note})
        return self._attempts[ref, number]

    @property
    def places(self) -> tuple[Place, ...]:
        """Where this controller ever made something of the site, in that order."""
        return tuple(self._places)

    def remember(self, place: Place) -> None:
        """Resources are about to be made there: they will be looked for there, even when nothing names it any more."""
        if place not in self._places:
            self._write({"place": asdict(place)})

    def done(self, attempt: Attempt, resource: str, now: float) -> None:
        self._write({"ref": [attempt.ref.kind, attempt.ref.name], "generation": attempt.generation, "done": resource,
                     "at": now})

    def gone(self, resource: str) -> None:
        """What we made is not there any more, by our own doing."""
        if resource in self._made:
            self._write({"gone": resource})

    def made_since(self, moment: float) -> frozenset[str]:
        """Ids of what was made after it and not deleted by us: a listing without them may be too early."""
        return frozenset(resource for resource, at in self._made.items() if at > moment)

    def of(self, ref: Ref, generation: int) -> Attempt | None:
        return self._attempts.get((ref, generation))

    def _take(self, entry: Mapping[str, Any]) -> None:
        if "nonce" in entry:
            self._nonce = str(entry["nonce"])
            return
        if "place" in entry:
            self._places[Place(**entry["place"])] = None
            return
        if "gone" in entry:
            self._made.pop(entry["gone"], None)
            return
        ref, number = Ref(*entry["ref"]), int(entry["generation"])
        if "token" in entry:
            earlier = self._attempts.get((ref, number))
            notes = (*(earlier.notes if earlier else ()), entry["note"])
            self._attempts[ref, number] = Attempt(ref, number, entry["token"], entry["began"], notes=notes)
        else:
            begun = self._attempts[ref, number]
            self._attempts[ref, number] = replace(begun, done=entry["done"])
            self._made[entry["done"]] = entry["at"]

    def _entries(self, *, to_write: bool) -> Iterator[Mapping[str, Any]]:
        if not self._path.exists():
            return
        raw = self._path.read_bytes()
        whole, _, rest = raw.rpartition(b"\n")
        if rest and to_write:  # the line that a killed run was writing: it did not begin what it was about to
            with self._path.open("r+b") as file:
                file.truncate(len(raw) - len(rest))
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                entry = json.loads(line)
                schema = entry.get("schema", SCHEMA)
            except (ValueError, AttributeError):
                raise ProvisionError(f"{self._path}:{number} is damaged",
                                     hint="move the file away: what exists is found by its tags") from None
            if schema != SCHEMA:
                raise ProvisionError(f"{self._path} was written by another version (schema {schema})")
            yield entry

    def _write(self, entry: Mapping[str, Any]) -> None:
        new = not self._path.exists()
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, json.dumps(entry).encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if new:
            durable.sync(self._path.parent)
        self._take(entry)
