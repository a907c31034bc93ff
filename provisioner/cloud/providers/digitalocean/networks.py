"""Networks: VPCs, known by their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from provisioner.cloud.errors import Refused
from provisioner.cloud.model import Found, Known, Wanted
from provisioner.cloud.provider import Effect, Order
from provisioner.cloud.providers.digitalocean import names
from provisioner.cloud.providers.digitalocean.api import Api, absent_is_fine

EFFECTS: Final[Mapping[str, Effect]] = {"cidr": "replace"}


@dataclass(frozen=True, slots=True)
class Networks:
    api: Api

    def found(self, site: str) -> list[Found]:
        return [self._seen(each, parts[1]) for each, parts in _ours(self.api) if parts[0] == site]

    def sites(self) -> Iterable[str]:
        return [parts[0] for _, parts in _ours(self.api)]

    def look(self, found: Found) -> Found:
        return self._seen(self.api.get(f"vpcs/{found.id}", "vpc"), found.ref.name)

    def create(self, order: Order) -> Found:
        """Names are unique in an account, so a second one can't come to be."""
        name = names.full(order.site, order.wanted.ref.name, self.api.region)
        vpc = self.api.vpc(name=name, region=self.api.region, ip_range=order.wanted.fields.get("cidr"),
                           description=f"made by provision for site {order.site}")
        present = self.api.made(order.wanted.ref, lambda: self._called(name), vpc.create)
        return self._seen(present, order.wanted.ref.name)

    def update(self, found: Found, wanted: Wanted, fields: Sequence[str], known: Known) -> Found:
        raise Refused(f"{found.ref} can't be changed, only replaced", hint="its address range is for ever")

    def delete(self, found: Found) -> None:
        """Refused for a while after the last machine in it has gone."""
        path = f"vpcs/{found.id}"
        self.api.when_free(lambda: absent_is_fine(self.api.vpc(id=found.id).destroy), f"deleting {found.ref}")
        self.api.gone(path, "vpc", str(found.ref))

    def _called(self, name: str) -> dict[str, Any] | None:
        return next((each for each in self.api.all("vpcs", "vpcs") if each["name"] == name), None)

    def _seen(self, vpc: Mapping[str, Any], name: str) -> Found:
        return self.api.found("network", name, vpc["id"], {"cidr": vpc["ip_range"]})


def network_names(api: Api, site: str) -> dict[str, str]:
    """The site's networks: id -> name."""
    return {vpc["id"]: parts[1] for vpc, parts in _ours(api) if parts[0] == site}


def _ours(api: Api) -> list[tuple[dict[str, Any], tuple[str, str, str]]]:
    pairs = ((each, names.parts(each["name"])) for each in api.all("vpcs", "vpcs"))
    return [(each, parts) for each, parts in pairs if parts is not None and parts[2] == api.region]
