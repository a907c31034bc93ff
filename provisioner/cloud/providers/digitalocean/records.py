"""Records: names in a domain that DigitalOcean serves. They have no tags: a tag that nothing needs to have is the
register, made before the first record:

    provision:record:<region>:<site>:<name>:<zone>:<type>
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from provisioner.cloud.errors import Gone, Refused, Unavailable
from provisioner.cloud.model import Found, Known, Ref, Wanted
from provisioner.cloud.provider import Effect, Order
from provisioner.cloud.providers.digitalocean import tags
from provisioner.cloud.providers.digitalocean.api import Api, absent_is_fine, named

EFFECTS: Final[Mapping[str, Effect]] = {"zone": "replace", "type": "replace", "ttl": "update", "machines": "update"}
_TTL: Final = 1800  # what DigitalOcean takes where none is said


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row of the register."""

    site: str
    name: str
    zone: str
    type: str

    @property
    def relative(self) -> str:
        """The name as the zone has it."""
        return "@" if self.name == self.zone else self.name.removesuffix(f".{self.zone}")

    @property
    def path(self) -> str:
        return f"domains/{self.zone}/records"


@dataclass(frozen=True, slots=True)
class Records:
    api: Api

    def found(self, site: str) -> list[Found]:
        entries = [each for each in self._register() if each.site == site]
        machines = self._machines(site) if entries else {}
        return [self._seen(entry, records, machines) for entry in entries if (records := self._records(entry))]

    def sites(self) -> Iterable[str]:
        return [entry.site for entry in self._register() if self._records(entry)]

    def look(self, found: Found) -> Found:
        entry = _Entry(found.more["site"], found.ref.name, found.fields["zone"], found.fields["type"])
        records = self._records(entry)
        if not records:
            raise Gone(f"{found.ref} is not there")
        return self._seen(entry, records, self._machines(entry.site))

    def create(self, order: Order) -> Found:
        """Records that somebody else has made are not touched, unless they say what is wanted."""
        fields = order.wanted.fields
        entry = _Entry(order.site, order.wanted.ref.name, fields["zone"], fields["type"])
        addresses = self._addresses(order.wanted, order.known)
        try:
            self.api.all(entry.path, "domain_records")
        except Gone:
            raise Refused(f"{self.api.wire.where}: DigitalOcean does not serve the zone {entry.zone}",
                          hint=f"doctl compute domain create {entry.zone}, and point its name servers there") from None
        if entry not in self._register():
            foreign = sorted({each["data"] for each in self._records(entry)} - set(addresses))
            if foreign:
                raise Refused(f"{entry.name} has {entry.type} records of somebody else: {', '.join(foreign)}",
                              hint="delete them first, or use another name")
            self.api.have_tag(self._mark(entry))
        return self._written(entry, order.wanted, addresses)

    def update(self, found: Found, wanted: Wanted, fields: Sequence[str], known: Known) -> Found:
        entry = _Entry(found.more["site"], found.ref.name, found.fields["zone"], found.fields["type"])
        return self._written(entry, wanted, self._addresses(wanted, known))

    def delete(self, found: Found) -> None:
        entry = _Entry(found.more["site"], found.ref.name, found.fields["zone"], found.fields["type"])
        for each in self._records(entry):
            absent_is_fine(self.api.record(domain_name=entry.zone, id=each["id"]).destroy)
        self.api.drop_tag(self._mark(entry))

    def _written(self, entry: _Entry, wanted: Wanted, addresses: Mapping[str, str]) -> Found:
        """What is missing is made before what is too many goes: the name always points somewhere."""
        ttl = wanted.fields.get("ttl") or _TTL
        present = self._records(entry)
        for address in sorted(set(addresses) - {each["data"] for each in present}):
            self._add(entry, address, ttl)
        kept: set[str] = set()
        for each in present:
            record = self.api.record(domain_name=entry.zone, id=each["id"], type=entry.type, name=entry.relative,
                                     data=each["data"], ttl=ttl)
            if each["data"] not in addresses or each["data"] in kept:
                absent_is_fine(record.destroy)
            elif each["ttl"] != ttl:
                record.save()
            kept.add(each["data"])
        return self._seen(entry, self._records(entry), addresses)

    def _add(self, entry: _Entry, address: str, ttl: int) -> None:
        record = self.api.record(domain_name=entry.zone, type=entry.type, name=entry.relative, data=address, ttl=ttl)

        def look() -> bool | None:
            return any(each["data"] == address for each in self._records(entry)) or None

        self.api.made(Ref("record", entry.name), look, record.create)

    def _addresses(self, wanted: Wanted, known: Known) -> dict[str, str]:
        """Where it is to point -> the machine. A machine that has a reserved IP is reached by that."""
        reserved = {each.fields["machine"]: each.address for each in known.values() if each.ref.kind == "address"}
        machines = {name: named(known, Ref("machine", name)) for name in wanted.fields["machines"]}
        addresses = {reserved.get(name) or machine.address: name for name, machine in machines.items()}
        if "" in addresses:
            raise Unavailable(f"{wanted.ref}: {addresses['']} has no address yet", hint="run it again")
        return addresses

    def _machines(self, site: str) -> dict[str, str]:
        """Address -> name, of the site's machines in all regions."""
        names: dict[str, str] = {}
        for each in self.api.all("droplets", "droplets", tag_name=tags.tag("site", site)):
            name = tags.value(each["tags"], "name") or each["name"]
            names |= {network["ip_address"]: name for network in each["networks"]["v4"] if network["type"] == "public"}
        for each in self.api.all("reserved_ips", "reserved_ips"):
            if each["droplet"]:
                names[each["ip"]] = tags.value(each["droplet"]["tags"], "name") or each["droplet"]["name"]
        return names

    def _records(self, entry: _Entry) -> list[dict[str, Any]]:
        """Those of this name and type; none where the zone is not there."""
        try:
            listed = self.api.all(entry.path, "domain_records", type=entry.type)
        except Gone:
            return []
        return [each for each in listed if each["name"] == entry.relative]

    def _register(self) -> list[_Entry]:
        return [_Entry(*each) for each in self.api.registered("record", self.api.region) if len(each) == 4]

    def _mark(self, entry: _Entry) -> str:
        return tags.tag("record", self.api.region, entry.site, entry.name, entry.zone, entry.type)

    def _seen(self, entry: _Entry, records: Sequence[Mapping[str, Any]], machines: Mapping[str, str]) -> Found:
        fields = {"zone": entry.zone, "type": entry.type, "ttl": records[0]["ttl"],
                  "machines": sorted({machines.get(each["data"], each["data"]) for each in records})}
        return self.api.found("record", entry.name, f"{entry.zone}/{entry.name}/{entry.type}", fields,
                              more={"site": entry.site})
