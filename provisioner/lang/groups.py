"""Action groups: names under which `module_defaults` means many modules (`group/docker`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from provisioner.lang.modules import WELL_KNOWN

_BEGINNINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "acme": ("acme_",),
    "aws": ("aws_", "ec2", "s3_", "route53", "cloudformation", "rds", "iam", "elb", "ecs_", "lambda"),
    "azure": ("azure_rm_",),
    "cpm": ("cpm_",),
    "digitalocean": ("digital_ocean_",),
    "docker": ("docker_",),
    "gcp": ("gcp_", "gc_storage"),
    "k8s": ("k8s", "helm"),
    "keycloak": ("keycloak_",),
    "openstack": ("os_", "openstack_"),
    "ovirt": ("ovirt_",),
    "podman": ("podman_",),
    "proxmox": ("proxmox",),
    "vmware": ("vmware_",),
    "windows": ("win_",),
}


def members(group: str) -> tuple[str, ...] | None:
    """The modules of `group/NAME` or `group/COLLECTION.NAME`; None when nobody knows the group."""
    beginnings = _BEGINNINGS.get(group.removeprefix("group/").rpartition(".")[2])
    if beginnings is None:
        return None
    return tuple(sorted(name for name in WELL_KNOWN if name.startswith(beginnings)))


def known() -> tuple[str, ...]:
    return tuple(f"group/{name}" for name in _BEGINNINGS)
