"""Volumes: block storage, known by its tags. Formatted and mounted by the plays for the host, under
`/dev/disk/by-id/scsi-0DO_Volume_<name>` (`more["device"]`)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from provisioner.cloud.errors import Gone, Refused
from provisioner.cloud.model import Found, Known, Ref, Wanted
from provisioner.cloud.provider import Effect, Order
from provisioner.cloud.providers.digitalocean import tags
from provisioner.cloud.providers.digitalocean.api import Api, absent_is_fine, named

EFFECTS: Final[Mapping[str, Effect]] = {"size": "update", "machine": "update"}
_LONGEST: Final = 64


@dataclass(frozen=True, slots=True)
class Volumes:
    api: Api

    def found(self, site: str) -> list[Found]:
        mine = [each for each in self._ours() if tags.value(each["tags"], "site") == site]
        return [self._seen(each, self._machine_of(each)) for each in mine]

    def sites(self) -> Iterable[str]:
        return [tags.value(each["tags"], "site") or "" for each in self._ours()]

    def look(self, found: Found) -> Found:
        volume = self.api.get(f"volumes/{found.id}", "volume")
        return replace(self._seen(volume, self._machine_of(volume)), ref=found.ref)

    def create(self, order: Order) -> Found:
        """Names are unique in a region, so a second one can't come to be. What was made and not attached is."""
        ref, fields = order.wanted.ref, order.wanted.fields
        name = volume_name(order.site, ref.name)
        marks = [tags.tag("site", order.site), tags.tag("name", ref.name),
                 tags.tag("generation", str(order.generation)), tags.tag("token", order.token)]
        new = self.api.volume(name=name, region=self.api.region, size_gigabytes=fields["size"], tags=marks)
        volume = self.api.made(ref, lambda: self._called(name), new.create)
        if tags.value(volume["tags"], "site") != order.site or tags.value(volume["tags"], "name") != ref.name:
            raise Refused(f"{self.api.wire.where}: there is a volume {name} that is not of this site",
                          hint="call the volume something else, or delete that one")
        found = self._seen(volume, self._machine_of(volume))
        return self._attached(found, order.wanted, order.known)

    def update(self, found: Found, wanted: Wanted, fields: Sequence[str], known: Known) -> Found:
        current = self.look(found)
        if "size" in fields:
            self._grow(current, int(wanted.fields["size"]))
        return self._attached(self.look(current), wanted, known)

    def delete(self, found: Found) -> None:
        try:
            current = self.look(found)
        except Gone:
            return
        self._detached(current)
        self.api.when_free(lambda: absent_is_fine(self.api.volume(id=found.id).destroy), f"deleting {found.ref}")
        self.api.gone(f"volumes/{found.id}", "volume", str(found.ref))
        for (token,) in tags.values(found.more.get("tags", ()), "token"):
            self.api.drop_tag(tags.tag("token", token))

    def _grow(self, found: Found, size: int) -> None:
        present = int(found.fields["size"])
        if size < present:
            raise Refused(f"{found.ref} has {present} GiB and can't become smaller",
                          hint=f"say {present} again, or make another volume and move what is on it")
        if size > present:
            volume = self.api.volume(id=found.id)
            self._act(found, lambda: volume.resize(size, self.api.region), f"growing to {size} GiB")

    def _attached(self, found: Found, wanted: Wanted, known: Known) -> Found:
        name = wanted.fields.get("machine")
        droplet = int(named(known, Ref("machine", name)).id) if name else None
        if found.more["droplet"] == droplet:
            return found
        self._detached(found)
        if droplet is not None:
            volume = self.api.volume(id=found.id)
            self._act(found, lambda: volume.attach(droplet, self.api.region), f"attaching to {name}")
        return self.look(found)

    def _detached(self, found: Found) -> None:
        droplet = found.more["droplet"]
        if droplet is not None:
            volume = self.api.volume(id=found.id)
            self._act(found, lambda: volume.detach(droplet, self.api.region), "detaching")

    def _act(self, found: Found, call: Any, what: str) -> None:
        what = f"{found.ref}: {what}"
        self.api.carried_out(self.api.when_free(call, what), what)

    def _ours(self) -> list[dict[str, Any]]:
        listed = self.api.all("volumes", "volumes", region=self.api.region)
        return [each for each in listed if tags.value(each["tags"] or (), "site")]

    def _called(self, name: str) -> dict[str, Any] | None:
        return next(iter(self.api.all("volumes", "volumes", name=name, region=self.api.region)), None)

    def _machine_of(self, volume: Mapping[str, Any]) -> str | None:
        for id in volume["droplet_ids"] or ():
            try:
                droplet = self.api.get(f"droplets/{id}", "droplet")
            except Gone:
                continue
            return tags.value(droplet["tags"], "name") or str(droplet["name"])
        return None

    def _seen(self, volume: Mapping[str, Any], machine: str | None) -> Found:
        marks: Sequence[str] = volume["tags"] or ()
        generation = tags.value(marks, "generation") or "1"
        more = {"tags": tuple(marks), "device": f"/dev/disk/by-id/scsi-0DO_Volume_{volume['name']}",
                "droplet": next(iter(volume["droplet_ids"] or ()), None)}
        return self.api.found("volume", tags.value(marks, "name") or volume["name"], volume["id"],
                              {"size": volume["size_gigabytes"], "machine": machine},
                              generation=int(generation) if generation.isdigit() else 1, more=more)


def volume_name(site: str, name: str) -> str:
    """Small letters, digits and dashes, 64 at most; what doesn't fit is told apart by a few digits of its hash."""
    full = f"{site}--{name}"
    fitting = re.sub(r"[^a-z0-9-]", "-", full.lower())
    if fitting == full and len(full) <= _LONGEST and full[0].isalpha():
        return full
    return f"v-{fitting[:_LONGEST - 11].strip('-')}-{hashlib.sha256(full.encode()).hexdigest()[:8]}"
