"""What a site wants and what a provider has, both as resources: values that a plan can compare."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from provisioner.diag import Span

Kind: TypeAlias = Literal["key", "network", "firewall", "machine", "volume", "address", "record"]

KINDS: Final[tuple[Kind, ...]] = ("key", "network", "firewall", "machine", "volume", "address", "record")
"""In the order of creation: nothing needs a kind that stands behind its own. Deleted in the reverse order."""

Fields: TypeAlias = Mapping[str, Any]
"""JSON-like values by name. The names and shapes are the same for every provider:

key       public_key
network   cidr
firewall  rules: [{protocol: tcp|udp|icmp, from_port, to_port, sources: [CIDR]}], in `canonical` order; icmp has the
          ports -1, all of it; what goes out is not limited. Applies in the network that it needs
machine   image, size, disk (GiB of the root disk, None: what the image or size has), zone, network, firewall (a name or
          None), tags: {key: value} of the user's own, running: bool, protected: bool, metadata: "restricted" (IMDSv2
          with one hop; None where a provider has no such thing), monitoring: bool
          and memories, which providers keep in tags: keys, user_data (digests), user, groups (comma-separated)
volume    size (GiB), machine (a name)
address   machine (a name): a reserved or elastic IP
record    zone, type, ttl, machines (names, sorted; what points elsewhere shows as the address)
"""


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """A resource by its name in the site, whatever the provider calls it."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """One region of one account. There is one provider object for each.

    profile: named credentials (an AWS profile, a context of doctl); "" is the default ones. account: the id that the
    credentials must belong to; "" is any. endpoint: another API address than the provider's own.
    """

    provider: str
    region: str
    profile: str = ""
    account: str = ""
    endpoint: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.provider, self.region, self.profile) if part)


@dataclass(frozen=True, slots=True)
class HostSettings:
    """What a machine is as a host of the inventory.

    keys: public keys (`ssh-ed25519 AAAA… comment`) that may log in as `user`. own_data: the user's own user data.
    host_keys: how its key gets known: `auto` as the provider does, `console` or `inject`.
    """

    user: str
    groups: tuple[str, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    own_data: str = ""
    host_keys: str = "auto"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A declared resource. needs: what has to be there before it. host: machines only."""

    ref: Ref
    place: Place
    fields: Fields
    needs: tuple[Ref, ...] = ()
    host: HostSettings | None = None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A resource that exists at the provider.

    id: the provider's own. generation: which one of this name it is, from its tags (1 where a kind has no tags).
    status: `pending`, `running`, `stopped`, `stopping`, `leaving` for machines, else `ready`. address: the public
    address, "" while there is none. more: what only the provider itself uses (ids of parts); of a
    volume also `device`, its path on the host that stays the same.
    """

    ref: Ref
    place: Place
    id: str
    fields: Fields
    generation: int = 1
    status: str = "ready"
    address: str = ""
    private_address: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


Known: TypeAlias = Mapping[Ref, Found]
"""Everything of the site that exists, kept up to date while a plan is carried out."""


def canonical(rules: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Firewall rules in one order, one for each protocol and ports: equal if they let in the same."""
    joined: dict[tuple[str, int, int], set[str]] = {}
    for rule in rules:
        ports = (str(rule["protocol"]), int(rule["from_port"]), int(rule["to_port"]))
        joined.setdefault(ports, set()).update(rule["sources"])
    return [{"protocol": protocol, "from_port": first, "to_port": last, "sources": sorted(sources)}
            for (protocol, first, last), sources in sorted(joined.items())]


def digest(value: Any) -> str:
    """16 hexadecimal digits that are the same for the same JSON-like value: short enough for a tag."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def bare_key(public: str) -> str:
    """A public key without its comment, which is no part of it. Its fingerprint has several spellings."""
    return " ".join(public.split()[:2])
