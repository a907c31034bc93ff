"""The tags by which a site knows its own, and what they remember that EC2 does not tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from provisioner.cloud.model import Fields, Kind, Ref
from provisioner.cloud.provider import Order

OWN: Final = "provision:"
SITE: Final = "provision:site"
NAME: Final = "provision:name"
GENERATION: Final = "provision:generation"
TOKEN: Final = "provision:token"  # noqa: S105 - the name of a tag
PART_OF: Final = "provision:part-of"
"""On what belongs to another resource and has no name in the site: root disks, subnets, gateways."""

MEMORIES: Final = ("image", "keys", "user_data", "user", "groups", "protected")
LONGEST: Final = 256
"""Characters of a value."""


def of(resource: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in resource.get("Tags", ())}


def identity(order: Order) -> dict[str, str]:
    name = order.wanted.ref.name
    return {"Name": name, SITE: order.site, NAME: name, GENERATION: str(order.generation), TOKEN: order.token}


def part(site: str, name: str, token: str) -> dict[str, str]:
    return {"Name": name, SITE: site, PART_OF: name, TOKEN: token}


def memories(fields: Fields) -> dict[str, str]:
    return {f"{OWN}{name}": _text(fields[name]) for name in MEMORIES if fields.get(name) is not None}


def remembered(tags: Mapping[str, str]) -> dict[str, Any]:
    """The memories as fields; None where there is none."""
    fields: dict[str, Any] = {name: tags.get(f"{OWN}{name}") for name in MEMORIES}
    fields["protected"] = fields["protected"] == "true"
    return fields


def users_own(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if not is_reserved(key)}


def is_reserved(key: str) -> bool:
    """`Name` is what the AWS console shows: the resource's name in the site."""
    return key == "Name" or key.startswith((OWN, "aws:"))


def as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def specification(**by_type: Mapping[str, str]) -> list[dict[str, Any]]:
    """For `TagSpecifications`: tags by type of resource, as `internet_gateway`."""
    return [{"ResourceType": kind.replace("_", "-"), "Tags": as_list(tags)} for kind, tags in by_type.items()]


def wants(site: str | None) -> list[dict[str, Any]]:
    """Filters for what belongs to the site, or to any site."""
    return [{"Name": "tag-key", "Values": [SITE]}] if site is None else by(SITE, site)


def by(key: str, value: str) -> list[dict[str, Any]]:
    return [{"Name": f"tag:{key}", "Values": [value]}]


def named(kind: Kind, resources: Iterable[Mapping[str, Any]]) -> list[tuple[Ref, dict[str, str], Mapping[str, Any]]]:
    """Those that are resources of a site, not parts of one: with their tags."""
    tagged = ((of(resource), resource) for resource in resources)
    return [(Ref(kind, tags[NAME]), tags, resource) for tags, resource in tagged if NAME in tags]


def generation(tags: Mapping[str, str]) -> int:
    text = tags.get(GENERATION, "")
    return int(text) if text.isdecimal() else 1


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
