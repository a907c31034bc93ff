"""What EC2 refuses and moto does not: looked up in moto's own state before a call is passed on."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

USER_DATA: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Refusal:
    code: str
    message: str
    status: int = 400


def refusal(action: str, parameters: Mapping[str, str], backend: Any) -> Refusal | None:
    """backend: moto's EC2 of the account and region."""
    rule = _RULES.get(action)
    return rule(parameters, backend) if rule else None


def _run_instances(parameters: Mapping[str, str], backend: Any) -> Refusal | None:
    data = base64.b64decode(parameters.get("UserData", ""))
    if len(data) > USER_DATA:
        return Refusal("InvalidParameterValue", f"User data is limited to {USER_DATA} bytes")
    subnet, group = parameters.get("SubnetId"), parameters.get("SecurityGroupId.1")
    known = backend.get_security_group_from_id(group) if group else None
    if known is not None:
        vpc = backend.get_subnet(subnet).vpc_id if subnet else backend.get_default_vpc().id
        if known.vpc_id != vpc:
            return Refusal("InvalidParameter",
                           f"Security group {group} and subnet {subnet} belong to different networks.")
    return None


def _modify_instance(parameters: Mapping[str, str], backend: Any) -> Refusal | None:
    if "InstanceType.Value" not in parameters:
        return None
    instance = backend.get_instance(parameters["InstanceId"])
    if instance.state == "stopped":
        return None
    return Refusal("IncorrectInstanceState", f"The instance '{instance.id}' is not in the 'stopped' state.")


def _delete_group(parameters: Mapping[str, str], backend: Any) -> Refusal | None:
    group = parameters.get("GroupId", "")
    used = [each.id for each in backend.all_instances()
            if each.state != "terminated" and group in {one.id for one in each.security_groups}]
    return Refusal("DependencyViolation", f"resource {group} has a dependent object") if used else None


def _attach_volume(parameters: Mapping[str, str], backend: Any) -> Refusal | None:
    volume, instance = backend.get_volume(parameters["VolumeId"]), backend.get_instance(parameters["InstanceId"])
    if volume.zone.name != instance.placement.zone:
        return Refusal("InvalidVolume.ZoneMismatch",
                       f"The volume '{volume.id}' is not in the same availability zone as instance '{instance.id}'")
    return None


def _modify_volume(parameters: Mapping[str, str], backend: Any) -> Refusal | None:
    volume = backend.get_volume(parameters["VolumeId"])
    if int(parameters.get("Size", volume.size)) < volume.size:
        return Refusal("InvalidParameterValue", "New size cannot be smaller than existing size")
    return None


def _release(parameters: Mapping[str, str], backend: Any) -> Refusal | None:
    held = [each for each in backend.describe_addresses() if each.allocation_id == parameters.get("AllocationId")]
    if held and held[0].association_id:
        return Refusal("InvalidIPAddress.InUse", f"Address {held[0].public_ip} is in use.")
    return None


_RULES: Final[Mapping[str, Callable[[Mapping[str, str], Any], Refusal | None]]] = {
    "RunInstances": _run_instances,
    "ModifyInstanceAttribute": _modify_instance,
    "DeleteSecurityGroup": _delete_group,
    "AttachVolume": _attach_volume,
    "ModifyVolume": _modify_volume,
    "ReleaseAddress": _release,
}
