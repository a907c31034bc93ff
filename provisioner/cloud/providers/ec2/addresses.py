"""Addresses: elastic IPs, each at a machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from provisioner.cloud.errors import Gone
from provisioner.cloud.model import Found, Known, Ref, Wanted
from provisioner.cloud.provider import Effect, Order
from provisioner.cloud.providers.ec2 import tags
from provisioner.cloud.providers.ec2.api import Answer, Api

EFFECTS: Final[Mapping[str, Effect]] = {"machine": "update"}

_NOT_YET: Final = ("IncorrectInstanceState", "InvalidInstanceID")
"""The machine is only starting."""


class Addresses:
    """The elastic IPs of a place."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def listed(self, site: str | None, names: Mapping[str, str]) -> Iterator[tuple[str, Found]]:
        """names: ids of machines -> their names."""
        addresses = self._api.call("describe_addresses", Filters=tags.wants(site))["Addresses"]
        for ref, told, address in tags.named("address", addresses):
            yield told[tags.SITE], self._found(ref, address, names.get(address.get("InstanceId", "")))

    def create(self, order: Order) -> Found:
        wanted = order.wanted
        allocated = self._api.create("allocate_address", lambda: self._made_with(order.token), Domain="vpc",
                                     TagSpecifications=tags.specification(elastic_ip=tags.identity(order)))
        address = {**allocated, "Tags": tags.as_list(tags.identity(order))}
        return self._put(self._found(wanted.ref, address, None), wanted, order.known)

    def update(self, found: Found, wanted: Wanted, fields: Sequence[str], known: Known) -> Found:
        return self._put(found, wanted, known)

    def delete(self, found: Found) -> None:
        address = self._described(found)
        if address is None:
            return
        if address.get("AssociationId"):
            self._api.if_there("disassociate_address", AssociationId=address["AssociationId"])
        self._api.if_there("release_address", AllocationId=found.id, again=("InvalidIPAddress.InUse",))

    def look(self, found: Found) -> Found:
        address = self._described(found)
        if address is None:
            raise Gone(f"{found.place}: {found.ref} ({found.id}) is not there any more")
        is_same = address.get("InstanceId", "") == found.more["instance"]
        return self._found(found.ref, address, found.fields.get("machine") if is_same else None)

    def _put(self, found: Found, wanted: Wanted, known: Known) -> Found:
        machine = known[Ref("machine", wanted.fields["machine"])]
        self._api.call("associate_address", AllocationId=found.id, InstanceId=machine.id, AllowReassociation=True,
                       again=_NOT_YET)
        address = self._api.call("describe_addresses", AllocationIds=[found.id])["Addresses"][0]
        return self._found(found.ref, address, machine.ref.name)

    def _made_with(self, token: str) -> Answer | None:
        addresses = self._api.call("describe_addresses", Filters=tags.by(tags.TOKEN, token))["Addresses"]
        return addresses[0] if addresses else None

    def _described(self, found: Found) -> Mapping[str, Any] | None:
        answer = self._api.if_there("describe_addresses", AllocationIds=[found.id])
        return answer["Addresses"][0] if answer and answer["Addresses"] else None

    def _found(self, ref: Ref, address: Mapping[str, Any], machine: str | None) -> Found:
        return Found(ref, self._api.place, address["AllocationId"], {"machine": machine},
                     tags.generation(tags.of(address)), address=address["PublicIp"],
                     more={"instance": address.get("InstanceId", "")})
