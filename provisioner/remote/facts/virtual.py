"""Whether it is a container or a virtual machine, and of which kind."""

from __future__ import annotations

import os
from typing import Any

from provisioner.remote.facts.readers import text
from provisioner.remote.sdk import Ctx

NAMED_CONTAINERS = ("lxc", "podman")
"""What init may call its container, and the type then; others are of the type `container`."""

VENDORS = (
    ("QEMU", "kvm"), ("Amazon EC2", "kvm"), ("DigitalOcean", "kvm"), ("Google", "kvm"), ("Hetzner", "kvm"),
    ("Bochs", "kvm"), ("OpenStack", "openstack"), ("VMware", "VMware"), ("innotek", "virtualbox"),
    ("Oracle Corporation", "virtualbox"), ("Microsoft Corporation", "VirtualPC"), ("Parallels", "parallels"),
    ("Xen", "xen"),
)  # fmt: skip


def collect(ctx: Ctx) -> "dict[str, Any]":
    container, techs = _container()
    kind, role = (container, "guest") if container else _machine()
    known = sorted(techs) if techs else [kind] if role != "NA" else []
    return {"virtualization_type": kind, "virtualization_role": role,
            "virtualization_tech_guest": known if role == "guest" else [],
            "virtualization_tech_host": known if role == "host" else []}  # fmt: skip


def _container() -> "tuple[str, set[str]]":
    """The type of the container and all that it is called; what init was told (only root sees it) goes first."""
    told, file = _container_of_init(), text("/run/systemd/container")
    kinds = [name for name in NAMED_CONTAINERS if told.startswith(name)] + (["container"] if told else [])
    if file:
        kinds.append(file)
    if os.path.exists("/.dockerenv"):
        kinds.append("docker")
    if os.path.exists("/run/.containerenv"):
        kinds.append("podman")
    return (kinds[0], {*kinds, "container"}) if kinds else ("", set())


def _machine() -> "tuple[str, str]":
    maker = text("/sys/class/dmi/id/sys_vendor") + " " + text("/sys/class/dmi/id/product_name")
    for words, kind in VENDORS:
        if words in maker:
            return kind, "guest"
    if os.path.isdir("/proc/xen"):
        return "xen", "host" if "control_d" in text("/proc/xen/capabilities") else "guest"
    if " hypervisor" in text("/proc/cpuinfo", 16 << 10):
        return "kvm", "guest"
    if os.path.exists("/sys/module/kvm"):
        return "kvm", "host"
    return "NA", "NA"


def _container_of_init() -> str:
    for setting in text("/proc/1/environ").split("\0"):
        if setting.startswith("container="):
            return setting[len("container="):]
    return ""
