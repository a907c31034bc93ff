"""Machines on this machine: blank lab hosts that real cloud-init makes somebody's. To try things out, and for tests."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from provisioner.cloud.errors import CloudError, Gone, PartialListing, Refused
from provisioner.cloud.model import Found, Kind, Known, Place, Ref, Wanted, digest
from provisioner.cloud.provider import Effect, Enrolment, Foresight, Order
from provisioner.diag import LabError, near
from provisioner.lab.blank import BlankMachines, Seed
from provisioner.lab.lock import locked
from provisioner.lab.paths import default_state_dir

RELEASES: Final = {"debian-11": "bullseye", "debian-12": "bookworm", "debian-13": "trixie"}

EFFECTS: Final[Mapping[Kind, Mapping[str, Effect]]] = {
    "machine": {"image": "replace", "tags": "update", "running": "update", "protected": "update", "keys": "host",
                "user_data": "later", "user": "later", "groups": "update"},
}


def open(place: Place) -> LabProvider:
    return LabProvider(place, default_state_dir().parent / "machines")


@dataclass(slots=True)
class LabProvider:
    """A `Provider`. folder: the machines, and `tags.json` with what a cloud keeps in tags."""

    place: Place
    folder: Path
    kinds: Sequence[Kind] = ("machine",)
    effects: Mapping[Kind, Mapping[str, Effect]] = field(default_factory=lambda: EFFECTS)
    enrolment: Enrolment = "console"
    user_data_limit: int = 65_536

    def account(self) -> str:
        """Who owns this machine's lab."""
        reasons = BlankMachines.requirements()
        if reasons:
            raise CloudError(f"The lab cannot run here: {reasons[0]}", hint="; ".join(reasons[1:]))
        return f"uid {os.geteuid()} of this machine"

    def found(self, site: str) -> Sequence[Found]:
        with self._tags() as tags:
            return [self._found(identity, each) for identity, each in tags.items() if each["site"] == site]

    def sites(self) -> Mapping[str, int]:
        with self._tags() as tags:
            names = [each["site"] for each in tags.values()]
        return {name: names.count(name) for name in names}

    def foresee(self, wanted: Sequence[Wanted]) -> Foresight:
        problems = []
        for each in wanted:
            image = str(each.fields["image"])
            if image not in RELEASES:
                hint = near(image, RELEASES) or f"there are: {', '.join(RELEASES)}"
                problems.append((each.ref, f"the lab has no image `{image}`; {hint}"))
            if each.fields.get("size"):
                problems.append((each.ref, "machines of the lab have no size"))
        return Foresight(problems, {each.ref: RELEASES.get(str(each.fields["image"]), "") for each in wanted})

    def create(self, order: Order) -> Found:
        identity = f"lab-{digest(order.token)[:12]}"
        wanted = order.wanted
        if not order.image:
            raise Refused(f"the lab has no image `{wanted.fields['image']}`")
        with self._tags() as tags:
            mine = tags.setdefault(identity, {"site": order.site, "name": wanted.ref.name,
                                              "generation": order.generation, "fields": dict(wanted.fields)})
        with _told():
            self._machines.make(identity, Seed(identity, order.user_data), release=order.image)
            self._machines.start(identity)
        return self._found(identity, mine)

    def update(self, found: Found, wanted: Wanted, fields: Sequence[str], known: Known) -> Found:
        with self._tags() as tags:
            mine = self._mine(tags, found)
            mine["fields"].update({name: wanted.fields[name] for name in fields})
        if "running" in fields:
            with _told():
                (self._machines.start if wanted.fields["running"] else self._machines.stop)(found.id)
        return self.look(found)

    def delete(self, found: Found) -> None:
        with self._tags() as tags:
            mine = tags.get(found.id)
            if mine is not None and mine["fields"].get("protected"):
                raise Refused(f"{found.ref} ({found.id}) is protected", hint="set `protected: false` first")
        with _told():
            self._machines.remove(found.id)
        with self._tags() as tags:
            tags.pop(found.id, None)

    def look(self, found: Found) -> Found:
        with self._tags() as tags:
            return self._found(found.id, self._mine(tags, found))

    def console(self, found: Found) -> str:
        return self._machines.console(found.id)

    def host_keys(self, found: Found) -> Sequence[str]:
        return ()

    @property
    def _machines(self) -> BlankMachines:
        return BlankMachines(self.folder)

    def _mine(self, tags: Mapping[str, dict[str, Any]], found: Found) -> dict[str, Any]:
        if found.id not in tags:
            raise Gone(f"{found.ref} ({found.id}) is not there")
        return tags[found.id]

    def _found(self, identity: str, tags: Mapping[str, Any]) -> Found:
        there = {each.name: each for each in self._machines.machines()}
        running = identity in there and self._machines.is_running(identity)
        status = "running" if running else "stopped" if identity in there else "pending"
        return Found(Ref("machine", tags["name"]), self.place, identity, {**tags["fields"], "running": running},
                     tags["generation"], status, there[identity].address if running else "")

    @contextmanager
    def _tags(self) -> Iterator[dict[str, dict[str, Any]]]:
        """What is known of all machines, by id; changes are kept."""
        file = self.folder / "tags.json"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(self.folder / "tags.lock"):
            before = file.read_text() if file.exists() else "{}"
            try:
                tags = json.loads(before)
            except ValueError:
                raise PartialListing(f"{file} is damaged", hint="what the lab has is not known without it") from None
            yield tags
            after = json.dumps(tags)
            if after != before:
                scratch = file.with_suffix(".new")
                scratch.write_text(after)
                scratch.replace(file)


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong in the lab, as a provider says it."""
    try:
        yield
    except LabError as error:
        raise CloudError(error.message, hint=error.hint) from error
