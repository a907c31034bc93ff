"""Where the tests of the interface run: a provider with a stand-in behind it.

A new provider joins with one fixture `NAME_bed` in `conftest.py` and a row in `BEDS`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from provisioner.cloud.model import KINDS, Fields, Found, Kind, Place, Ref, Wanted
from provisioner.cloud.provider import Order, Provider

BEDS: Final[Mapping[str, tuple[Kind, ...]]] = {
    "ec2": ("network", "firewall", "machine", "volume", "address", "record"),
    "digitalocean": KINDS,
    "fake": KINDS,
    "lab": ("machine",),
}
"""By provider, the kinds it has: tests that take `kind` run for each of them."""

NAMES: Final[Mapping[Kind, str]] = {"key": "me", "network": "main", "firewall": "web", "machine": "web-1",
                                    "volume": "web-1-data", "address": "web-1", "record": "www.example.com"}
NEEDS: Final[Mapping[Kind, tuple[Kind, ...]]] = {
    "firewall": ("network",), "machine": ("key", "network", "firewall"), "volume": ("machine",),
    "address": ("machine",), "record": ("machine", "address"),
}
PATIENCE: Final = 120.0  # seconds; lab hosts take some to boot on a busy machine


@dataclass(frozen=True)
class Bed:
    """fields: all fields of an example of each kind the provider has. changes: per kind, fields that `update` can
    change, with other values. break_listing: after it, the listing of one page fails for good, though others work.
    lose_answer: after it, the next create of that kind is carried out and its answer is lost."""

    provider: Provider
    place: Place
    fields: Mapping[Kind, Fields]
    changes: Mapping[Kind, Mapping[str, Any]]
    break_listing: Callable[[], None]
    lose_answer: Callable[[Kind], None]
    known: dict[Ref, Found] = field(default_factory=dict)

    def wanted(self, kind: Kind, name: str = "", **changed: Any) -> Wanted:
        needs = tuple(Ref(each, NAMES[each]) for each in NEEDS.get(kind, ()) if each in self.provider.kinds)
        ref = Ref(kind, name or NAMES[kind])
        return Wanted(ref, self.place, {**self.fields[kind], **changed}, needs)

    def order(self, wanted: Wanted, *, site: str = "shop", generation: int = 1, token: str = "") -> Order:
        image = ""
        if wanted.ref.kind == "machine":
            image = self.provider.foresee([wanted]).images[wanted.ref]
        token = token or f"{site}{wanted.ref.kind}{wanted.ref.name}{generation}".replace(".", "").replace("-", "")
        return Order(wanted, site, generation, token, self.known, image, "#cloud-config\n{}\n")

    def make(self, wanted: Wanted, **order: Any) -> Found:
        """It, and first of all what it needs; ready."""
        for need in wanted.needs:
            if need not in self.known:
                self.make(self.wanted(need.kind, need.name), site=order.get("site", "shop"))
        found = self.ready(self.provider.create(self.order(wanted, **order)))
        self.known[wanted.ref] = found
        return found

    def ready(self, found: Found) -> Found:
        """A machine once it runs and has an address."""
        until = time.monotonic() + PATIENCE
        while found.status == "pending" or (found.ref.kind == "machine" and found.fields["running"]
                                            and not found.address):
            assert time.monotonic() < until, f"{found.ref} is {found.status} for ever"
            time.sleep(0.05)
            found = self.provider.look(found)
        return found

    def there(self, site: str = "shop") -> Sequence[Found]:
        """What is there and stays there."""
        return [each for each in self.provider.found(site) if each.status != "leaving"]

    def one(self, ref: Ref) -> Found:
        found = [each for each in self.there() if each.ref == ref]
        assert len(found) == 1, found
        return found[0]
