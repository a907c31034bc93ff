"""A provider in a file: keeps what was made, refuses what real ones refuse, and can lose answers.

Its state is on the disk, so that a run that is killed at any moment leaves what a real provider would have.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from provisioner.cloud.errors import Gone, LimitReached, NotAllowed, PartialListing, Refused, Unavailable
from provisioner.cloud.model import KINDS, Found, Kind, Known, Place, Ref, Wanted
from provisioner.cloud.provider import Effect, Enrolment, Foresight, Order

IMAGES, SIZES = ("debian-12", "debian-13"), ("small", "big")

EFFECTS: Mapping[Kind, Mapping[str, Effect]] = {
    "key": {"public_key": "replace"},
    "network": {"cidr": "replace"},
    "firewall": {"rules": "update"},
    "machine": {"image": "replace", "size": "restart", "disk": "update", "zone": "replace", "network": "replace",
                "firewall": "update", "tags": "update", "running": "update", "protected": "update",
                "keys": "host", "user_data": "later", "user": "later", "groups": "update"},
    "volume": {"size": "update", "machine": "update"},
    "address": {"machine": "update"},
    "record": {"zone": "replace", "type": "replace", "ttl": "update", "machines": "update"},
}


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong. after: `(call, number)`: this call's n-th use is carried out, and then its answer is lost.
    before: the same without being carried out. hidden: looks (`found`, `look`) until a new resource shows. partial: the
    listing breaks off. expired: credentials are refused. tokens: False switches the idempotency of creates off."""

    after: frozenset[tuple[str, int]] = frozenset()
    before: frozenset[tuple[str, int]] = frozenset()
    hidden: int = 0
    partial: bool = False
    expired: bool = False
    tokens: bool = True
    most: int = 100


@dataclass(slots=True)
class FakeCloud:
    """A `Provider`. path: its state. at: called before each effect with its name; may end the process."""

    place: Place
    path: Path
    faults: Faults = field(default_factory=Faults)
    at: Callable[[str], None] = lambda name: None
    kinds: Sequence[Kind] = KINDS
    effects: Mapping[Kind, Mapping[str, Effect]] = field(default_factory=lambda: EFFECTS)
    enrolment: Enrolment = "given"
    user_data_limit: int = 16_384
    calls: dict[str, int] = field(default_factory=dict)

    def account(self) -> str:
        self._count("account")
        if self.faults.expired:
            raise NotAllowed("The credentials have expired", hint="log in again")
        return "000000000001"

    def found(self, site: str) -> Sequence[Found]:
        self._count("found")
        if self.faults.partial:
            raise PartialListing("page 2 of 3 could not be read")
        with self._state() as state:
            for each in state["resources"].values():
                each["seen"] += 1
            return [self._found(each) for each in state["resources"].values()
                    if each["site"] == site and each["seen"] > self.faults.hidden]

    def sites(self) -> Mapping[str, int]:
        with self._state() as state:
            names = [each["site"] for each in state["resources"].values()]
        return {name: names.count(name) for name in names}

    def foresee(self, wanted: Sequence[Wanted]) -> Foresight:
        machines = [each for each in wanted if each.ref.kind == "machine"]
        problems = [(each.ref, f"there is no {name} {each.fields[name]}") for each in machines
                    for name, known in (("image", IMAGES), ("size", SIZES)) if each.fields[name] not in known]
        return Foresight(problems, {each.ref: f"img-{each.fields['image']}" for each in machines},
                         {each.ref: Decimal(10) for each in machines})

    def create(self, order: Order) -> Found:
        lost = self._begin("create")
        with self._state() as state:
            mine = next((each for each in state["resources"].values() if each["token"] == order.token), None)
            if mine is None or not self.faults.tokens:
                mine = self._made(state, order)
            found = self._found(mine)
        self._end("create", lost)
        return found

    def _made(self, state: dict[str, Any], order: Order) -> dict[str, Any]:
        wanted = order.wanted
        if len(state["resources"]) >= self.faults.most:
            raise LimitReached("The account has no room for another resource")
        if wanted.ref.kind == "machine" and not order.image:
            raise Refused("a machine needs an image")
        for need in wanted.needs:
            if need not in order.known:
                raise Refused(f"{wanted.ref} needs {need}, which is not there")
        state["serial"] += 1
        mine = {"id": f"{wanted.ref.kind}-{state['serial']}", "site": order.site,
                "ref": [wanted.ref.kind, wanted.ref.name],
                "fields": dict(wanted.fields), "generation": order.generation, "token": order.token, "seen": 0,
                "status": "pending" if wanted.ref.kind == "machine" else "ready", "looks": 0,
                "address": f"192.0.2.{state['serial']}", "user_data": order.user_data}
        state["resources"][mine["id"]] = mine
        return mine

    def update(self, found: Found, wanted: Wanted, fields: Sequence[str], known: Known) -> Found:
        lost = self._begin("update")
        with self._state() as state:
            mine = self._mine(state, found)
            mine["fields"].update({name: wanted.fields[name] for name in fields})
            if "running" in fields:
                mine["status"] = "running" if wanted.fields["running"] else "stopped"
            result = self._found(mine)
        self._end("update", lost)
        return result

    def delete(self, found: Found) -> None:
        lost = self._begin("delete")
        with self._state() as state:
            users = [each["id"] for each in state["resources"].values()
                     if found.ref.kind == "firewall" and each["fields"].get("firewall") == found.ref.name]
            if users:
                raise Refused(f"{found.id} is in use by {', '.join(users)}")
            state["resources"].pop(found.id, None)
        self._end("delete", lost)

    def look(self, found: Found) -> Found:
        self._count("look")
        with self._state() as state:
            mine = self._mine(state, found)
            mine["looks"] += 1
            if mine["status"] == "pending" and mine["looks"] > 1:
                mine["status"] = "running"
            return self._found(mine)

    def console(self, found: Found) -> str:
        return f"{found.ref.name} login: "

    def host_keys(self, found: Found) -> Sequence[str]:
        return (f"ssh-ed25519 {found.id}",)

    def edit(self, identity: str, **changes: Any) -> None:
        """Change a resource as somebody does in the provider's web page."""
        with self._state() as state:
            state["resources"][identity].update(changes)

    # -- inside -----------------------------------------------------------------------------------------------

    def _mine(self, state: dict[str, Any], found: Found) -> dict[str, Any]:
        mine: dict[str, Any] | None = state["resources"].get(found.id)
        if mine is None:
            raise Gone(f"{found.id} is not there")
        return mine

    def _found(self, each: Mapping[str, Any]) -> Found:
        fields = dict(each["fields"])
        if each["ref"][0] == "machine":
            fields["running"] = each["status"] != "stopped"
        running = each["status"] == "running"
        more = {"device": f"/dev/disk/by-id/{each['id']}"} if each["ref"][0] == "volume" else {}
        return Found(Ref(*each["ref"]), self.place, each["id"], fields, each["generation"], each["status"],
                     each["address"] if running else "", more=more)

    def _count(self, call: str) -> int:
        self.calls[call] = self.calls.get(call, 0) + 1
        return self.calls[call]

    def _begin(self, call: str) -> bool:
        """Whether the answer will be lost."""
        number = self._count(call)
        self.at(f"{call}:before")
        if (call, number) in self.faults.before:
            raise Unavailable(f"{call} was throttled")
        return (call, number) in self.faults.after

    def _end(self, call: str, lost: bool) -> None:
        self.at(f"{call}:after")
        if lost:
            raise Unavailable(f"the answer to {call} was lost")

    @contextmanager
    def _state(self) -> Iterator[dict[str, Any]]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            state = json.loads(self.path.read_text()) if self.path.exists() else {"serial": 0, "resources": {}}
            yield state
            scratch = self.path.with_suffix(".new")
            scratch.write_text(json.dumps(state))
            scratch.replace(self.path)


def reopened(cloud: FakeCloud, **changes: Any) -> FakeCloud:
    """The same provider for another process: the state stays, counters begin anew."""
    return replace(cloud, calls={}, **changes)
