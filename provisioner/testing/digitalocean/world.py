"""What an account at the fake has, and the few things that take their time. Plain data in the API's own shapes."""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

Thing: TypeAlias = dict[str, Any]

WHEN: Final = "2025-01-01T00:00:00Z"
REGIONS: Final = ("fra1", "nyc3")
SIZES: Final = (("s-1vcpu-1gb", 1024, 1, 25, 6.0), ("s-2vcpu-2gb", 2048, 2, 60, 18.0),
                ("s-2vcpu-4gb", 4096, 2, 80, 24.0))
IMAGES: Final = (("debian-12-x64", "Debian", "12 x64"), ("debian-13-x64", "Debian", "13 x64"),
                 ("ubuntu-24-04-x64", "Ubuntu", "24.04 (LTS) x64"))
TAG: Final = re.compile(r"[a-zA-Z0-9_\-:]{1,255}")


class No(Exception):
    """The API refuses."""

    def __init__(self, status: int, id: str, message: str) -> None:
        super().__init__(message)
        self.status, self.id, self.message = status, id, message


@dataclass(slots=True)
class Action:
    """Something that is carried out when it was looked at often enough."""

    shown: Thing
    carry_out: Callable[[], None]
    left: int


@dataclass(slots=True)
class World:
    """polls: how often an action or a droplet is asked for until it is done. hidden: how many listings a new droplet is
    missing from. tags_kept: False makes the API forget all tags, as if it had none. addresses: gives the
    public one of the next droplet."""

    polls: int = 2
    hidden: int = 0
    tags_kept: bool = True
    droplet_limit: int = 25
    reserved_limit: int = 5
    status: str = "active"
    ignores_shutdown: bool = False
    addresses: Callable[[], str] | None = None
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1001))
    droplets: dict[int, Thing] = field(default_factory=dict)
    waiting: dict[int, int] = field(default_factory=dict)
    unseen: dict[int, int] = field(default_factory=dict)
    leaving: dict[int, int] = field(default_factory=dict)
    user_data: dict[int, str] = field(default_factory=dict)
    root_keys: dict[int, list[str]] = field(default_factory=dict)
    actions: dict[int, Action] = field(default_factory=dict)
    images: list[Thing] = field(default_factory=lambda: [_image(n, *each) for n, each in enumerate(IMAGES)])
    keys: dict[int, Thing] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    vpcs: dict[str, Thing] = field(default_factory=lambda: {each["id"]: each for each in map(_default_vpc, REGIONS)})
    firewalls: dict[str, Thing] = field(default_factory=dict)
    volumes: dict[str, Thing] = field(default_factory=dict)
    reserved: dict[str, Thing] = field(default_factory=dict)
    domains: dict[str, dict[int, Thing]] = field(default_factory=dict)

    def spelled(self, tag: str) -> str:
        """The first spelling counts."""
        return next((each for each in self.tags if each.lower() == tag.lower()), tag)

    def tagged(self, wanted: list[str] | None) -> list[str]:
        """The tags a new resource gets; those that there are not yet are made."""
        if not self.tags_kept:
            return []
        for each in wanted or ():
            if not TAG.fullmatch(each):
                raise No(422, "unprocessable_entity", f"Tag {each} contains invalid characters")
        spelled = [self.spelled(each) for each in wanted or ()]
        self.tags += [each for each in spelled if each not in self.tags]
        return spelled

    def act(self, kind: str, resource: str, id: int | None, region: str, carry_out: Callable[[], None]) -> Thing:
        """Begin an action; a resource has only one at a time."""
        number = next(self.numbers)
        shown = {"id": number, "status": "in-progress", "type": kind, "started_at": WHEN, "completed_at": None,
                 "resource_id": id, "resource_type": resource, "region": region_of(region), "region_slug": region}
        self.actions[number] = Action(shown, carry_out, self.polls)
        return shown

    def progressed(self, number: int) -> Thing:
        action = self.actions.get(number)
        if action is None:
            raise missing()
        action.left -= 1
        if action.left <= 0 and action.shown["status"] == "in-progress":
            action.carry_out()
            action.shown |= {"status": "completed", "completed_at": WHEN}
        return action.shown

    def progress(self, droplet: int) -> None:
        """What is under way with it goes on, whoever looks."""
        for number in self._under_way(droplet):
            self.progressed(number)

    def is_busy(self, droplet: int) -> bool:
        return bool(self._under_way(droplet))

    def progress_addresses(self) -> None:
        for number, each in self.actions.items():
            if each.shown["resource_type"] == "reserved_ip":
                self.progressed(number)

    def _under_way(self, droplet: int) -> list[int]:
        return [number for number, each in self.actions.items()
                if each.shown["status"] == "in-progress" and each.shown["resource_type"] == "droplet"
                and each.shown["resource_id"] == droplet and each.shown["type"] != "create"]


def missing() -> No:
    return No(404, "not_found", "The resource you were accessing could not be found.")


def refused(message: str) -> No:
    return No(422, "unprocessable_entity", message)


def region_of(slug: str) -> Thing:
    return {"name": slug, "slug": slug, "features": ["metadata", "storage"], "available": True,
            "sizes": [each[0] for each in SIZES]}


def sizes() -> dict[str, Thing]:
    return {slug: {"slug": slug, "memory": memory, "vcpus": cpus, "disk": disk, "transfer": 1.0, "price_monthly": price,
                   "price_hourly": round(price / 672, 5), "regions": list(REGIONS), "available": True,
                   "description": "Basic"} for slug, memory, cpus, disk, price in SIZES}


def _image(number: int, slug: str, distribution: str, name: str) -> Thing:
    return {"id": 155133621 + number, "name": name, "distribution": distribution, "slug": slug, "public": True,
            "regions": list(REGIONS), "created_at": WHEN, "min_disk_size": 7, "type": "base", "size_gigabytes": 0.7,
            "description": f"{distribution} {name}", "tags": [], "status": "available"}


def _default_vpc(region: str) -> Thing:
    return vpc(f"default-{region}", region, f"10.{100 + REGIONS.index(region)}.0.0/20", "", default=True)


def vpc(name: str, region: str, cidr: str, description: str, *, default: bool = False) -> Thing:
    number = str(uuid.uuid4())
    return {"id": number, "name": name, "region": region, "ip_range": cidr, "description": description,
            "default": default, "urn": f"do:vpc:{number}", "created_at": WHEN}
