"""Which call does what at the fake: method and path to an answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from provisioner.testing.digitalocean import droplets, others
from provisioner.testing.digitalocean.world import REGIONS, Thing, World, missing, region_of, sizes


@dataclass(frozen=True, slots=True)
class Call:
    """parts: what the pattern's groups matched."""

    parts: tuple[str, ...]
    query: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def number(self) -> int:
        return int(self.parts[0])


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    content: Any = None


@dataclass(frozen=True, slots=True)
class Listing:
    """Cut into pages by the server."""

    key: str
    items: list[Thing]


Route: TypeAlias = Callable[[World, Call], Reply | Listing]


def _account(world: World, call: Call) -> Reply:
    return Reply(200, {"account": {
        "droplet_limit": world.droplet_limit, "floating_ip_limit": world.reserved_limit, "email": "a@example.com",
        "uuid": "user-1", "email_verified": True, "status": world.status, "status_message": "",
        "team": {"uuid": "team-1", "name": "Team"}}})  # fmt: skip


def _images(world: World, call: Call) -> Listing:
    private = call.query.get("private") == "true"
    return Listing("images", [each for each in world.images if each["public"] != private])


def _new_droplet(world: World, call: Call) -> Reply:
    droplet = droplets.create(world, call.body)
    action = world.act("create", "droplet", droplet["id"], droplet["region"]["slug"], lambda: None)
    return Reply(202, {"droplet": droplet, "links": {"actions": [_link(action, "create")]}})


def _new_reserved(world: World, call: Call) -> Reply:
    address, action = others.reserve(world, call.body)
    links = {"droplets": [], "actions": [_link(action, "assign_ip")]}
    return Reply(202, {"reserved_ip": address, "links": links})


def _reserved(world: World, call: Call) -> Listing:
    world.progress_addresses()
    return Listing("reserved_ips", list(world.reserved.values()))


def _link(action: Thing, rel: str) -> Thing:
    return {"id": action["id"], "rel": rel, "href": f"https://api.digitalocean.com/v2/actions/{action['id']}"}


def _records(world: World, call: Call) -> Listing:
    records = others.zone_of(world, call.parts[0]).values()
    wanted = call.query.get("type")
    return Listing("domain_records", [each for each in records if wanted in (None, each["type"])])


def _volumes(world: World, call: Call) -> Listing:
    query = call.query
    return Listing("volumes", [
        each for each in world.volumes.values()
        if query.get("region", each["region"]["slug"]) == each["region"]["slug"]
        and query.get("name", each["name"]) == each["name"]])  # fmt: skip


def _one(key: str, things: Mapping[Any, Thing], id: Any) -> Reply:
    if id not in things:
        raise missing()
    return Reply(200, {key: things[id]})


def _tag(world: World, call: Call) -> Reply:
    name = world.spelled(call.parts[0])
    if name not in world.tags:
        raise missing()
    return Reply(200, {"tag": droplets.shown_tag(world, name)})


def _quiet(change: Callable[[World, Call], None]) -> Route:
    """For what answers with nothing."""

    def route(world: World, call: Call) -> Reply:
        change(world, call)
        return Reply(204)

    return route


def _deleted(things: dict[Any, Any], id: Any) -> Reply:
    if id not in things:
        raise missing()
    del things[id]
    return Reply(204)


ROUTES: Final[tuple[tuple[str, Route], ...]] = (
    ("GET account", _account),
    ("GET account/keys", lambda w, c: Listing("ssh_keys", list(w.keys.values()))),
    ("POST account/keys", lambda w, c: Reply(201, {"ssh_key": others.create_key(w, c.body)})),
    (r"GET account/keys/(\d+)", lambda w, c: _one("ssh_key", w.keys, c.number)),
    (r"DELETE account/keys/(\d+)", lambda w, c: _deleted(w.keys, c.number)),
    (r"GET actions/(\d+)", lambda w, c: Reply(200, {"action": w.progressed(c.number)})),
    ("GET regions", lambda w, c: Listing("regions", list(map(region_of, REGIONS)))),
    ("GET sizes", lambda w, c: Listing("sizes", list(sizes().values()))),
    ("GET images", _images),
    ("GET droplets", lambda w, c: Listing("droplets", droplets.listed(w, c.query))),
    ("POST droplets", _new_droplet),
    (r"GET droplets/(\d+)", lambda w, c: Reply(200, {"droplet": droplets.one(w, c.number)})),
    (r"DELETE droplets/(\d+)", _quiet(lambda w, c: droplets.delete(w, c.number))),
    (r"POST droplets/(\d+)/actions", lambda w, c: Reply(201, {"action": droplets.act(w, c.number, c.body)})),
    ("GET tags", lambda w, c: Listing("tags", [droplets.shown_tag(w, each) for each in w.tags])),
    ("POST tags", lambda w, c: Reply(201, {"tag": droplets.make_tag(w, c.body["name"])})),
    ("GET tags/([^/]+)", _tag),
    ("DELETE tags/([^/]+)", _quiet(lambda w, c: droplets.drop_tag(w, c.parts[0]))),
    ("POST tags/([^/]+)/resources", _quiet(lambda w, c: droplets.tag(w, c.parts[0], c.body, add=True))),
    ("DELETE tags/([^/]+)/resources", _quiet(lambda w, c: droplets.tag(w, c.parts[0], c.body, add=False))),
    ("GET vpcs", lambda w, c: Listing("vpcs", list(w.vpcs.values()))),
    ("POST vpcs", lambda w, c: Reply(201, {"vpc": others.create_vpc(w, c.body)})),
    ("GET vpcs/([^/]+)", lambda w, c: _one("vpc", w.vpcs, c.parts[0])),
    ("DELETE vpcs/([^/]+)", _quiet(lambda w, c: others.delete_vpc(w, c.parts[0]))),
    ("GET firewalls", lambda w, c: Listing("firewalls", list(w.firewalls.values()))),
    ("POST firewalls", lambda w, c: Reply(202, {"firewall": others.write_firewall(w, c.body)})),
    ("GET firewalls/([^/]+)", lambda w, c: _one("firewall", w.firewalls, c.parts[0])),
    ("PUT firewalls/([^/]+)", lambda w, c: Reply(200, {"firewall": others.write_firewall(w, c.body, c.parts[0])})),
    ("DELETE firewalls/([^/]+)", lambda w, c: _deleted(w.firewalls, c.parts[0])),
    ("GET volumes", _volumes),
    ("POST volumes", lambda w, c: Reply(201, {"volume": others.create_volume(w, c.body)})),
    ("GET volumes/([^/]+)", lambda w, c: _one("volume", w.volumes, c.parts[0])),
    ("DELETE volumes/([^/]+)", _quiet(lambda w, c: others.delete_volume(w, c.parts[0]))),
    ("POST volumes/([^/]+)/actions",
     lambda w, c: Reply(202, {"action": others.act_on_volume(w, c.parts[0], c.body)})),
    ("GET reserved_ips", _reserved),
    ("POST reserved_ips", _new_reserved),
    ("GET reserved_ips/([^/]+)", lambda w, c: _one("reserved_ip", w.reserved, c.parts[0])),
    ("DELETE reserved_ips/([^/]+)", _quiet(lambda w, c: others.delete_reserved(w, c.parts[0]))),
    ("POST reserved_ips/([^/]+)/actions",
     lambda w, c: Reply(201, {"action": others.act_on_reserved(w, c.parts[0], c.body)})),
    ("GET domains/([^/]+)/records", _records),
    ("POST domains/([^/]+)/records",
     lambda w, c: Reply(201, {"domain_record": others.write_record(w, c.parts[0], c.body)})),
    (r"PUT domains/([^/]+)/records/(\d+)",
     lambda w, c: Reply(200, {"domain_record": others.write_record(w, c.parts[0], c.body, int(c.parts[1]))})),
    (r"DELETE domains/([^/]+)/records/(\d+)",
     lambda w, c: _deleted(others.zone_of(w, c.parts[0]), int(c.parts[1]))),
)  # fmt: skip


def answer(world: World, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any]) -> Reply | Listing:
    """path: without `/v2/`; raises `No`. A slash at the end is no path of the API."""
    for pattern, route in ROUTES:
        match = re.fullmatch(pattern, f"{method} {path}")
        if match:
            return route(world, Call(match.groups(), query, body))
    raise missing()
