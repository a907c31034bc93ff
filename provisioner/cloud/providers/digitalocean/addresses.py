"""Addresses: reserved IPs, which have neither names nor tags. A tag that nothing needs to have is the register:

    provision:address:<region>:<site>:<name>:<ip>

An address is made for a droplet that got a tag with the attempt's token before, so that one whose answer was lost is
known again: by its droplet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from provisioner.cloud.errors import Gone, Refused
from provisioner.cloud.model import Found, Known, Ref, Wanted
from provisioner.cloud.provider import Effect, Order
from provisioner.cloud.providers.digitalocean import tags
from provisioner.cloud.providers.digitalocean.api import Api, absent_is_fine, named

EFFECTS: Final[Mapping[str, Effect]] = {"machine": "update"}


@dataclass(frozen=True, slots=True)
class Addresses:
    api: Api

    def found(self, site: str) -> list[Found]:
        return [self._seen(each, name) for each, whose, name in self._ours() if whose == site]

    def sites(self) -> Iterable[str]:
        return [site for _, site, _ in self._ours()]

    def look(self, found: Found) -> Found:
        return self._seen(self.api.get(f"reserved_ips/{found.id}", "reserved_ip"), found.ref.name)

    def create(self, order: Order) -> Found:
        name = order.wanted.ref.name
        for each, site, called in self._ours():
            if (site, called) == (order.site, name):
                return self._assigned(self._seen(each, name), order.wanted, order.known)
        machine = named(order.known, Ref("machine", order.wanted.fields["machine"]))
        mark = tags.tag("token", order.token)
        present = self._of(machine)
        if present is None:
            self.api.have_tag(mark)
            self.api.tag(mark).add_droplets([machine.id])
        elif mark not in self.api.get(f"droplets/{machine.id}", "droplet")["tags"]:
            raise Refused(f"{machine.ref} has the reserved IP {present['ip']}, which is not of this site",
                          hint="unassign it in the control panel first: a droplet can have only one")
        address = self.api.made(order.wanted.ref, lambda: self._of(machine), lambda: self._reserve(machine, order))
        self.api.have_tag(self._mark(order.site, name, address["ip"]))
        self.api.drop_tag(mark)
        return self._seen(address, name)

    def update(self, found: Found, wanted: Wanted, fields: Sequence[str], known: Known) -> Found:
        return self._assigned(self.look(found), wanted, known)

    def delete(self, found: Found) -> None:
        """The register last: as long as there is the address, it is known whose it is."""
        try:
            current = self.look(found)
        except Gone:
            current = None
        if current is not None:
            if current.more["droplet"] is not None:
                self._act(found, {"type": "unassign"}, "taking it from its machine")
            path = f"reserved_ips/{found.id}"
            release = partial(self.api.wire.call, path, "DELETE")
            self.api.when_free(lambda: absent_is_fine(release), f"deleting {found.ref}")
            self.api.gone(path, "reserved_ip", str(found.ref))
        for site, name, ip in self._registered():
            if (name, ip) == (found.ref.name, found.id):
                self.api.drop_tag(self._mark(site, name, ip))

    def _reserve(self, machine: Found, order: Order) -> None:
        """The library knows only the old name of these, `floating_ips`."""
        answer = self.api.wire.call("reserved_ips", "POST", {"droplet_id": int(machine.id)})
        for action in answer.get("links", {}).get("actions", ()):
            current = self.api.get(f"actions/{action['id']}", "action")
            self.api.carried_out({"action": current}, f"{order.wanted.ref}: reserving")

    def _assigned(self, found: Found, wanted: Wanted, known: Known) -> Found:
        machine = named(known, Ref("machine", wanted.fields["machine"]))
        if found.more["droplet"] == int(machine.id):
            return found
        self._act(found, {"type": "assign", "droplet_id": int(machine.id)}, f"giving it to {machine.ref.name}")
        return self.look(found)

    def _act(self, found: Found, body: Mapping[str, Any], what: str) -> None:
        path, what = f"reserved_ips/{found.id}/actions", f"{found.ref}: {what}"
        self.api.carried_out(self.api.when_free(lambda: self.api.wire.call(path, "POST", body), what), what)

    def _of(self, machine: Found) -> dict[str, Any] | None:
        listed = self.api.all("reserved_ips", "reserved_ips")
        return next((each for each in listed if str((each["droplet"] or {}).get("id")) == machine.id), None)

    def _ours(self) -> Iterable[tuple[dict[str, Any], str, str]]:
        """Address, site and name of those that there still are."""
        register = self._registered()
        listed = {each["ip"]: each for each in self.api.all("reserved_ips", "reserved_ips")} if register else {}
        return [(listed[ip], site, name) for site, name, ip in register if ip in listed]

    def _registered(self) -> list[tuple[str, str, str]]:
        listed = self.api.registered("address", self.api.region)
        return [(each[0], each[1], each[2]) for each in listed if len(each) == 3]

    def _mark(self, site: str, name: str, ip: str) -> str:
        return tags.tag("address", self.api.region, site, name, ip)

    def _seen(self, address: Mapping[str, Any], name: str) -> Found:
        droplet = address["droplet"]
        machine = (tags.value(droplet["tags"], "name") or droplet["name"]) if droplet else None
        return self.api.found("address", name, address["ip"], {"machine": machine}, address=address["ip"],
                              more={"droplet": droplet["id"] if droplet else None})
