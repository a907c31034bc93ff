"""The contract of providers. A new one is a file under `providers/` with `open(place)`, and a row in its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, Protocol, TypeAlias

from provisioner.cloud.model import Found, Kind, Known, Ref, Wanted

Effect: TypeAlias = Literal["update", "restart", "replace", "host", "later"]
"""What a changed field takes: a call; stop, change, start; a new resource in its place; work on the host over SSH; or
nothing, since it is only used when a machine is made."""

Enrolment: TypeAlias = Literal["console", "injected", "given"]
"""How the host's key is known before the first connection: the host prints it on its console, which the API shows; it
got a throw-away key in its user data; or the provider tells it."""


@dataclass(frozen=True, slots=True)
class Foresight:
    """What the provider says to a plan without changing anything.

    problems: by resource, what it would refuse (unknown image, size not there, too many machines). images: the id that
    each machine's friendly image name means now. prices: US dollars a month, where the API tells them.
    """

    problems: Sequence[tuple[Ref, str]] = ()
    images: Mapping[Ref, str] = field(default_factory=dict)
    prices: Mapping[Ref, Decimal] = field(default_factory=dict)
    remarks: Sequence[str] = ()
    """What else a reader of the plan should know, a line each."""


@dataclass(frozen=True, slots=True)
class Order:
    """One create. token: the same for every attempt at this generation of the resource, and for no other. image: the id
    from `foresee`; user_data: text, both for machines only."""

    wanted: Wanted
    site: str
    generation: int
    token: str
    known: Known
    image: str = ""
    user_data: str = ""


class Provider(Protocol):
    """One place. Every method may raise any `CloudError`. Calls are made from one thread at a time."""

    kinds: Sequence[Kind]
    """What it has; a declared resource of another kind is a mistake of the playbook."""
    effects: Mapping[Kind, Mapping[str, Effect]]
    """By kind and field. A field that is not named is not compared."""
    enrolment: Enrolment
    user_data_limit: int
    """Bytes."""

    def account(self) -> str:
        """The id of the account the credentials belong to, asked of the provider: also tells whether they work."""

    def found(self, site: str) -> Sequence[Found]:
        """All resources with the site's tag, machines that are being deleted included (status `leaving`), complete or
        `PartialListing`. Of a resource that exists twice (two controllers made it at once) all are given."""

    def sites(self) -> Mapping[str, int]:
        """How many resources each site has here; for `provision cloud list` and `orphans`."""

    def foresee(self, wanted: Sequence[Wanted]) -> Foresight:
        """What would be refused, what images mean, what it costs. Only machines that would be new are asked about."""

    def create(self, order: Order) -> Found:
        """Make it, or give the one that an earlier attempt with this token has made. Must not make a second one,
        whatever was lost on the way. Tags (site, name, generation, memories) are there from the first moment.
        Returns at once: a machine may still be `pending` and without an address."""

    def update(self, found: Found, wanted: Wanted, fields: Sequence[str], known: Known) -> Found:
        """Change these fields of it. Where one of them needs a stopped machine: stop, change, start, and return when it
        runs. May be repeated after it was interrupted anywhere."""

    def delete(self, found: Found) -> None:
        """Delete it and return when it is gone, so that what it uses can be deleted next. Fine if it is not there."""

    def look(self, found: Found) -> Found:
        """As it is now; raises `Gone`. Used to wait for `running` and an address."""

    def console(self, found: Found) -> str:
        """The last of what the machine printed; "" if the provider does not tell."""

    def host_keys(self, found: Found) -> Sequence[str]:
        """Enrolment `given` only: public keys (`ssh-ed25519 AAAA…`); empty for the others."""
