"""Instances of EC2: looked for by name, ids or filters; made, changed, started, stopped, terminated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from provisioner.cloud.errors import Refused
from provisioner.cloud.model import digest
from provisioner.cloud.providers.ec2 import tags
from provisioner.cloud.providers.ec2.api import Api
from provisioner.cloud.providers.ec2.errors import code_of
from provisioner.cloud.providers.ec2.firewall import default_vpc
from provisioner.cloud.providers.ec2.images import Catalogue
from provisioner.cloud.providers.ec2.machines import RESTRICTED
from provisioner.cloud.tasks.asked import Asked, Change, Result, carried_out, plain, told
from provisioner.cloud.tasks.aws import as_texts, filters, tag_changes
from provisioner.cloud.tasks.ec2_group import group_id

Instance = Mapping[str, Any]

_LIVING: Final = ("pending", "running", "stopping", "stopped")
_ON: Final = ("pending", "running")
_MAY: Final = "DryRunOperation"
_ATTEMPTS: Final = 5
_METADATA: Final = {"http_endpoint": "HttpEndpoint", "http_tokens": "HttpTokens",
                    "http_put_response_hop_limit": "HttpPutResponseHopLimit"}


def ensure(api: Api, asked: Asked) -> Result:
    return _Instances(api, asked).ensure()


class _Instances:
    def __init__(self, api: Api, asked: Asked) -> None:
        self._api = api
        self._asked = asked
        self._a = asked.a
        self._catalogue = Catalogue(api)
        self._found_groups: list[str] | None = None

    def ensure(self) -> Result:
        a = self._a
        seen = self._listed()
        living = sorted((each for each in seen if _state(each) in _LIVING), key=lambda each: str(each["LaunchTime"]))
        if a.state in ("terminated", "absent"):
            return self._terminated(living)
        missing = self._missing(living)
        if missing < 0:
            return self._terminated(living[:-missing])
        if missing > 0:
            return self._launched(missing, living, [each["InstanceId"] for each in seen])
        return self._kept(living)

    # -- looking -----------------------------------------------------------------------------------------------

    def _listed(self) -> list[Instance]:
        """Those that the task is about, terminated ones included as long as EC2 shows them."""
        a = self._a
        if a.instance_ids:
            wanted: dict[str, Any] = {"instance-id": a.instance_ids}
        elif a.filters:
            wanted = dict(a.filters)
        else:
            wanted = {"tag:Name": a.name} if a.name else {f"tag:{key}": value for key, value in (a.tags or {}).items()}
            if a.vpc_subnet_id:
                wanted["subnet-id"] = a.vpc_subnet_id
        reservations = self._api.pages("describe_instances", "Reservations", Filters=filters(wanted))
        return [each for reservation in reservations for each in reservation["Instances"]]

    def _now(self, ids: Sequence[str]) -> list[Instance]:
        if not ids:
            return []
        answer = self._api.call("describe_instances", InstanceIds=list(ids))
        return [each for reservation in answer["Reservations"] for each in reservation["Instances"]]

    def _missing(self, living: Sequence[Instance]) -> int:
        a = self._a
        if a.exact_count is not None:
            return int(a.exact_count) - len(living)
        if a.count is not None:
            return int(a.count)
        if a.instance_ids and len(living) < len(a.instance_ids):
            lacking = sorted(set(a.instance_ids) - {each["InstanceId"] for each in living})
            raise Refused(f"{self._api.place}: there is no instance {', '.join(lacking)}", hint="mend `instance_ids`")
        return 0 if living else 1

    # -- making ------------------------------------------------------------------------------------------------

    def _launched(self, number: int, living: Sequence[Instance], seen: Sequence[str]) -> Result:
        request = self._request()
        result = told(self._asked, {"instances": len(living)}, {"instances": len(living) + number})
        if self._asked.check:
            self._rehearse(request, number)
            return {**result, **_shown(living), "msg": f"{number} would be launched"}
        ids = self._run(request, number, seen)
        if self._a.wait or self._a.state == "stopped":
            self._wait(ids, "running")
        if self._a.state == "stopped":
            self._stop(ids)
        now = self._now([*(each["InstanceId"] for each in living if self._a.count is None), *ids])
        return {**result, **_shown(now), "changed_ids": ids}

    def _run(self, request: Mapping[str, Any], number: int, seen: Sequence[str]) -> list[str]:
        """The token is made of what is asked for and of what there was before: a run that was killed in between finds
        what it has made. After a termination there is more to see, or EC2 says that the token was used up."""
        for attempt in range(_ATTEMPTS):
            token = digest([self._api.place.region, request, number, sorted(seen), attempt])
            try:
                answer = self._api.created(self._api.call("run_instances", MinCount=number, MaxCount=number,
                                                          ClientToken=token, **request))
            except Refused as error:
                if code_of(error.__cause__) != "IdempotentInstanceTerminated":
                    raise
                continue
            ids = [str(each["InstanceId"]) for each in answer["Instances"]]
            if all(_state(each) in _LIVING for each in self._now(ids)):
                return ids
        raise Refused(f"{self._api.place}: all that was made for this task is terminated already",
                      hint="look at the instance's state reason in the AWS console")

    def _rehearse(self, request: Mapping[str, Any], number: int) -> None:
        try:
            self._api.call("run_instances", DryRun=True, MinCount=number, MaxCount=number, **request)
        except Refused as error:
            if code_of(error.__cause__) != _MAY:
                raise

    def _request(self) -> dict[str, Any]:
        a = self._a
        name = a.image_id or (a.image or {}).get("id")
        if not name or not a.instance_type:
            raise Refused(f"{self._api.place}: an instance is to be made, and the task has no "
                          f"`{'instance_type' if name else 'image_id'}`", hint="name it")
        image = self._catalogue.image(name, a.instance_type)
        own = as_texts({**(a.tags or {}), **({"Name": a.name} if a.name else {})})
        profile = a.iam_instance_profile
        given = {
            "KeyName": a.key_name, "UserData": a.user_data,
            "Placement": {"AvailabilityZone": a.availability_zone} if a.availability_zone else None,
            "Monitoring": {"Enabled": a.detailed_monitoring} if a.detailed_monitoring is not None else None,
            "IamInstanceProfile": {"Arn" if profile.startswith("arn:") else "Name": profile} if profile else None,
            "TagSpecifications": tags.specification(instance=own, volume=own) if own else None,
            "DisableApiTermination": a.termination_protection,
        }
        return {
            "ImageId": image, "InstanceType": a.instance_type, "BlockDeviceMappings": self._disks(image),
            "MetadataOptions": {**RESTRICTED, **_camel_metadata(a.metadata_options)}, **self._where(),
            **{key: value for key, value in given.items() if value is not None},
        }

    def _disks(self, image: str) -> list[dict[str, Any]]:
        """Without `volumes` the image's root disk, encrypted."""
        if self._a.volumes is None:
            size = self._catalogue.least_disk(image)
            root = {"Encrypted": True, "DeleteOnTermination": True, **({"VolumeSize": size} if size else {})}
            return [{"DeviceName": self._catalogue.root_device(image), "Ebs": root}]
        return [{"DeviceName": each["device_name"],
                 "Ebs": {_camel(key): value for key, value in (each["ebs"] or {}).items() if value is not None}}
                for each in self._a.volumes]

    def _where(self) -> dict[str, Any]:
        a = self._a
        network = {key: value for key, value in (a.network or {}).items() if value is not None}
        groups = self._groups()
        if not network:
            where = {"SubnetId": a.vpc_subnet_id, "SecurityGroupIds": groups}
            return {key: value for key, value in where.items() if value}
        interface = {"DeviceIndex": 0, "SubnetId": a.vpc_subnet_id or self._default_subnet(), "Groups": groups,
                     "AssociatePublicIpAddress": network.get("assign_public_ip"),
                     "PrivateIpAddress": network.get("private_ip_address"), "DeleteOnTermination": True}
        return {"NetworkInterfaces": [{key: value for key, value in interface.items() if value not in (None, [])}]}

    def _groups(self) -> list[str]:
        """Ids; asked for once, whatever the number of instances."""
        if self._found_groups is None:
            names = self._a.security_groups or ([self._a.security_group] if self._a.security_group else [])
            vpc = "" if all(name.startswith("sg-") for name in names) else self._vpc()
            self._found_groups = [group_id(self._api, name, vpc) for name in names]
        return self._found_groups

    def _vpc(self) -> str:
        if self._a.vpc_subnet_id:
            subnets = self._api.call("describe_subnets", SubnetIds=[self._a.vpc_subnet_id])["Subnets"]
            return str(subnets[0]["VpcId"])
        return default_vpc(self._api)

    def _default_subnet(self) -> str:
        wanted = {"default-for-az": "true"}
        if self._a.availability_zone:
            wanted["availability-zone"] = self._a.availability_zone
        subnets = self._api.call("describe_subnets", Filters=filters(wanted))["Subnets"]
        if not subnets:
            raise Refused(f"{self._api.place}: the account has no default subnet here", hint="name a `vpc_subnet_id`")
        return str(min(subnets, key=lambda each: str(each["AvailabilityZone"]))["SubnetId"])

    # -- changing ----------------------------------------------------------------------------------------------

    def _kept(self, living: Sequence[Instance]) -> Result:
        state, ids = self._a.state, [each["InstanceId"] for each in living]
        off = [each["InstanceId"] for each in living if _state(each) not in _ON]
        before = {each["InstanceId"]: _state(each) for each in living}
        changes = []
        if state in ("stopped", "restarted", "rebooted") and len(off) < len(ids):
            changes.append(Change("stopped", before, dict.fromkeys(ids, "stopped"), partial(self._stop, ids)))
        changes += [change for each in living for change in self._differences(each)]
        if state in ("running", "started") and off:
            changes.append(Change("started", before, dict.fromkeys(ids, "running"), partial(self._start, ids)))
        if state in ("restarted", "rebooted"):
            changes.append(Change("restarted", before, "running again", partial(self._start, ids)))
        result = carried_out(self._asked, changes)
        return {**result, **_shown(self._now(ids) if changes and not self._asked.check else living)}

    def _differences(self, each: Instance) -> Iterator[Change]:
        a, id = self._a, str(each["InstanceId"])
        there = tags.of(each)
        wanted = {**(there if a.tags is None else a.tags), **({"Name": a.name} if a.name else {})}
        yield from tag_changes(self._api, id, there, wanted, purge=a.tags is not None and a.purge_tags)
        if a.instance_type and a.instance_type != each["InstanceType"]:
            self._can_change_type(each)
            yield self._change("instance_type", each["InstanceType"], a.instance_type, id,
                               InstanceType={"Value": a.instance_type})
        groups = sorted(self._groups())
        attached = sorted({group["GroupId"] for group in each.get("SecurityGroups", ())}
                          | {group["GroupId"] for one in each.get("NetworkInterfaces", ()) for group in one["Groups"]})
        if groups and groups != attached:
            yield self._change("security_groups", attached, groups, id, Groups=groups)
        options = _camel_metadata(a.metadata_options)
        now = {key: each.get("MetadataOptions", {}).get(key) for key in options}
        if options != now:
            yield Change("metadata_options", now, options, partial(
                self._api.call, "modify_instance_metadata_options", InstanceId=id, **options))
        if a.termination_protection is not None:
            answer = self._api.call("describe_instance_attribute", InstanceId=id, Attribute="disableApiTermination")
            protected = bool(answer["DisableApiTermination"].get("Value"))
            if protected != a.termination_protection:
                yield self._change("termination_protection", protected, a.termination_protection, id,
                                   DisableApiTermination={"Value": a.termination_protection})
        image = a.image_id or (a.image or {}).get("id") or ""
        if image.startswith("ami-") and image != each["ImageId"]:
            self._asked.warn(f"{id} keeps its image {each['ImageId']}: only a new instance gets another one")

    def _change(self, name: str, before: Any, after: Any, id: str, **attribute: Any) -> Change:
        return Change(name, before, after, partial(
            self._api.call, "modify_instance_attribute", InstanceId=id, **attribute))

    def _can_change_type(self, each: Instance) -> None:
        if _state(each) != "stopped" and self._a.state not in ("stopped", "restarted", "rebooted"):
            raise Refused(f"{self._api.place}: {each['InstanceId']} is {_state(each)} as {each['InstanceType']}: only "
                          f"a stopped instance can become {self._a.instance_type}",
                          hint="run the task with `state: restarted`, or stop it first")

    def _terminated(self, doomed: Sequence[Instance]) -> Result:
        ids = [str(each["InstanceId"]) for each in doomed]
        before = {each["InstanceId"]: _state(each) for each in doomed}
        result = told(self._asked, before, dict.fromkeys(ids, "terminated"))
        if ids and not self._asked.check:
            self._api.call("terminate_instances", InstanceIds=ids)
            if self._a.wait:
                self._wait(ids, "terminated")
        shown = doomed if self._asked.check else self._now(ids)
        return {**result, **_shown(shown), "terminate_success": ids}

    def _stop(self, ids: Sequence[str]) -> None:
        self._api.call("stop_instances", InstanceIds=list(ids), again=("IncorrectInstanceState",))
        if self._a.wait or self._a.state != "stopped" or self._a.instance_type:
            self._wait(ids, "stopped")

    def _start(self, ids: Sequence[str]) -> None:
        self._api.call("start_instances", InstanceIds=list(ids), again=("IncorrectInstanceState",))
        if self._a.wait:
            self._wait(ids, "running")

    def _wait(self, ids: Sequence[str], state: str) -> None:
        def reached() -> bool:
            now = self._now(ids)
            for each in now:
                if _state(each) in ("terminated", "shutting-down") and state != "terminated":
                    why = each.get("StateReason", {}).get("Message", "it says no reason")
                    raise Refused(f"{self._api.place}: {each['InstanceId']} was terminated: {why}")
            return all(_state(each) == state for each in now)

        self._asked.tell(f"waiting for {', '.join(ids)} to be {state}")
        self._api.until(reached, f"{', '.join(ids)} to be {state}")


def _state(each: Instance) -> str:
    return str(each["State"]["Name"])


def _shown(instances: Sequence[Instance]) -> Result:
    return {"instances": plain(list(instances)), "instance_ids": [each["InstanceId"] for each in instances]}


def _camel(name: str) -> str:
    return re.sub(r"(?:^|_)([a-z])", lambda match: match[1].upper(), name)


def _camel_metadata(options: Mapping[str, Any] | None) -> dict[str, Any]:
    return {_METADATA[key]: value for key, value in (options or {}).items() if value is not None}
