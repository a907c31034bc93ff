"""Droplets of the fake as machines that boot here, with cloud-init and a metadata service: see `testing.bridge`."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, Literal

from provisioner.testing.bridge import Instance
from provisioner.testing.digitalocean.server import Fake
from provisioner.testing.digitalocean.world import World


def droplets_of(fake: Fake) -> list[Instance]:
    """What `Bridge` asks for; `fake.world.addresses` has to be the bridge's `next_address`."""
    with fake.lock:
        return [_instance(fake.world, number) for number in fake.world.droplets]


def _instance(world: World, number: int) -> Instance:
    droplet = world.droplets[number]
    public = next((each for each in droplet["networks"]["v4"] if each["type"] == "public"), None)
    address = public["ip_address"] if public else ""
    meta = _metadata(world, droplet, public) if public else {}
    state: Literal["on", "off", "gone"] = "off" if droplet["status"] == "off" else "on"
    if number in world.leaving:
        state = "gone"
    return Instance(str(number), state, address, "digitalocean", world.user_data[number], meta)


def _metadata(world: World, droplet: Mapping[str, Any], public: Mapping[str, Any]) -> dict[str, Any]:
    """As in `/metadata/v1.json`, which cloud-init reads."""
    packed = ipaddress.IPv4Address(public["ip_address"]).packed
    interface = {
        "ipv4": {name: public[name] for name in ("ip_address", "netmask", "gateway")}, "type": "public",
        "mac": "02:42:" + ":".join(f"{byte:02x}" for byte in packed),
    }  # fmt: skip
    return {
        "droplet_id": droplet["id"], "hostname": droplet["name"], "region": droplet["region"]["slug"],
        "public_keys": world.root_keys[droplet["id"]], "interfaces": {"public": [interface]}, "vendor_data": "",
        "dns": {"nameservers": []}, "tags": droplet["tags"],
    }  # fmt: skip
