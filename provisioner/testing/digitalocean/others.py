"""All of the fake but droplets: keys, networks, firewalls, volumes, reserved IPs, domains."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from provisioner.testing.digitalocean.world import REGIONS, WHEN, No, Thing, World, missing, refused, region_of, vpc

DOTTED: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9.-]+")
VOLUME: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
PORTS: Final = re.compile(r"all|0|\d{1,5}(-\d{1,5})?")


def create_key(world: World, body: Mapping[str, Any]) -> Thing:
    try:
        raw = base64.b64decode(body["public_key"].split()[1], validate=True)
    except (IndexError, ValueError):
        raise refused("Key invalid, key should be of the format `type key [comment]`") from None
    fingerprint = ":".join(re.findall("..", hashlib.md5(raw).hexdigest()))  # noqa: S324 (the API's)
    if any(each["fingerprint"] == fingerprint for each in world.keys.values()):
        raise refused("SSH Key is already in use on your account")
    number = next(world.numbers)
    world.keys[number] = {"id": number, "fingerprint": fingerprint, "public_key": body["public_key"],
                          "name": body["name"]}
    return world.keys[number]


def create_vpc(world: World, body: Mapping[str, Any]) -> Thing:
    if not DOTTED.fullmatch(body["name"]):
        raise refused("Name contains invalid characters")
    if any(each["name"] == body["name"] for each in world.vpcs.values()):
        raise refused("A VPC with this name already exists in your account")
    if body["region"] not in REGIONS:
        raise refused("region is invalid")
    wanted = ipaddress.ip_network(body.get("ip_range") or f"10.{len(world.vpcs) + 10}.0.0/20")
    if any(wanted.overlaps(ipaddress.ip_network(each["ip_range"])) for each in world.vpcs.values()):
        raise refused("This range/size overlaps with another VPC network in your account")
    made = vpc(body["name"], body["region"], str(wanted), body.get("description") or "")
    world.vpcs[made["id"]] = made
    return made


def delete_vpc(world: World, id: str) -> None:
    if id not in world.vpcs:
        raise missing()
    if any(each["vpc_uuid"] == id for each in world.droplets.values()):
        raise No(403, "forbidden", "Can not delete VPC with members")
    del world.vpcs[id]


def write_firewall(world: World, body: Mapping[str, Any], id: str = "") -> Thing:
    if not DOTTED.fullmatch(body.get("name") or ""):
        raise refused("firewall name contains invalid characters")
    if any(each["name"] == body["name"] and each["id"] != id for each in world.firewalls.values()):
        raise No(409, "conflict", "duplicate name")
    rules = [*(body.get("inbound_rules") or ()), *(body.get("outbound_rules") or ())]
    if not rules:
        raise refused("must specify at least one rule")
    for rule in rules:
        if not PORTS.fullmatch(rule["ports"]) or not any((rule.get("sources") or rule.get("destinations")).values()):
            raise refused("a rule has wrong ports or no source")
    unknown = [each for each in body.get("tags") or () if each not in world.tags]
    if unknown and world.tags_kept:
        raise refused(f"tag {unknown[0]} does not exist")
    made = {"id": id or str(uuid.uuid4()), "name": body["name"], "status": "succeeded", "created_at": WHEN,
            "pending_changes": [], "droplet_ids": list(body.get("droplet_ids") or ()),
            "tags": list(body.get("tags") or ()) if world.tags_kept else [],
            "inbound_rules": list(map(_shown_rule, body.get("inbound_rules") or ())),
            "outbound_rules": list(map(_shown_rule, body.get("outbound_rules") or ()))}
    world.firewalls[made["id"]] = made
    return made


def _shown_rule(rule: Thing) -> Thing:
    """`all` is shown as 0."""
    return {**rule, "ports": "0" if rule["ports"] == "all" else rule["ports"]}


def create_volume(world: World, body: Mapping[str, Any]) -> Thing:
    if not VOLUME.fullmatch(body["name"]):
        raise refused("name must be lowercase and start with a letter")
    if any((each["name"], each["region"]["slug"]) == (body["name"], body["region"]) for each in world.volumes.values()):
        raise No(409, "conflict", "a volume with this name already exists in this region")
    made = {"id": str(uuid.uuid4()), "name": body["name"], "size_gigabytes": body["size_gigabytes"], "droplet_ids": [],
            "created_at": WHEN, "region": region_of(body["region"]), "tags": world.tagged(body.get("tags")),
            "description": body.get("description") or "", "filesystem_type": "", "filesystem_label": ""}
    world.volumes[made["id"]] = made
    return made


def delete_volume(world: World, id: str) -> None:
    if id not in world.volumes:
        raise missing()
    if world.volumes[id]["droplet_ids"]:
        raise No(409, "conflict", "the volume is attached to a droplet")
    del world.volumes[id]


def act_on_volume(world: World, id: str, body: Mapping[str, Any]) -> Thing:
    volume = world.volumes.get(id)
    if volume is None:
        raise missing()
    change: Thing
    if body["type"] == "attach":
        if volume["droplet_ids"]:
            raise refused("the volume is already attached to a droplet")
        if world.droplets.get(body["droplet_id"], {}).get("region", {}).get("slug") != volume["region"]["slug"]:
            raise refused("the droplet is not in the volume's region")
        change = {"droplet_ids": [body["droplet_id"]]}
    elif body["type"] == "detach":
        if volume["droplet_ids"] != [body["droplet_id"]]:
            raise refused("the volume is not attached to this droplet")
        change = {"droplet_ids": []}
    else:
        if body["size_gigabytes"] <= volume["size_gigabytes"]:
            raise refused("a volume can only become greater")
        change = {"size_gigabytes": body["size_gigabytes"]}
    return world.act(f"{body['type']}_volume", "volume", None, volume["region"]["slug"], partial(volume.update, change))


def reserve(world: World, body: Mapping[str, Any]) -> tuple[Thing, Thing]:
    """Address and action."""
    droplet = world.droplets.get(body.get("droplet_id", 0))
    if droplet is None:
        raise refused("the droplet does not exist")
    if len(world.reserved) >= world.reserved_limit:
        raise refused("You have reached the limit of reserved IPs")
    _has_none(world, droplet)
    region = droplet["region"]["slug"]
    made: Thing = {"ip": f"198.51.100.{len(world.reserved) + 1}", "region": region_of(region), "droplet": None,
            "locked": False, "project_id": str(uuid.uuid4())}
    world.reserved[str(made["ip"])] = made
    action = world.act("assign_ip", "reserved_ip", None, region, partial(made.update, {"droplet": droplet}))
    return made, action


def act_on_reserved(world: World, ip: str, body: Mapping[str, Any]) -> Thing:
    address = world.reserved.get(ip)
    if address is None:
        raise missing()
    droplet = None
    if body["type"] == "assign":
        droplet = world.droplets.get(body["droplet_id"])
        if droplet is None:
            raise refused("the droplet does not exist")
        _has_none(world, droplet)
    elif address["droplet"] is None:
        raise refused("the reserved IP is not assigned")
    change = {"droplet": droplet}
    return world.act(f"{body['type']}_ip", "reserved_ip", None, address["region"]["slug"],
                     partial(address.update, change))


def _has_none(world: World, droplet: Thing) -> None:
    if any(each["droplet"] is droplet for each in world.reserved.values()):
        raise refused("The droplet already has a reserved IP")


def delete_reserved(world: World, ip: str) -> None:
    if ip not in world.reserved:
        raise missing()
    if world.reserved[ip]["droplet"] is not None:
        raise refused("The reserved IP is assigned to a droplet")
    del world.reserved[ip]


def write_record(world: World, zone: str, body: Mapping[str, Any], number: int | None = None) -> Thing:
    records = zone_of(world, zone)
    if number is not None and number not in records:
        raise missing()
    if body["type"] in ("A", "AAAA"):
        try:
            ipaddress.ip_address(body["data"])
        except ValueError:
            raise refused("IP address did not match IPv4 format") from None
    if (body.get("ttl") or 1800) < 30:
        raise refused("Ttl must be greater than or equal to 30")
    id = next(world.numbers) if number is None else number
    records[id] = {"id": id, "type": body["type"], "name": body["name"], "data": body["data"], "priority": None,
                   "port": None, "ttl": body.get("ttl") or 1800, "weight": None, "flags": None, "tag": None}
    return records[id]


def zone_of(world: World, zone: str) -> dict[int, Thing]:
    if zone not in world.domains:
        raise missing()
    return world.domains[zone]
