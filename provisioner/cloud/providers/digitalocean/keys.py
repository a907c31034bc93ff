"""Keys: SSH keys of the account. DigitalOcean has each of them only once: where somebody else has brought it, it is
used, which a tag remembers, and never deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from provisioner.cloud.errors import Refused
from provisioner.cloud.model import Found, Known, Wanted, bare_key
from provisioner.cloud.provider import Effect, Order
from provisioner.cloud.providers.digitalocean import names, tags
from provisioner.cloud.providers.digitalocean.api import Api, absent_is_fine

EFFECTS: Final[Mapping[str, Effect]] = {"public_key": "replace"}


@dataclass(frozen=True, slots=True)
class Keys:
    api: Api

    def found(self, site: str) -> list[Found]:
        return [self._seen(key, name, owner == "") for key, whose, name, owner in self._ours() if whose == site]

    def sites(self) -> Iterable[str]:
        return [site for _, site, _, _ in self._ours()]

    def look(self, found: Found) -> Found:
        return self._seen(self.api.get(f"account/keys/{found.id}", "ssh_key"), found.ref.name, found.more["made"])

    def create(self, order: Order) -> Found:
        name, public = order.wanted.ref.name, order.wanted.fields["public_key"]
        full = names.full(order.site, name, self.api.region)
        key = self.api.key(name=full, public_key=public)
        present = self.api.made(order.wanted.ref, lambda: same_key(self.api, public), key.create)
        if present["name"] != full:
            self.api.have_tag(self._mark(order.site, name, present["id"]))
        return self._seen(present, name, present["name"] == full)

    def update(self, found: Found, wanted: Wanted, fields: Sequence[str], known: Known) -> Found:
        raise Refused(f"{found.ref} can't be changed, only replaced")

    def delete(self, found: Found) -> None:
        if found.more["made"]:
            absent_is_fine(self.api.key(id=found.id).destroy)
            return
        for site, name, id in self._adopted():
            if (name, id) == (found.ref.name, found.id):
                self.api.drop_tag(self._mark(site, name, id))

    def _ours(self) -> Iterable[tuple[dict[str, Any], str, str, str]]:
        """Key, site, name and, if it is not ours but used by us, its own name."""
        keys = {str(each["id"]): each for each in self.api.all("account/keys", "ssh_keys")}
        for key in keys.values():
            parts = names.parts(key["name"])
            if parts is not None and parts[2] == self.api.region:
                yield key, parts[0], parts[1], ""
        for site, name, id in self._adopted():
            if id in keys:
                yield keys[id], site, name, keys[id]["name"]

    def _adopted(self) -> list[tuple[str, str, str]]:
        listed = self.api.registered("key", self.api.region)
        return [(each[0], each[1], each[2]) for each in listed if len(each) == 3]

    def _mark(self, site: str, name: str, id: object) -> str:
        return tags.tag("key", self.api.region, site, name, str(id))

    def _seen(self, key: Mapping[str, Any], name: str, made: bool) -> Found:
        return self.api.found("key", name, key["id"], {"public_key": bare_key(key["public_key"])},
                              more={"made": made})


def same_key(api: Api, public: str) -> dict[str, Any] | None:
    """By type and key: comments and fingerprints have several spellings."""
    listed = api.all("account/keys", "ssh_keys")
    return next((each for each in listed if bare_key(each["public_key"]) == bare_key(public)), None)
