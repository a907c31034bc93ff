"""Machines: droplets, known by their tags alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from provisioner.cloud.errors import Gone, Refused, Unavailable
from provisioner.cloud.model import Found, Known, Ref, Wanted
from provisioner.cloud.provider import Effect, Order
from provisioner.cloud.providers.digitalocean import tags
from provisioner.cloud.providers.digitalocean.api import Api, absent_is_fine, named, understood
from provisioner.cloud.providers.digitalocean.firewalls import firewall_tag
from provisioner.cloud.providers.digitalocean.networks import network_names
from provisioner.cloud.providers.digitalocean.refusals import Lost

EFFECTS: Final[Mapping[str, Effect]] = {
    "image": "replace", "network": "replace", "size": "restart", "disk": "restart", "firewall": "update",
    "tags": "update", "protected": "update", "running": "update", "user": "host", "groups": "update",
    "keys": "host", "user_data": "later", "monitoring": "later",
}  # fmt: skip
_STATUS: Final = {"new": "pending", "active": "running", "off": "stopped", "archive": "stopped"}
_TAGGED: Final = frozenset({"firewall", "tags", "protected", *tags.MEMORIES})


@dataclass(frozen=True, slots=True)
class Droplets:
    api: Api

    def found(self, site: str) -> list[Found]:
        listed = self.api.all("droplets", "droplets", tag_name=tags.tag("site", site))
        networks = network_names(self.api, site) if listed else {}
        mine = filter(self._is_ours, listed)
        return [self._seen(each, site, networks.get(each.get("vpc_uuid") or "")) for each in mine]

    def sites(self) -> Iterable[str]:
        for each in self.api.all("droplets", "droplets"):
            if self._is_ours(each) and (site := tags.value(each["tags"], "site")):
                yield site

    def look(self, found: Found) -> Found:
        """Cheaper than `found`: the network, which never changes, is taken from what was known."""
        try:
            droplet = self.api.get(f"droplets/{found.id}", "droplet")
        except Gone:
            if found.status == "pending":
                return found  # not to be seen yet: who waits for it has a time-out
            raise
        site = tags.value(droplet["tags"], "site") or ""
        return replace(self._seen(droplet, site, found.fields.get("network")), ref=found.ref)

    def _is_ours(self, droplet: Mapping[str, Any]) -> bool:
        return bool(droplet["region"]["slug"] == self.api.region and tags.value(droplet["tags"], "name"))

    def _seen(self, droplet: Mapping[str, Any], site: str, network: str | None) -> Found:
        marks: Sequence[str] = droplet["tags"]
        addresses = {each["type"]: each["ip_address"] for each in droplet["networks"]["v4"]}
        fields = {
            **{name: tags.memory(marks, name) for name in tags.MEMORIES},
            "groups": tags.memory(marks, "groups") or "", "image": tags.memory(marks, "image") or _image(droplet),
            "size": droplet["size_slug"], "disk": droplet["disk"], "zone": None, "network": network,
            "firewall": tags.value(marks, "firewall", site, self.api.region), "tags": tags.own(marks),
            "running": droplet["status"] in ("new", "active"), "protected": tags.PROTECTED in marks,
            "metadata": None, "monitoring": "monitoring" in droplet["features"],
        }  # fmt: skip
        generation = tags.value(marks, "generation") or "1"
        return self.api.found("machine", tags.value(marks, "name") or droplet["name"], droplet["id"], fields,
                              generation=int(generation) if generation.isdigit() else 1,
                              status=_STATUS.get(droplet["status"], droplet["status"]),
                              address=addresses.get("public", ""), private_address=addresses.get("private", ""),
                              more={"tags": tuple(marks)})

    # -- making ----------------------------------------------------------------------------------------------------

    def create(self, order: Order) -> Found:
        mark = tags.tag("token", order.token)
        made = made_once(self.api, str(order.wanted.ref), mark, lambda: self._ordered(order, mark))
        return self._seen(made, order.site, order.wanted.fields.get("network"))

    def _ordered(self, order: Order, mark: str) -> Any:
        wanted = order.wanted
        fields = wanted.fields
        firewall = firewall_tag(order.site, self.api.region, fields["firewall"]) if fields.get("firewall") else None
        marks = [tags.tag("site", order.site), tags.tag("name", wanted.ref.name), mark,
                 tags.tag("generation", str(order.generation)),
                 *(each for name in sorted(_TAGGED) for each in tags.field_tags(name, fields, firewall))]
        network = fields.get("network")
        keys = [named(order.known, need) for need in wanted.needs if need.kind == "key"]
        return self.api.droplet(
            name=wanted.ref.name, region=self.api.region, size_slug=fields["size"], tags=marks,
            ssh_keys=[int(key.id) for key in keys if key.place.provider == self.api.place.provider],
            image=int(order.image) if order.image.isdigit() else order.image or fields["image"],
            monitoring=bool(fields.get("monitoring")), user_data=order.user_data,
            vpc_uuid=named(order.known, Ref("network", network)).id if network else None)

    # -- changing --------------------------------------------------------------------------------------------------

    def update(self, found: Found, wanted: Wanted, fields: Sequence[str], known: Known) -> Found:
        """What is kept in tags first: it takes no time, and a firewall should not wait for a restart."""
        site = tags.value(found.more.get("tags", ()), "site") or ""
        self._retag(found, wanted, [name for name in fields if name in _TAGGED], site)
        if {"size", "disk", "running"} & set(fields):
            unlocked(self.api, found.id, str(found.ref))
        if {"size", "disk"} & set(fields):
            self._resize(found, wanted)
        if {"size", "disk", "running"} & set(fields):
            power(self.api, found.id, str(found.ref), on=wanted.fields.get("running") is not False)
        return self.look(found)

    def _retag(self, found: Found, wanted: Wanted, fields: Sequence[str], site: str) -> None:
        if not fields:
            return
        name = wanted.fields.get("firewall")
        firewall = firewall_tag(site, self.api.region, name) if name else None
        present = self.api.get(f"droplets/{found.id}", "droplet")["tags"]
        new = [each for field in fields for each in tags.field_tags(field, wanted.fields, firewall)]
        added, gone = tags.changes(present, new, fields)
        for each in added:
            self.api.have_tag(each)
            self.api.tag(each).add_droplets([found.id])
        for each in gone:
            absent_is_fine(partial(self.api.tag(each).remove_droplets, [found.id]))

    def _resize(self, found: Found, wanted: Wanted) -> None:
        """The disk grows only where its size is declared: it can never shrink again."""
        size, disk = wanted.fields["size"], wanted.fields.get("disk")
        current = self.api.get(f"droplets/{found.id}", "droplet")
        grows = disk is not None and disk != current["disk"]
        if current["size_slug"] == size and not grows:
            return
        resize(self.api, found.id, str(found.ref), size, disk=grows)

    # -- deleting --------------------------------------------------------------------------------------------------

    def delete(self, found: Found) -> None:
        path = f"droplets/{found.id}"
        if not absent_is_fine(lambda: self._check(path, found)):
            return
        destroy(self.api, found.id, str(found.ref), found.more.get("tags", ()))

    def _check(self, path: str, found: Found) -> None:
        if tags.PROTECTED in self.api.get(path, "droplet")["tags"]:
            raise Refused(f"{found.ref} is protected", hint="set `protected: false` for it and apply first")


def made_once(api: Api, what: str, mark: str, ordered: Callable[[], Any]) -> Mapping[str, Any]:
    """The droplet of an attempt. The API forgets what it has made where the answer is lost, so each attempt has a tag,
    which is looked for before and after: of two with one tag the first made, which has the lowest id, stays.

    ordered: gives an object of the library that is not created yet; it has the tag `mark`.
    """
    mine = None if _with(api, mark) else _make(api, what, mark, ordered)
    droplets: Sequence[Mapping[str, Any]] = ()
    for _ in api.patience.until(api.patience.visible):
        droplets = _with(api, mark)
        if any(mine in (None, each["id"]) for each in droplets):
            break
    else:
        raise Lost(f"{api.wire.where}: {what} was made, and is not in any listing",
                   hint="run it again: it is found by its tag and not made twice")
    for double in droplets[1:]:
        absent_is_fine(api.droplet(id=double["id"]).destroy)
        api.gone(f"droplets/{double['id']}", "droplet", f"the second {what}")
    return droplets[0]


def _with(api: Api, mark: str) -> list[dict[str, Any]]:
    return sorted(api.all("droplets", "droplets", tag_name=mark), key=lambda each: int(each["id"]))


def _make(api: Api, what: str, mark: str, ordered: Callable[[], Any], attempts: int = 3) -> int | None:
    """The id, if it was told. After a lost answer it may still be made, so it is not tried again: the next run
    looks for it before anything else."""
    droplet = ordered()
    try:
        with understood(f"{api.wire.where}: {what}"):
            droplet.create()
            return int(droplet.id)
    except Unavailable as error:
        failure = error
    for pause in api.patience.pauses:
        api.patience.sleep(pause)
        if _with(api, mark):
            return None
    if isinstance(failure, Lost) or attempts == 1:
        raise failure
    return _make(api, what, mark, ordered, attempts - 1)


def resize(api: Api, id: str, what: str, size: str, *, disk: bool) -> None:
    """Switches it off first."""
    power(api, id, what, on=False)
    _act(api, id, {"type": "resize", "size": size, "disk": disk}, f"{what}: resizing to {size}")


def power(api: Api, id: str, what: str, *, on: bool) -> None:
    """Switching off gives the system time to end by itself."""
    if _is_on(api, id) == on:
        return
    if on:
        _act(api, id, {"type": "power_on"}, f"{what}: starting")
        return
    _act(api, id, {"type": "shutdown"}, f"{what}: shutting down")
    for _ in api.patience.until(api.patience.shutdown):
        if not _is_on(api, id):
            return
    _act(api, id, {"type": "power_off"}, f"{what}: switching off")


def unlocked(api: Api, id: str, what: str) -> None:
    """Wait for what an earlier run has begun."""
    for _ in api.patience.until(api.patience.action):
        if not api.get(f"droplets/{id}", "droplet")["locked"]:
            return
    raise Unavailable(f"{api.wire.where}: {what} is locked for {api.patience.action:.0f} s",
                      hint="the control panel shows what is under way with it")


def _is_on(api: Api, id: str) -> bool:
    return bool(api.get(f"droplets/{id}", "droplet")["status"] == "active")


def _act(api: Api, id: str, action: Mapping[str, Any], what: str) -> None:
    # The library's own methods send a text where the API takes true or false.
    droplet = api.droplet(id=id)
    api.carried_out(api.when_free(lambda: droplet._perform_action(action), what), what)


def destroy(api: Api, id: str, what: str, marks: Iterable[str]) -> None:
    """Return when it is gone, and the tag of the attempt that has made it."""
    api.when_free(lambda: absent_is_fine(api.droplet(id=id).destroy), f"deleting {what}")
    api.gone(f"droplets/{id}", "droplet", what)
    for (token,) in tags.values(marks, "token"):
        api.drop_tag(tags.tag("token", token))


def _image(droplet: Mapping[str, Any]) -> str:
    image = droplet.get("image") or {}
    return str(image.get("slug") or image.get("id") or "")
