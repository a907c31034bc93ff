"""A droplet at DigitalOcean: looked for by its id or its name; made, tagged, resized, switched, deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from provisioner.cloud.errors import Gone, Refused, Unavailable
from provisioner.cloud.model import digest
from provisioner.cloud.providers.digitalocean import tags
from provisioner.cloud.providers.digitalocean.api import Api
from provisioner.cloud.providers.digitalocean.droplets import destroy, made_once, power, resize, unlocked
from provisioner.cloud.tasks.asked import Asked, Change, Result, carried_out, told

Droplet = Mapping[str, Any]

_ADDRESSES: Final = {("v4", "public"): "ip_address", ("v4", "private"): "private_ipv4_address",
                     ("v6", "public"): "ipv6_address", ("v6", "private"): "private_ipv6_address"}


def ensure(api: Api, asked: Asked) -> Result:
    a = asked.a
    named = api.all("droplets", "droplets", name=a.name) if a.name and not a.id else []
    there = _there(api, a, named)
    if a.state == "absent":
        if there is not None and not asked.check:
            destroy(api, str(there["id"]), f"the droplet {there['name']}", there["tags"])
        return {**told(asked, {"droplet": there and there["name"]}, {"droplet": None}), "data": {}}
    if there is None:
        return _made(api, asked, named)
    changes = list(_changes(api, a, there))
    result = carried_out(asked, changes)
    now = api.get(f"droplets/{there['id']}", "droplet") if changes and not asked.check else there
    return {**result, "data": _shown(now)}


def _there(api: Api, a: Any, named: list[dict[str, Any]]) -> Droplet | None:
    """Only a name that is said to be unique says which one is meant; to delete one the name has to be clear."""
    if a.id:
        try:
            return api.get(f"droplets/{a.id}", "droplet")
        except Gone:
            if a.state == "absent":
                return None
            raise
    if not a.unique_name and a.state != "absent":
        return None
    if len(named) > 1:
        raise Refused(f"{api.place}: {len(named)} droplets are called {a.name} "
                      f"({', '.join(str(each['id']) for each in named)})", hint="say which by `id`")
    return named[0] if named else None


def _made(api: Api, asked: Asked, named: list[dict[str, Any]]) -> Result:
    a = asked.a
    lacking = [name for name in ("name", "size", "image", "region") if not getattr(a, name)]
    if lacking:
        raise Refused(f"{api.place}: a droplet is to be made, and the task has no {', '.join(lacking)}", hint="name it")
    result = told(asked, {"droplet": None}, {"droplet": a.name})
    if asked.check:
        return {**result, "data": {}, "msg": f"the droplet {a.name} would be made"}
    # A run that was killed after it made one finds it by this tag; a name that is not unique may be made again.
    token = digest([a.name, a.region, a.size, a.image, sorted(each["id"] for each in named)])
    mark = tags.tag("token", token)
    droplet = made_once(api, f"the droplet {a.name}", mark, partial(_ordered, api, a, mark))
    if a.wait or a.state == "inactive":
        droplet = _active(api, asked, droplet)
    if a.state == "inactive":
        power(api, str(droplet["id"]), f"the droplet {a.name}", on=False)
        droplet = api.get(f"droplets/{droplet['id']}", "droplet")
    return {**result, "data": _shown(droplet)}


def _ordered(api: Api, a: Any, mark: str) -> Any:
    return api.droplet(
        name=a.name, region=a.region, size_slug=a.size, image=int(a.image) if a.image.isdigit() else a.image,
        ssh_keys=[int(key) if str(key).isdigit() else key for key in a.ssh_keys], tags=[*a.tags, mark],
        monitoring=a.monitoring, user_data=a.user_data, vpc_uuid=a.vpc_uuid, backups=a.backups, ipv6=a.ipv6)


def _active(api: Api, asked: Asked, droplet: Droplet) -> Droplet:
    """Running and with an address."""
    asked.tell(f"waiting for {droplet['name']} ({droplet['id']})")
    for _ in api.patience.until(asked.a.wait_timeout):
        droplet = api.get(f"droplets/{droplet['id']}", "droplet")
        if droplet["status"] == "active" and droplet["networks"]["v4"]:
            return droplet
    raise Unavailable(f"{api.place}: {droplet['name']} ({droplet['id']}) is {droplet['status']} after "
                      f"{asked.a.wait_timeout} s", hint="run it again to go on waiting, or give it more `wait_timeout`")


def _changes(api: Api, a: Any, there: Droplet) -> Iterator[Change]:
    id, what = str(there["id"]), f"the droplet {there['name']}"
    new = [each for each in a.tags if each not in there["tags"]]
    if new:
        before = [each for each in there["tags"] if not tags.is_ours(each)]
        yield Change("tags", before, sorted([*before, *new]), partial(_add_tags, api, id, new))
    is_on = there["status"] in ("new", "active")
    if a.size and a.size != there["size_slug"]:
        if is_on and a.state != "inactive":
            raise Refused(f"{api.place}: {what} runs as {there['size_slug']}: only one that is off can become {a.size}",
                          hint="run the task with `state: inactive`, then with `state: active`")
        yield Change("size", there["size_slug"], a.size, partial(_resize, api, id, what, a))
    if a.state == "active" and not is_on:
        yield Change("status", there["status"], "active", partial(_power, api, id, what, on=True))
    if a.state == "inactive" and is_on:
        yield Change("status", there["status"], "off", partial(_power, api, id, what, on=False))


def _add_tags(api: Api, id: str, new: list[str]) -> None:
    for each in new:
        api.have_tag(each)
        api.tag(each).add_droplets([id])


def _resize(api: Api, id: str, what: str, a: Any) -> None:
    unlocked(api, id, what)
    resize(api, id, what, a.size, disk=a.resize_disk)


def _power(api: Api, id: str, what: str, *, on: bool) -> None:
    unlocked(api, id, what)
    power(api, id, what, on=on)


def _shown(droplet: Droplet) -> Result:
    """With its addresses beside it, as they are mostly what is wanted."""
    found = {_ADDRESSES[version, each["type"]]: each["ip_address"]
             for version, listed in droplet["networks"].items() for each in listed}
    return {"droplet": {**droplet, "tags": [each for each in droplet["tags"] if not tags.is_ours(each)]}, **found}
