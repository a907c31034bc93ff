"""DNS records at Route 53, which has no tags for them: a TXT record beside each says whose it is.

    www.example.com               A     203.0.113.7
    www._provision.example.com    TXT   "site=shop name=www type=A generation=1 region=eu-central-1"

Both are written in one change, which Route 53 makes as a whole. Names are sorted there from their last label on, so all
marks of a zone stand together and are read without the rest of the zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from provisioner.cloud.errors import Gone, Refused
from provisioner.cloud.model import Found, Known, Ref, Wanted
from provisioner.cloud.provider import Effect, Order
from provisioner.cloud.providers.ec2.api import Api

EFFECTS: Final[Mapping[str, Effect]] = {"zone": "replace", "type": "replace", "ttl": "update", "machines": "update"}

_MARKS: Final = "_provision"
_MARK_TTL: Final = 300
_PAGE: Final = "300"


class Records:
    """The records that the sites of a place have made."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def listed(self, site: str | None, names: Mapping[str, str]) -> Iterator[tuple[str, Found]]:
        """names: addresses -> names of machines."""
        for zone in self._api.pages("list_hosted_zones", "HostedZones", service="route53"):
            if zone["Config"].get("PrivateZone"):
                continue
            for mark in self._marks(zone):
                if mark["region"] != self._api.place.region or site not in (None, mark["site"]):
                    continue
                record = self._record(zone["Id"], full_name(mark["name"], zone["Name"]), mark["type"])
                if record is not None:
                    yield mark["site"], self._found(mark, zone, record, names)

    def create(self, order: Order) -> Found:
        wanted = order.wanted
        zone = self.zone(wanted.fields["zone"])
        name, kind = full_name(wanted.ref.name, zone["Name"]), wanted.fields["type"]
        mark = {"site": order.site, "name": wanted.ref.name, "type": kind, "generation": str(order.generation),
                "region": self._api.place.region}
        there = self._record(zone["Id"], name, kind)
        if there is not None and not any(_is_same(each, mark) for each in self._marks(zone)):
            raise Refused(f"{self._api.place}: {name} has an {kind} record that this site has not made",
                          hint="delete it at Route 53, or give the record another name")
        return self._write(zone, mark, wanted, order.known)

    def update(self, found: Found, wanted: Wanted, fields: Sequence[str], known: Known) -> Found:
        return self._write(found.more["zone"], found.more["mark"], wanted, known)

    def delete(self, found: Found) -> None:
        zone, mark = found.more["zone"], found.more["mark"]
        own = [self._record(zone["Id"], full_name(mark["name"], zone["Name"]), mark["type"]),
               self._record(zone["Id"], _mark_name(mark["name"], zone["Name"]), "TXT")]
        changes = [{"Action": "DELETE", "ResourceRecordSet": record} for record in own if record is not None]
        if changes:
            self._change(zone["Id"], changes)

    def look(self, found: Found) -> Found:
        zone, mark = found.more["zone"], found.more["mark"]
        record = self._record(zone["Id"], full_name(mark["name"], zone["Name"]), mark["type"])
        if record is None:
            raise Gone(f"{found.place}: {found.ref} is not there any more")
        return self._found(mark, zone, record, found.more["names"])

    def zone(self, name: str) -> Mapping[str, Any]:
        """The public hosted zone `name`; `Refused` if there is none, or more than one."""
        wanted = f"{name.rstrip('.')}."
        zones: list[Mapping[str, Any]] = [
            zone for zone in self._api.pages("list_hosted_zones", "HostedZones", service="route53")
            if zone["Name"] == wanted and not zone["Config"].get("PrivateZone")
        ]
        if len(zones) != 1:
            raise Refused(f"{self._api.place}: Route 53 has {len(zones) or 'no'} public hosted zone"
                          f"{'s' if len(zones) > 1 else ''} `{name}`",
                          hint="delete those that the registrar does not name" if zones
                          else "make it at Route 53 and name its servers at the registrar")
        return zones[0]

    def _write(self, zone: Mapping[str, Any], mark: Mapping[str, str], wanted: Wanted, known: Known) -> Found:
        addresses = {address_of(name, known): name for name in wanted.fields["machines"]}
        record = {"Name": full_name(mark["name"], zone["Name"]), "Type": mark["type"], "TTL": wanted.fields["ttl"],
                  "ResourceRecords": [{"Value": address} for address in sorted(addresses)]}
        text = " ".join(f"{key}={value}" for key, value in mark.items())
        own = {"Name": _mark_name(mark["name"], zone["Name"]), "Type": "TXT", "TTL": _MARK_TTL,
               "ResourceRecords": [{"Value": f'"{text}"'}]}
        self._change(zone["Id"], [{"Action": "UPSERT", "ResourceRecordSet": each} for each in (record, own)])
        return self._found(mark, zone, record, addresses)

    def _change(self, zone: str, changes: list[dict[str, Any]]) -> None:
        self._api.call("change_resource_record_sets", service="route53", HostedZoneId=zone,
                       ChangeBatch={"Changes": changes}, again=("PriorRequestNotComplete",))

    def _marks(self, zone: Mapping[str, Any]) -> Iterator[dict[str, str]]:
        """What the marks of the zone say."""
        end = f"{_MARKS}.{zone['Name']}"
        start: dict[str, Any] = {"StartRecordName": end, "StartRecordType": "TXT"}
        while True:
            page = self._api.call("list_resource_record_sets", service="route53", HostedZoneId=zone["Id"],
                                  MaxItems=_PAGE, **start)
            for record in page["ResourceRecordSets"]:
                if not record["Name"].endswith(end):
                    return
                mark = _read_mark(record)
                if mark is not None:
                    yield mark
            if not page["IsTruncated"]:
                return
            start = {"StartRecordName": page["NextRecordName"], "StartRecordType": page["NextRecordType"]}

    def _record(self, zone: str, name: str, kind: str) -> dict[str, Any] | None:
        page = self._api.call("list_resource_record_sets", service="route53", HostedZoneId=zone, StartRecordName=name,
                              StartRecordType=kind, MaxItems="1")["ResourceRecordSets"]
        return page[0] if page and (page[0]["Name"], page[0]["Type"]) == (name, kind) else None

    def _found(self, mark: Mapping[str, str], zone: Mapping[str, Any], record: Mapping[str, Any],
               names: Mapping[str, str]) -> Found:
        values = [each["Value"] for each in record.get("ResourceRecords", ())]
        fields = {"zone": zone["Name"].rstrip("."), "type": record["Type"], "ttl": record.get("TTL"),
                  "machines": sorted(names.get(value, value) for value in values)}
        return Found(Ref("record", mark["name"]), self._api.place, f"{record['Name']} {record['Type']}", fields,
                     int(mark["generation"]),
                     more={"zone": {"Id": zone["Id"], "Name": zone["Name"]}, "mark": dict(mark), "names": dict(names)})


def full_name(name: str, zone: str) -> str:
    """A record's name as Route 53 writes it: with all labels and a dot at the end. `@` is the zone itself."""
    zone = zone.rstrip(".")
    name = name.rstrip(".")
    if name in ("@", zone):
        return f"{zone}."
    return f"{name}." if name.endswith(f".{zone}") else f"{name}.{zone}."


def address_of(name: str, known: Known) -> str:
    """The address at which a machine is reached from now on: its elastic IP, else the one it started with."""
    fixed = [each.address for each in known.values()
             if each.ref.kind == "address" and each.fields.get("machine") == name]
    machine = known.get(Ref("machine", name))
    address = fixed[0] if fixed else machine.address if machine else ""
    if not address:
        raise Refused(f"the machine {name} has no public address that a DNS record could tell",
                      hint="a stopped machine has none; start it, or give it an `address`")
    return address


def _mark_name(name: str, zone: str) -> str:
    full = full_name(name, zone)
    label = full.removesuffix(zone).rstrip(".")
    return f"{label}.{_MARKS}.{zone}" if label else f"{_MARKS}.{zone}"


def _read_mark(record: Mapping[str, Any]) -> dict[str, str] | None:
    for value in record.get("ResourceRecords", ()):
        words = dict(word.partition("=")[::2] for word in value["Value"].strip('"').split())
        if {"site", "name", "type", "generation", "region"} <= set(words) and words["generation"].isdecimal():
            return words
    return None


def _is_same(mark: Mapping[str, str], own: Mapping[str, str]) -> bool:
    return all(mark[key] == own[key] for key in ("site", "name", "type", "region"))
