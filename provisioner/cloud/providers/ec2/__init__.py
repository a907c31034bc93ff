"""Machines at Amazon EC2, with their networks, firewalls, volumes, elastic IPs and names at Route 53, through boto3."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final, Protocol

from provisioner.cloud.errors import PartialListing, Refused, Unavailable
from provisioner.cloud.model import Found, Kind, Known, Place, Ref, Wanted
from provisioner.cloud.provider import Effect, Enrolment, Foresight, Order
from provisioner.cloud.providers.ec2 import addresses, firewall, machines, network, records, tags, volumes
from provisioner.cloud.providers.ec2.api import USUAL, Api, Patience
from provisioner.cloud.providers.ec2.errors import code_of
from provisioner.cloud.providers.ec2.images import Catalogue
from provisioner.cloud.providers.ec2.prices import Prices
from provisioner.lab.paths import default_cache_dir


def open(place: Place) -> Ec2:
    return Ec2(place, prices=default_cache_dir().parent / "ec2-prices.json")


class _Part(Protocol):
    """What one kind of resource can."""

    def create(self, order: Order) -> Found: ...
    def update(self, found: Found, wanted: Wanted, fields: Sequence[str], known: Known) -> Found: ...
    def delete(self, found: Found) -> None: ...
    def look(self, found: Found) -> Found: ...


class Ec2:
    """One region of one AWS account; a `Provider`."""

    kinds: Sequence[Kind] = ("network", "firewall", "machine", "volume", "address", "record")
    effects: Mapping[Kind, Mapping[str, Effect]] = {
        "network": network.EFFECTS, "firewall": firewall.EFFECTS, "machine": machines.EFFECTS,
        "volume": volumes.EFFECTS, "address": addresses.EFFECTS, "record": records.EFFECTS,
    }
    enrolment: Enrolment = "console"
    user_data_limit: int = 16 * 1024

    def __init__(self, place: Place, patience: Patience = USUAL, prices: Path | None = None) -> None:
        """prices: where those are kept; None: nowhere."""
        self._api = Api(place, patience)
        self._catalogue = Catalogue(self._api)
        self._networks = network.Networks(self._api)
        self._firewalls = firewall.Firewalls(self._api)
        self._machines = machines.Machines(self._api, self._catalogue, self._networks)
        self._volumes = volumes.Volumes(self._api)
        self._addresses = addresses.Addresses(self._api)
        self._records = records.Records(self._api)
        self._prices = Prices(self._api, prices)
        self._site = ""

    def account(self) -> str:
        return self._api.account()

    def found(self, site: str) -> Sequence[Found]:
        self._site = site
        return [found for _, found in self._everything(site)]

    def sites(self) -> Mapping[str, int]:
        return Counter(site for site, found in self._everything(None) if found.status != "leaving")

    def foresee(self, wanted: Sequence[Wanted]) -> Foresight:
        self._check_account()
        problems: list[tuple[Ref, str]] = []
        images: dict[Ref, str] = {}
        for each in wanted:
            try:
                if each.ref.kind == "machine":
                    images[each.ref] = self._catalogue.image(each.fields["image"], each.fields["size"])
                    problems += [(each.ref, words) for words in self._misfits(each.fields, images[each.ref])]
                elif each.ref.kind == "record":
                    self._records.zone(each.fields["zone"])
            except Refused as error:
                problems.append((each.ref, f"{error.message} ({error.hint})" if error.hint else error.message))
            problems += [(each.ref, words) for words in self._problems(each)]
        self._rehearse([each for each in wanted if each.ref in images], images)
        sizes = {} if problems else {each.ref: each.fields["size"] for each in wanted if each.ref in images}
        prices, remark = self._prices.monthly(sizes.values())
        costs = {ref: prices[size] for ref, size in sizes.items() if size in prices}
        return Foresight(problems, images, costs, (remark,) if remark else ())

    def create(self, order: Order) -> Found:
        return self._part(order.wanted.ref).create(order)

    def update(self, found: Found, wanted: Wanted, fields: Sequence[str], known: Known) -> Found:
        return self._part(found.ref).update(found, wanted, fields, known)

    def delete(self, found: Found) -> None:
        self._part(found.ref).delete(found)

    def look(self, found: Found) -> Found:
        return self._part(found.ref).look(found)

    def console(self, found: Found) -> str:
        return self._machines.console(found)

    def host_keys(self, found: Found) -> Sequence[str]:
        return ()

    def _part(self, ref: Ref) -> _Part:
        parts: Mapping[str, _Part] = {
            "network": self._networks, "firewall": self._firewalls, "machine": self._machines,
            "volume": self._volumes, "address": self._addresses, "record": self._records,
        }
        return parts[ref.kind]

    def _check_account(self) -> None:
        """Before anything is listed, if the place says whose it has to be."""
        if self._api.place.account:
            self._api.account()

    def _everything(self, site: str | None) -> list[tuple[str, Found]]:
        self._check_account()
        try:
            return list(self._listed(site))
        except Unavailable as error:
            raise PartialListing(error.message, hint=error.hint) from error

    def _listed(self, site: str | None) -> Iterator[tuple[str, Found]]:
        """Everything of the site, or of all sites, each with its site."""
        networks = list(self._networks.listed(site))
        vpcs = {found.id: found.ref.name for _, found in networks}
        instances = list(self._machines.listed(site, vpcs))
        living = [found for _, found in instances if found.status != "leaving"]
        names = {found.id: found.ref.name for found in living}
        fixed = list(self._addresses.listed(site, names))
        yield from networks
        yield from self._firewalls.listed(site)
        yield from instances
        yield from self._volumes.listed(site, names)
        yield from fixed
        yield from self._records.listed(site, _reached(chain(living, (found for _, found in fixed))))

    def _problems(self, wanted: Wanted) -> Iterator[str]:
        fields = wanted.fields
        if wanted.ref.kind == "network" and (words := network.problem(fields["cidr"])):
            yield words
        elif wanted.ref.kind == "record" and fields["type"] != "A":
            yield f"a record of type {fields['type']} cannot tell the addresses of machines at EC2 (write `type: A`)"
        elif wanted.ref.kind == "machine":
            yield from _machine_problems(fields)

    def _misfits(self, fields: Mapping[str, Any], image: str) -> Iterator[str]:
        """What of a machine does not go together, though each of it is there."""
        zone, size, disk = fields.get("zone"), fields["size"], fields.get("disk")
        if zone and zone not in (zones := self._catalogue.zones(size)):
            yield f"{zone} has no machines of size `{size}` (they are in {', '.join(sorted(zones)) or 'no zone here'})"
        if disk and disk < (least := self._catalogue.least_disk(image)):
            yield f"the image {fields['image']} needs {least} GiB and `disk` is {disk} (write `disk: {least}` or more)"

    def _rehearse(self, wanted: Sequence[Wanted], images: Mapping[Ref, str]) -> None:
        """Ask whether the credentials may start such machines for the site, once for each image and size."""
        kinds = {(images[each.ref], each.fields["size"]) for each in wanted}
        for image, size in sorted(kinds):
            try:
                self._api.call("run_instances", DryRun=True, ImageId=image, InstanceType=size, MinCount=1, MaxCount=1,
                               TagSpecifications=tags.specification(instance={tags.SITE: self._site}))
            except Refused as error:
                if code_of(error.__cause__) != _MAY:
                    raise


_MAY: Final = "DryRunOperation"


def _machine_problems(fields: Mapping[str, Any]) -> Iterator[str]:
    own = fields.get("tags") or {}
    for key in own:
        if tags.is_reserved(key):
            yield f"the tag `{key}` is set by this program or by AWS (name it otherwise)"
    for key, value in {**own, "groups": fields.get("groups") or ""}.items():
        if len(str(value)) > tags.LONGEST:
            yield f"`{key}` does not fit into a tag of EC2: it has more than {tags.LONGEST} characters"


def _reached(those: Iterable[Found]) -> Mapping[str, str]:
    """By public address, the machine that is reached there."""
    return {each.address: each.fields.get("machine") or each.ref.name for each in those if each.address}
