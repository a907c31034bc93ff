"""Droplets of the fake, their actions and their tags."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from provisioner.testing.digitalocean.world import REGIONS, WHEN, No, Thing, World, missing, refused, region_of, sizes

NAME: Final = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?")


def listed(world: World, query: Mapping[str, str]) -> list[Thing]:
    shown = []
    for number, droplet in world.droplets.items():
        world.unseen[number] -= 1
        if world.unseen[number] >= 0 or _gone(world, number):
            continue
        if "tag_name" in query and world.spelled(query["tag_name"]) not in droplet["tags"]:
            continue
        if "name" in query and droplet["name"] != query["name"]:
            continue
        shown.append(droplet)
    return shown


def one(world: World, number: int) -> Thing:
    """Looking at it makes it go on."""
    if _gone(world, number) or world.unseen[number] > 0:
        raise missing()
    droplet = world.droplets[number]
    world.progress(number)
    droplet["locked"] = world.is_busy(number)
    if droplet["status"] == "new":
        world.waiting[number] -= 1
        if world.waiting[number] <= 0:
            droplet["status"] = "active"
            droplet["networks"] = {"v4": [_public(world, droplet), _private(number)], "v6": []}
    return droplet


def _gone(world: World, number: int) -> bool:
    """A deleted droplet is to be seen a little longer."""
    if number in world.leaving:
        world.leaving[number] -= 1
        if world.leaving[number] <= 0:
            world.droplets.pop(number, None)
    return number not in world.droplets


def create(world: World, body: Mapping[str, Any]) -> Thing:
    image = next((each for each in world.images if body.get("image") in (each["id"], each["slug"])), None)
    size = sizes().get(str(body.get("size")))
    if size is None:
        raise refused("You specified an invalid size for Droplet creation.")
    if image is None:
        raise refused("You specified an invalid image for Droplet creation.")
    if body.get("region") not in REGIONS:
        raise refused("You specified an invalid region for Droplet creation.")
    if not NAME.fullmatch(str(body.get("name") or "")):
        raise refused("Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)")
    if len(str(body.get("user_data") or "").encode()) > 65536:
        raise refused("User data is too long (maximum is 64 KiB)")
    if any(key not in world.keys for key in body.get("ssh_keys") or ()):
        raise refused("You specified invalid ssh key ids for Droplet creation.")
    default = next(each for each in world.vpcs.values() if each["default"] and each["region"] == body["region"])
    network = world.vpcs.get(body.get("vpc_uuid") or default["id"])
    if network is None or network["region"] != body["region"]:
        raise refused("VPC uuid is invalid")
    if len(world.droplets) >= world.droplet_limit:
        raise refused("creating this/these droplet(s) will exceed your droplet limit")
    number = next(world.numbers)
    droplet = {
        "id": number, "name": body["name"], "memory": size["memory"], "vcpus": size["vcpus"], "disk": size["disk"],
        "locked": False, "status": "new", "created_at": WHEN, "features": ["monitoring"] * bool(body.get("monitoring")),
        "backup_ids": [], "next_backup_window": None, "snapshot_ids": [], "image": image, "volume_ids": [],
        "size": size, "size_slug": size["slug"], "networks": {"v4": [], "v6": []}, "region": region_of(body["region"]),
        "tags": world.tagged(body.get("tags")), "vpc_uuid": network["id"],
    }  # fmt: skip
    world.droplets[number] = droplet
    world.waiting[number] = world.polls
    world.unseen[number] = world.hidden
    world.user_data[number] = body.get("user_data") or ""
    world.root_keys[number] = [world.keys[key]["public_key"] for key in body.get("ssh_keys") or ()]
    return droplet


def delete(world: World, number: int) -> None:
    if _gone(world, number) or number in world.leaving:
        raise missing()
    droplet = world.droplets[number]
    if world.is_busy(number):
        raise refused("Droplet already has a pending event.")
    world.leaving[number] = world.polls
    for volume in world.volumes.values():
        volume["droplet_ids"] = [each for each in volume["droplet_ids"] if each != number]
    for address in world.reserved.values():
        if address["droplet"] is droplet:
            address["droplet"] = None


def act(world: World, number: int, body: Mapping[str, Any]) -> Thing:
    droplet = one(world, number)
    if world.is_busy(number):
        raise refused("Droplet already has a pending event.")
    kind = str(body.get("type"))
    carry_out = {"power_on": _power, "power_off": _power, "shutdown": _power, "resize": _resize}.get(kind)
    if carry_out is None:
        raise refused("You specified an invalid action type.")
    return world.act(kind, "droplet", number, droplet["region"]["slug"], carry_out(world, droplet, body))


def _power(world: World, droplet: Thing, body: Mapping[str, Any]) -> Callable[[], None]:
    kind = body["type"]
    on = kind == "power_on"
    if on == (droplet["status"] == "active"):
        raise refused(f"Droplet is already powered {'on' if on else 'off'}.")
    ignored = kind == "shutdown" and world.ignores_shutdown
    return partial(droplet.update, {} if ignored else {"status": "active" if on else "off"})


def _resize(world: World, droplet: Thing, body: Mapping[str, Any]) -> Callable[[], None]:
    size = sizes().get(str(body.get("size")))
    grows = bool(body.get("disk"))
    if size is None:
        raise refused("You specified an invalid size.")
    if droplet["status"] != "off":
        raise refused("Droplet must be powered off to be resized.")
    if size["slug"] == droplet["size_slug"] and (not grows or size["disk"] == droplet["disk"]):
        raise refused("Droplet already has this size.")
    if size["disk"] < droplet["disk"]:
        raise refused("This size is not available because it has a smaller disk.")
    new = {"size": size, "size_slug": size["slug"], "memory": size["memory"], "vcpus": size["vcpus"]}
    return partial(droplet.update, {**new, "disk": size["disk"]} if grows else new)


def tag(world: World, name: str, body: Mapping[str, Any], *, add: bool) -> None:
    spelled = world.spelled(name)
    if spelled not in world.tags:
        raise missing()
    for each in body["resources"]:
        things: Mapping[Any, Thing] = world.droplets if each["resource_type"] == "droplet" else world.volumes
        id = int(each["resource_id"]) if each["resource_type"] == "droplet" else each["resource_id"]
        if id not in things:
            raise missing()
        kept = [other for other in things[id]["tags"] if other != spelled]
        things[id]["tags"] = [*kept, spelled] if add and world.tags_kept else kept


def drop_tag(world: World, name: str) -> None:
    spelled = world.spelled(name)
    if spelled not in world.tags:
        raise missing()
    world.tags.remove(spelled)
    for thing in (*world.droplets.values(), *world.volumes.values(), *world.firewalls.values()):
        thing["tags"] = [each for each in thing["tags"] if each != spelled]


def make_tag(world: World, name: str) -> Thing:
    if world.spelled(name) in world.tags:
        raise No(422, "unprocessable_entity", "Tag name already exists")
    if world.tags_kept:
        world.tagged([name])
    return shown_tag(world, name)


def shown_tag(world: World, name: str) -> Thing:
    things = (*world.droplets.values(), *world.volumes.values())
    count = sum(name in each["tags"] for each in things)
    return {"name": name, "resources": {"count": count}}


def _public(world: World, droplet: Thing) -> Thing:
    address = world.addresses() if world.addresses else f"203.0.113.{droplet['id'] % 250 + 1}"
    return {"ip_address": address, "netmask": "255.255.255.0", "gateway": "203.0.113.254", "type": "public"}


def _private(number: int) -> Thing:
    return {"ip_address": f"10.100.{number // 250 % 16}.{number % 250 + 2}", "netmask": "255.255.240.0",
            "gateway": "10.100.0.1", "type": "private"}
