"""What DigitalOcean says to a plan: sizes, images, limits and prices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from provisioner.cloud.errors import Refused
from provisioner.cloud.model import Ref, Wanted
from provisioner.cloud.provider import Foresight
from provisioner.cloud.providers.digitalocean import tags
from provisioner.cloud.providers.digitalocean.api import Api
from provisioner.diag import near


def foresee(api: Api, wanted: Sequence[Wanted]) -> Foresight:
    machines = [each for each in wanted if each.ref.kind == "machine"]
    if not machines:
        return Foresight()
    sizes = {each["slug"]: each for each in api.all("sizes", "sizes")}
    images = _images(api)
    known_tags = {each["name"].lower(): each["name"] for each in api.all("tags", "tags")}
    problems: list[tuple[Ref, str]] = [*_region(api, machines[0]), *_limit(api, machines)]
    found: dict[Ref, str] = {}
    for each in machines:
        image = _meant(str(each.fields["image"]), images)
        if image is not None:
            found[each.ref] = str(image["id"])
        size = sizes.get(each.fields["size"])
        reasons = [*_of_size(each, size, sizes, api.region), *_of_image(each, image, images, size, api.region),
                   *_of_tags(each, known_tags), *_of_zone(each)]
        problems += [(each.ref, reason) for reason in reasons]
    prices = {each.ref: Decimal(str(sizes[each.fields["size"]]["price_monthly"]))
              for each in machines if each.fields["size"] in sizes}
    return Foresight(problems, found, prices)


def _images(api: Api) -> list[dict[str, Any]]:
    """The public ones of distributions, then the account's own, newest first."""
    public = api.all("images", "images", type="distribution")
    private = sorted(api.all("images", "images", private="true"), key=lambda each: each["created_at"], reverse=True)
    return [*public, *private]


def _meant(name: str, images: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """A slug, `debian-12` for `debian-12-x64`, the number of an image, or the name of one of the account's own."""
    short = name.lower().replace(".", "-")
    for matches in (lambda each: each["slug"] == name, lambda each: each["slug"] == f"{short}-x64",
                    lambda each: str(each["id"]) == name, lambda each: not each["public"] and each["name"] == name):
        for each in images:
            if matches(each):
                return each
    return None


def _region(api: Api, first: Wanted) -> Iterator[tuple[Ref, str]]:
    regions = {each["slug"]: each for each in api.all("regions", "regions")}
    region = regions.get(api.region)
    if region is None:
        hint = near(api.region, list(regions)) or f"there are {', '.join(sorted(regions))}"
        yield first.ref, f"DigitalOcean has no region {api.region} ({hint})"
    elif not region["available"]:
        yield first.ref, f"the region {api.region} takes no new machines now"


def _limit(api: Api, machines: Sequence[Wanted]) -> Iterator[tuple[Ref, str]]:
    limit = api.get("account", "account")["droplet_limit"]
    droplets = api.all("droplets", "droplets")
    here = {tags.value(each["tags"], "name") for each in droplets if each["region"]["slug"] == api.region}
    more = [each for each in machines if each.ref.name not in here]
    if more and len(droplets) + len(more) > limit:
        yield more[0].ref, (f"the account may have {limit} droplets and has {len(droplets)}: {len(more)} more are too "
                            "many (DigitalOcean raises the limit on request)")


def _of_size(wanted: Wanted, size: Mapping[str, Any] | None, sizes: Mapping[str, Mapping[str, Any]],
             region: str) -> Iterator[str]:
    name = wanted.fields["size"]
    if size is None:
        yield f"DigitalOcean has no size {name} ({near(name, list(sizes)) or '`doctl compute size list` shows them'})"
        return
    if not size["available"] or region not in size["regions"]:
        yield f"there is no {name} in {region} now (it is in {', '.join(sorted(size['regions'])) or 'no region'})"
    disk = wanted.fields.get("disk")
    if disk is not None and disk != size["disk"]:
        yield f"a {name} has a disk of {size['disk']} GiB, not {disk}: leave `disk` out, or take a volume"


def _of_image(wanted: Wanted, image: Mapping[str, Any] | None, images: Sequence[Mapping[str, Any]],
              size: Mapping[str, Any] | None, region: str) -> Iterator[str]:
    name = str(wanted.fields["image"])
    if image is None:
        slugs = [each["slug"] for each in images if each["slug"]]
        yield f"there is no image {name} ({near(name, slugs) or '`doctl compute image list --public` shows them'})"
    elif region not in image["regions"]:
        yield f"the image {name} is not in {region} (it is in {', '.join(sorted(image['regions'])) or 'no region'})"
    elif size is not None and (image.get("min_disk_size") or 0) > size["disk"]:
        yield f"the image {name} needs a disk of {image['min_disk_size']} GiB, a {size['slug']} has {size['disk']}"


def _of_tags(wanted: Wanted, known: Mapping[str, str]) -> Iterator[str]:
    """The first spelling of a tag counts for the whole account: with another one a plan would never come to rest."""
    try:
        declared = [each for name in ("tags", *tags.MEMORIES) for each in tags.field_tags(name, wanted.fields, None)]
    except Refused as error:
        yield error.message
        return
    for each in declared:
        spelled = known.get(each.lower(), each)
        if spelled != each:
            yield f"the account spells the tag {each} as {spelled}: write it so"


def _of_zone(wanted: Wanted) -> Iterator[str]:
    if wanted.fields.get("zone"):
        yield "DigitalOcean has no zones: leave `zone` out"
