"""Firewalls: each is for the droplets that have its tag, which they get when they are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from provisioner.cloud.model import Found, Known, Wanted, canonical
from provisioner.cloud.provider import Effect, Order
from provisioner.cloud.providers.digitalocean import names, tags
from provisioner.cloud.providers.digitalocean.api import Api, absent_is_fine, understood

EFFECTS: Final[Mapping[str, Effect]] = {"rules": "update"}
_EVERYWHERE: Final = ("0.0.0.0/0", "::/0")
_LAST: Final = 65535


def firewall_tag(site: str, region: str, name: str) -> str:
    return tags.tag("firewall", site, region, name)


@dataclass(frozen=True, slots=True)
class Firewalls:
    api: Api

    def found(self, site: str) -> list[Found]:
        return [self._seen(each, parts[1]) for each, parts in self._ours() if parts[0] == site]

    def sites(self) -> Iterable[str]:
        return [parts[0] for _, parts in self._ours()]

    def look(self, found: Found) -> Found:
        return self._seen(self.api.get(f"firewalls/{found.id}", "firewall"), found.ref.name)

    def create(self, order: Order) -> Found:
        """Two with one name are possible where two controllers make them at once: the first made stays."""
        name = names.full(order.site, order.wanted.ref.name, self.api.region)
        mark = firewall_tag(order.site, self.api.region, order.wanted.ref.name)
        self.api.have_tag(mark)
        # The library's own way to make one goes through jsonpickle, with warnings and without a gain.
        make = partial(self.api.wire.call, "firewalls", "POST", _body(name, [mark], order.wanted.fields["rules"]))
        same = self.api.made(order.wanted.ref, lambda: self._called(name) or None, make)
        for double in same[1:]:
            absent_is_fine(self.api.firewall(id=double["id"]).destroy)
        found = self._seen(same[0], order.wanted.ref.name)
        differs = found.fields["rules"] != list(order.wanted.fields["rules"])
        return self.update(found, order.wanted, ["rules"], order.known) if differs else found

    def update(self, found: Found, wanted: Wanted, fields: Sequence[str], known: Known) -> Found:
        body = _body(found.more["name"], found.more["tags"], wanted.fields["rules"])
        with understood(f"{self.api.wire.where}: {found.ref}"):  # the library can't change one
            path = f"firewalls/{found.id}"
            answer = self.api.wire.call(path, "PUT", {**body, "droplet_ids": found.more["droplets"]})
            return self._seen(answer["firewall"], found.ref.name)

    def delete(self, found: Found) -> None:
        absent_is_fine(self.api.firewall(id=found.id).destroy)
        self.api.gone(f"firewalls/{found.id}", "firewall", str(found.ref))
        for mark in found.more.get("tags", ()):
            if tags.is_ours(mark):
                self.api.drop_tag(mark)

    def _ours(self) -> list[tuple[dict[str, Any], tuple[str, str, str]]]:
        pairs = ((each, names.parts(each["name"])) for each in self.api.all("firewalls", "firewalls"))
        return [(each, parts) for each, parts in pairs if parts is not None and parts[2] == self.api.region]

    def _called(self, name: str) -> list[dict[str, Any]]:
        same = [each for each in self.api.all("firewalls", "firewalls") if each["name"] == name]
        return sorted(same, key=lambda each: (each["created_at"], each["id"]))

    def _seen(self, firewall: Mapping[str, Any], name: str) -> Found:
        rules = [_rule(each) for each in firewall.get("inbound_rules") or ()]
        more = {"name": firewall["name"], "tags": tuple(firewall.get("tags") or ()),
                "droplets": tuple(firewall.get("droplet_ids") or ())}
        return self.api.found("firewall", name, firewall["id"], {"rules": canonical(rules)}, more=more)


def _body(name: str, marks: Sequence[str], rules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"name": name, "tags": list(marks), "inbound_rules": list(map(_inbound, rules)),
            "outbound_rules": _outbound()}


def _inbound(rule: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"protocol": rule["protocol"], "ports": _ports(rule)}
    return {**made, "sources": {"addresses": list(rule["sources"])}}


def _outbound() -> list[dict[str, Any]]:
    """All, as on EC2: without any the firewall would let nothing out."""
    return [{"protocol": protocol, "ports": "all", "destinations": {"addresses": list(_EVERYWHERE)}}
            for protocol in ("tcp", "udp", "icmp")]


def _ports(rule: Mapping[str, Any]) -> str:
    first, last = rule["from_port"], rule["to_port"]
    if rule["protocol"] == "icmp" or (first, last) == (0, _LAST):
        return "all"
    return str(first) if first == last else f"{first}-{last}"


def _rule(inbound: Mapping[str, Any]) -> dict[str, Any]:
    """As the site's file would say it. Sources that only DigitalOcean knows are named, so that they differ from it."""
    first, _, last = str(inbound.get("ports") or "0").partition("-")
    if inbound["protocol"] == "icmp":
        ports = (-1, -1)
    elif first in ("0", "all"):
        ports = (0, _LAST)
    else:
        ports = (int(first), int(last or first))
    sources = inbound.get("sources") or {}
    others = [f"{kind}:{each}" for kind, each_of in sorted(sources.items()) if kind != "addresses"
              for each in each_of or ()]
    return {"protocol": inbound["protocol"], "from_port": ports[0], "to_port": ports[1],
            "sources": [*(sources.get("addresses") or ()), *others]}
