"""One region of one account, as the contract has it: each kind by its own class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from provisioner.cloud.errors import NotAllowed, WrongAccount
from provisioner.cloud.model import KINDS, Found, Kind, Known, Wanted
from provisioner.cloud.provider import Effect, Enrolment, Foresight, Order
from provisioner.cloud.providers.digitalocean import (
    addresses,
    droplets,
    firewalls,
    foresight,
    keys,
    networks,
    records,
    volumes,
)
from provisioner.cloud.providers.digitalocean.api import Api


class Handler(Protocol):
    """What there is to do with one kind of resource. sites: the site of each one here."""

    def found(self, site: str) -> Sequence[Found]: ...
    def sites(self) -> Iterable[str]: ...
    def look(self, found: Found) -> Found: ...
    def create(self, order: Order) -> Found: ...
    def update(self, found: Found, wanted: Wanted, fields: Sequence[str], known: Known) -> Found: ...
    def delete(self, found: Found) -> None: ...


EFFECTS: Final[Mapping[Kind, Mapping[str, Effect]]] = {
    "key": keys.EFFECTS, "network": networks.EFFECTS, "firewall": firewalls.EFFECTS, "machine": droplets.EFFECTS,
    "volume": volumes.EFFECTS, "address": addresses.EFFECTS, "record": records.EFFECTS,
}  # fmt: skip


class DigitalOcean:
    kinds: Sequence[Kind] = KINDS
    enrolment: Enrolment = "injected"
    user_data_limit = 65536

    def __init__(self, api: Api) -> None:
        self.effects = EFFECTS
        self._api = api
        self._handlers: Final[Mapping[Kind, Handler]] = {
            "key": keys.Keys(api), "network": networks.Networks(api), "firewall": firewalls.Firewalls(api),
            "machine": droplets.Droplets(api), "volume": volumes.Volumes(api), "address": addresses.Addresses(api),
            "record": records.Records(api),
        }  # fmt: skip

    def account(self) -> str:
        """The team's id; of an account without teams its own."""
        account = self._api.get("account", "account")
        if account["status"] == "locked":
            raise NotAllowed(f"{self._api.place}: the account is locked: {account['status_message']}",
                             hint="only DigitalOcean's support can unlock it")
        id = str((account.get("team") or account)["uuid"])
        if self._api.place.account not in ("", id):
            raise WrongAccount(f"the token belongs to account {id}, the site to {self._api.place.account}",
                               hint="use the token of the site's account, or correct `account`")
        return id

    def found(self, site: str) -> Sequence[Found]:
        return [each for handler in self._handlers.values() for each in handler.found(site)]

    def sites(self) -> Mapping[str, int]:
        return Counter(site for handler in self._handlers.values() for site in handler.sites())

    def foresee(self, wanted: Sequence[Wanted]) -> Foresight:
        return foresight.foresee(self._api, wanted)

    def create(self, order: Order) -> Found:
        return self._handlers[order.wanted.ref.kind].create(order)

    def update(self, found: Found, wanted: Wanted, fields: Sequence[str], known: Known) -> Found:
        return self._handlers[found.ref.kind].update(found, wanted, fields, known)

    def delete(self, found: Found) -> None:
        self._handlers[found.ref.kind].delete(found)

    def look(self, found: Found) -> Found:
        return self._handlers[found.ref.kind].look(found)

    def console(self, found: Found) -> str:
        """The API has no call for it."""
        return ""

    def host_keys(self, found: Found) -> Sequence[str]:
        return ()
