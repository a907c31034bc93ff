"""A controller that makes things at the fake DigitalOcean, without waiting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from provisioner.cloud.model import Found, HostSettings, Place, Ref, Wanted
from provisioner.cloud.provider import Order
from provisioner.cloud.providers.digitalocean import open as open_place
from provisioner.cloud.providers.digitalocean.provider import DigitalOcean
from provisioner.testing.digitalocean import Fake
from provisioner.testing.digitalocean.clock import Clock

PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
MACHINE: Mapping[str, Any] = {
    "image": "debian-12", "size": "s-1vcpu-1gb", "disk": None, "zone": None, "network": None, "firewall": None,
    "tags": {}, "running": True, "protected": False, "metadata": "restricted", "monitoring": False,
    "keys": "0123456789abcdef", "user_data": "00112233445566ff", "user": "deploy", "groups": "web,eu",
}  # fmt: skip


@pytest.fixture
def fake(digitalocean: Fake) -> Fake:
    return digitalocean


@dataclass
class Bench:
    """One controller's view of the fake. known: what it has made."""

    fake: Fake
    region: str = "fra1"
    clock: Clock = field(default_factory=Clock)
    known: dict[Ref, Found] = field(default_factory=dict)
    patience: dict[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        return Place("digitalocean", self.region, endpoint=self.fake.url)

    @property
    def provider(self) -> DigitalOcean:
        """A new one each time, as in a new run."""
        return open_place(self.place, self.clock.patience(**self.patience))

    def wanted(self, ref: Ref, needs: tuple[Ref, ...] = (), **fields: Any) -> Wanted:
        base = MACHINE if ref.kind == "machine" else {}
        return Wanted(ref, self.place, {**base, **fields}, needs, HostSettings("deploy"))

    def order(self, wanted: Wanted, token: str = "once", site: str = "shop", generation: int = 1) -> Order:
        return Order(wanted, site, generation, token, self.known, "155133621", "#cloud-config\n")

    def make(self, ref: Ref, needs: tuple[Ref, ...] = (), token: str = "", site: str = "shop", **fields: Any) -> Found:
        """Made, and running if it is a machine."""
        provider = self.provider
        found = provider.create(self.order(self.wanted(ref, needs, **fields), token or f"{ref.kind}{ref.name}", site))
        while found.status == "pending":
            found = provider.look(found)
        self.known[ref] = found
        return found

    def machine(self, name: str = "web-1", **fields: Any) -> Found:
        return self.make(Ref("machine", name), **fields)

    def change(self, found: Found, **fields: Any) -> Found:
        wanted = Wanted(found.ref, found.place, {**found.fields, **fields})
        self.known[found.ref] = self.provider.update(found, wanted, list(fields), self.known)
        return self.known[found.ref]


@pytest.fixture
def bench(fake: Fake) -> Bench:
    return Bench(fake)


@pytest.fixture
def other_region(fake: Fake) -> Bench:
    return Bench(fake, "nyc3")
