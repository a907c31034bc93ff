"""Machines: EC2 instances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from provisioner.cloud.errors import Gone, NoCapacity, Refused
from provisioner.cloud.model import Found, Known, Ref, Wanted
from provisioner.cloud.provider import Effect, Order
from provisioner.cloud.providers.ec2 import tags
from provisioner.cloud.providers.ec2.api import Api
from provisioner.cloud.providers.ec2.errors import code_of
from provisioner.cloud.providers.ec2.firewall import group_name
from provisioner.cloud.providers.ec2.images import Catalogue
from provisioner.cloud.providers.ec2.network import Networks

EFFECTS: Final[Mapping[str, Effect]] = {
    "image": "replace", "zone": "replace", "network": "replace",
    "size": "restart",
    "disk": "update", "firewall": "update", "tags": "update", "running": "update", "protected": "update",
    "metadata": "update", "monitoring": "update", "groups": "update",
    "keys": "host", "user": "host", "user_data": "later",
}

RESTRICTED: Final[Mapping[str, Any]] = {
    "HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1,
}
_STATUS: Final = {"shutting-down": "leaving", "terminated": "leaving"}
_ORDER: Final = ("protected", "metadata", "monitoring", "firewall", "disk", "size", "running")


class Machines:
    """The instances of a place."""

    def __init__(self, api: Api, catalogue: Catalogue, networks: Networks) -> None:
        self._api = api
        self._catalogue = catalogue
        self._networks = networks

    def listed(self, site: str | None, names: Mapping[str, str]) -> Iterator[tuple[str, Found]]:
        """names: ids of networks -> their names."""
        reservations = self._api.pages("describe_instances", "Reservations", Filters=tags.wants(site))
        disks = {volume["VolumeId"]: volume["Size"]
                 for volume in self._api.pages("describe_volumes", "Volumes", Filters=tags.wants(site))}
        instances = [each for reservation in reservations for each in reservation["Instances"]]
        for ref, told, each in tags.named("machine", instances):
            disk = disks.get(_root_volume(each))
            yield told[tags.SITE], self._found(ref, each, disk=disk, network=names.get(each.get("VpcId", "")))

    def create(self, order: Order) -> Found:
        wanted = order.wanted
        fields = wanted.fields
        own = {**fields.get("tags", {}), **tags.identity(order), **tags.memories(fields)}
        root = {"VolumeType": "gp3", "Encrypted": True, "DeleteOnTermination": True}
        if fields.get("disk"):
            root["VolumeSize"] = fields["disk"]
        image = order.image or self._catalogue.image(fields["image"], fields["size"])
        arguments: dict[str, Any] = {
            "ImageId": image, "InstanceType": fields["size"], "MinCount": 1, "MaxCount": 1,
            "ClientToken": order.token, "UserData": order.user_data,
            "BlockDeviceMappings": [{"DeviceName": self._catalogue.root_device(image), "Ebs": root}],
            "MetadataOptions": {**RESTRICTED, "InstanceMetadataTags": "disabled"},
            "Monitoring": {"Enabled": bool(fields.get("monitoring"))},
            "DisableApiTermination": bool(fields.get("protected")),
            "TagSpecifications": tags.specification(
                instance=own, volume=tags.part(order.site, wanted.ref.name, order.token)
            ),
            **self._where(order),
        }
        try:
            instance = self._api.created(self._api.call("run_instances", **arguments))["Instances"][0]
        except Refused as error:
            # The earlier attempt was made with other arguments, as with an image that was the newest then.
            earlier = self._made_with(order.token) if "Idempotent" in code_of(error.__cause__) else None
            if earlier is None:
                raise
            instance = earlier
        return self._found(wanted.ref, instance, disk=fields.get("disk"), network=fields.get("network"))

    def update(self, found: Found, wanted: Wanted, fields: Sequence[str], known: Known) -> Found:
        self._check(found, wanted, fields)
        self._retag(found, wanted, fields)
        for name in _ORDER:
            if name in fields:
                getattr(self, f"_set_{name}")(found, wanted, known)
        disk = wanted.fields["disk"] if "disk" in fields else found.fields.get("disk")
        after = self.look(found)
        return replace(after, fields={**after.fields, "disk": disk})

    def delete(self, found: Found) -> None:
        if self._api.if_there("terminate_instances", InstanceIds=[found.id]) is not None:
            self._wait(found, "terminated")

    def look(self, found: Found) -> Found:
        instance = self._described(found)
        if instance is None:
            if self._api.settles():
                return found
            raise Gone(f"{found.place}: {found.ref} ({found.id}) is not there any more")
        if instance["State"]["Name"] == "terminated":
            why = instance.get("StateReason", {}).get("Message", "")
            raise Gone(f"{found.place}: {found.ref} ({found.id}) was terminated{f': {why}' if why else ''}")
        return self._found(found.ref, instance, found.fields.get("disk"), found.fields.get("network"))

    def console(self, found: Found) -> str:
        try:
            answer = self._api.call("get_console_output", InstanceId=found.id, Latest=True)
        except Refused as error:
            if code_of(error.__cause__) != "UnsupportedOperation":
                raise
            answer = self._api.call("get_console_output", InstanceId=found.id)  # sizes older than Nitro: minutes old
        return str(answer.get("Output", ""))

    # -- creating ----------------------------------------------------------------------------------------------

    def _where(self, order: Order) -> dict[str, Any]:
        fields = order.wanted.fields
        where: dict[str, Any] = {}
        network = fields.get("network")
        vpc = order.known[Ref("network", network)] if network else None
        if vpc is not None:
            where["SubnetId"] = self._networks.subnet(vpc, order.site, fields.get("zone"),
                                                      self._catalogue.zones(fields["size"]))
        elif fields.get("zone"):
            where["Placement"] = {"AvailabilityZone": fields["zone"]}
        if fields.get("firewall"):
            firewall = order.known[Ref("firewall", fields["firewall"])]
            if vpc is not None and firewall.more["vpc"] != vpc.id:
                raise Refused(f"{self._api.place}: {firewall.ref} belongs to another network than {order.wanted.ref}",
                              hint="destroy what uses it, or give these machines another name: their firewall has it")
            where["SecurityGroupIds"] = [firewall.id]
        return where

    def _made_with(self, token: str) -> Mapping[str, Any] | None:
        found: list[Mapping[str, Any]] = [
            each for reservation in self._api.pages("describe_instances", "Reservations",
                                                    Filters=tags.by(tags.TOKEN, token))
            for each in reservation["Instances"] if each["State"]["Name"] not in _STATUS
        ]
        return found[0] if found else None

    # -- changing ----------------------------------------------------------------------------------------------

    def _check(self, found: Found, wanted: Wanted, fields: Sequence[str]) -> None:
        """What can be refused before anything is changed."""
        before, after = found.fields.get("disk"), wanted.fields.get("disk")
        if "disk" in fields and before is not None and after < before:
            raise Refused(f"{found.place}: the disk of {found.ref} has {before} GiB and cannot shrink to {after}",
                          hint=f"write `disk: {before}`, or replace the machine")
        if "size" in fields:
            machine = self._catalogue.architecture(wanted.fields["size"])
            if machine != found.more["architecture"]:
                raise Refused(f"{found.place}: {found.ref} was made for {found.more['architecture']} and "
                              f"`{wanted.fields['size']}` is {machine}", hint="replace the machine")

    def _retag(self, found: Found, wanted: Wanted, fields: Sequence[str]) -> None:
        new = tags.memories({name: wanted.fields[name] for name in fields})
        gone: set[str] = set()
        if "tags" in fields:
            new |= wanted.fields["tags"]
            gone = set(found.fields["tags"]) - set(new)
        if new:
            self._api.call("create_tags", Resources=[found.id], Tags=tags.as_list(new))
        if gone:
            self._api.call("delete_tags", Resources=[found.id], Tags=[{"Key": key} for key in sorted(gone)])

    def _set_protected(self, found: Found, wanted: Wanted, known: Known) -> None:
        self._modify(found, DisableApiTermination={"Value": bool(wanted.fields["protected"])})

    def _set_metadata(self, found: Found, wanted: Wanted, known: Known) -> None:
        self._api.call("modify_instance_metadata_options", InstanceId=found.id, **RESTRICTED)

    def _set_monitoring(self, found: Found, wanted: Wanted, known: Known) -> None:
        operation = "monitor_instances" if wanted.fields["monitoring"] else "unmonitor_instances"
        self._api.call(operation, InstanceIds=[found.id])

    def _set_firewall(self, found: Found, wanted: Wanted, known: Known) -> None:
        self._modify(found, Groups=[known[Ref("firewall", wanted.fields["firewall"])].id])

    def _set_disk(self, found: Found, wanted: Wanted, known: Known) -> None:
        instance = self._described(found) or {}
        self._api.call("modify_volume", VolumeId=_root_volume(instance), Size=wanted.fields["disk"])

    def _set_size(self, found: Found, wanted: Wanted, known: Known) -> None:
        """The type of a machine can be changed only while it is stopped."""
        self._stop(found)
        self._modify(found, InstanceType={"Value": wanted.fields["size"]})
        if wanted.fields.get("running") is False:
            return
        try:
            self._start(found)
        except NoCapacity as error:
            self._modify(found, InstanceType={"Value": found.fields["size"]})
            self._start(found)
            raise NoCapacity(f"{error.message}; {found.ref} runs again as `{found.fields['size']}`",
                             hint=error.hint) from error

    def _set_running(self, found: Found, wanted: Wanted, known: Known) -> None:
        if wanted.fields["running"]:
            self._start(found)
        else:
            self._stop(found)

    def _modify(self, found: Found, **attribute: Any) -> None:
        self._api.call("modify_instance_attribute", InstanceId=found.id, **attribute)

    def _stop(self, found: Found) -> None:
        """Also where it is stopped or stopping already."""
        self._api.call("stop_instances", InstanceIds=[found.id], again=("IncorrectInstanceState",))
        self._wait(found, "stopped")

    def _start(self, found: Found) -> None:
        self._api.call("start_instances", InstanceIds=[found.id], again=("IncorrectInstanceState",))
        self._wait(found, "running")

    def _wait(self, found: Found, state: str) -> None:
        def reached() -> bool:
            instance = self._described(found)
            now = instance["State"]["Name"] if instance else "terminated"
            if now == "terminated" and state != now:
                raise Gone(f"{found.place}: {found.ref} ({found.id}) was terminated while it was to be {state}")
            return bool(now == state)

        self._api.until(reached, f"{found.ref} ({found.id}) to be {state}")

    # -- reading -----------------------------------------------------------------------------------------------

    def _described(self, found: Found) -> Mapping[str, Any] | None:
        answer = self._api.if_there("describe_instances", InstanceIds=[found.id])
        reservations = answer["Reservations"] if answer else ()
        instances = [each for reservation in reservations for each in reservation["Instances"]]
        return instances[0] if instances else None

    def _found(self, ref: Ref, each: Mapping[str, Any], disk: int | None, network: str | None) -> Found:
        told = tags.of(each)
        state = each["State"]["Name"]
        options = each.get("MetadataOptions", {})
        is_closed = options.get("HttpTokens") == "required" and options.get("HttpPutResponseHopLimit") == 1
        groups = [group_name(told.get(tags.SITE, ""), group["GroupName"]) for group in each.get("SecurityGroups", ())]
        zone = each.get("Placement", {}).get("AvailabilityZone")
        fields = {
            **tags.remembered(told),
            "size": each["InstanceType"], "disk": disk, "zone": zone, "network": network,
            "firewall": ",".join(sorted(groups)) or None,
            "tags": tags.users_own(told),
            "running": state in ("pending", "running"),
            "metadata": "restricted" if is_closed else "open",
            "monitoring": each.get("Monitoring", {}).get("State") in ("enabled", "pending"),
        }
        return Found(ref, self._api.place, each["InstanceId"], fields, tags.generation(told),
                     _STATUS.get(state, state), each.get("PublicIpAddress") or "",
                     each.get("PrivateIpAddress") or "",
                     {"zone": zone, "architecture": each.get("Architecture", "x86_64"), "vpc": each.get("VpcId", "")})


def _root_volume(instance: Mapping[str, Any]) -> str:
    """Its id; "" while the machine has none."""
    mappings = instance.get("BlockDeviceMappings", ())
    return next((each["Ebs"]["VolumeId"] for each in mappings
                 if each["DeviceName"] == instance.get("RootDeviceName") and "Ebs" in each), "")
