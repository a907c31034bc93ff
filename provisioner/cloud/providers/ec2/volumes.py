"""Volumes: EBS disks beside the root disk, encrypted, each at a machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from provisioner.cloud.errors import Gone, Refused
from provisioner.cloud.model import Found, Known, Ref, Wanted
from provisioner.cloud.provider import Effect, Order
from provisioner.cloud.providers.ec2 import tags
from provisioner.cloud.providers.ec2.api import Api

EFFECTS: Final[Mapping[str, Effect]] = {"size": "update", "machine": "update"}

_DEVICES: Final = tuple(f"/dev/sd{letter}" for letter in "fghijklmnop")
"""The names that AWS leaves for disks of one's own. The host names them otherwise: see `more["device"]`."""
_NOT_YET: Final = ("IncorrectState", "IncorrectInstanceState", "VolumeInUse")


class Volumes:
    """The disks of a place that are declared as volumes."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def listed(self, site: str | None, names: Mapping[str, str]) -> Iterator[tuple[str, Found]]:
        """names: ids of machines -> their names."""
        volumes = self._api.pages("describe_volumes", "Volumes", Filters=tags.wants(site))
        for ref, told, volume in tags.named("volume", volumes):
            yield told[tags.SITE], self._found(ref, volume, names.get(_at(volume)))

    def create(self, order: Order) -> Found:
        wanted = order.wanted
        machine = order.known[Ref("machine", wanted.fields["machine"])]
        volume = self._api.created(self._api.call(
            "create_volume", AvailabilityZone=machine.more["zone"], Size=wanted.fields["size"], VolumeType="gp3",
            Encrypted=True, ClientToken=order.token,
            TagSpecifications=tags.specification(volume=tags.identity(order)),
        ))
        found = self._found(wanted.ref, volume, None)
        self._attach(found, machine)
        return self._now(found, machine)

    def update(self, found: Found, wanted: Wanted, fields: Sequence[str], known: Known) -> Found:
        before, after = found.fields["size"], wanted.fields["size"]
        if "size" in fields and after < before:
            raise Refused(f"{found.place}: {found.ref} has {before} GiB and cannot shrink to {after}",
                          hint=f"write `size: {before}`; to have less, make a new volume and copy what it holds")
        machine = known[Ref("machine", wanted.fields["machine"])]
        if "machine" in fields:
            self._attach(found, machine)
        if "size" in fields:
            self._api.call("modify_volume", VolumeId=found.id, Size=after)
        return self._now(found, machine)

    def delete(self, found: Found) -> None:
        volume = self._described(found)
        if volume is None:
            return
        self._detach(found, _at(volume))
        self._api.if_there("delete_volume", VolumeId=found.id, again=("VolumeInUse",))

    def look(self, found: Found) -> Found:
        volume = self._described(found)
        if volume is None:
            raise Gone(f"{found.place}: {found.ref} ({found.id}) is not there any more")
        is_same = _at(volume) == found.more["instance"]
        return self._found(found.ref, volume, found.fields.get("machine") if is_same else None)

    def _now(self, found: Found, machine: Found) -> Found:
        volume = self._api.call("describe_volumes", VolumeIds=[found.id])["Volumes"][0]
        return self._found(found.ref, volume, machine.ref.name if _at(volume) == machine.id else None)

    def _attach(self, found: Found, machine: Found) -> None:
        """Waits until a machine that is only starting can take it."""
        volume = self._api.call("describe_volumes", VolumeIds=[found.id])["Volumes"][0]
        if _at(volume) == machine.id:
            return
        if machine.more["zone"] != volume["AvailabilityZone"]:
            raise Refused(f"{found.place}: {found.ref} is in {volume['AvailabilityZone']} and "
                          f"{machine.ref} in {machine.more['zone']}: a volume stays in its zone",
                          hint=f"give the machine `zone: {volume['AvailabilityZone']}`, or make a new volume")
        self._detach(found, _at(volume))
        device = self._free_device(machine)
        self._api.call("attach_volume", VolumeId=found.id, InstanceId=machine.id, Device=device, again=_NOT_YET)

    def _detach(self, found: Found, instance: str) -> None:
        if not instance:
            return
        self._api.call("detach_volume", VolumeId=found.id, InstanceId=instance)
        self._api.until(lambda: (self._described(found) or {}).get("State") != "in-use", f"{found.ref} to be detached")

    def _free_device(self, machine: Found) -> str:
        instance = self._api.call("describe_instances", InstanceIds=[machine.id])["Reservations"][0]["Instances"][0]
        taken = {each["DeviceName"] for each in instance.get("BlockDeviceMappings", ())}
        free = next((device for device in _DEVICES if device not in taken), None)
        if free is None:
            raise Refused(f"{machine.place}: {machine.ref} has {len(_DEVICES)} volumes, and room for no more")
        return free

    def _described(self, found: Found) -> Mapping[str, Any] | None:
        answer = self._api.if_there("describe_volumes", VolumeIds=[found.id])
        return answer["Volumes"][0] if answer and answer["Volumes"] else None

    def _found(self, ref: Ref, volume: Mapping[str, Any], machine: str | None) -> Found:
        identity = volume["VolumeId"]
        return Found(ref, self._api.place, identity, {"size": volume["Size"], "machine": machine},
                     tags.generation(tags.of(volume)),
                     more={"zone": volume["AvailabilityZone"], "instance": _at(volume),
                           "device": f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{identity.replace('-', '')}"})


def _at(volume: Mapping[str, Any]) -> str:
    """The id of the machine it is at, or on its way to."""
    attachments = (each for each in volume.get("Attachments", ()) if each.get("State") in ("attached", "attaching"))
    return next((str(each["InstanceId"]) for each in attachments), "")
