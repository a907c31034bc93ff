"""What is at a provider under our tags, and what of it nobody declares any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from provisioner.cloud.errors import CloudError
from provisioner.cloud.journal import Journal
from provisioner.cloud.model import KINDS, Found, Place, Ref
from provisioner.cloud.provider import Provider


@dataclass(frozen=True, slots=True)
class Owned:
    """A resource with the site that its tags name."""

    site: str
    found: Found


def everything(providers: Mapping[Place, Provider]) -> tuple[Owned, ...]:
    """All resources with tags of ours, of all sites, in all places; complete or a `CloudError`."""
    seen: dict[tuple[str, str, str, str], Owned] = {}
    for place, provider in providers.items():
        for site in sorted(provider.sites()):
            for each in provider.found(site):
                if each.status != "leaving":
                    seen.setdefault((place.provider, place.region, each.ref.kind, each.id), Owned(site, each))
    return tuple(sorted(seen.values(), key=lambda owned: (owned.site, KINDS.index(owned.found.ref.kind),
                                                          owned.found.ref.name)))


def orphans(there: Iterable[Owned], declared: Mapping[str, frozenset[Ref]]) -> tuple[Owned, ...]:
    """What no playbook declares. declared: by site."""
    return tuple(owned for owned in there if owned.found.ref not in declared.get(owned.site, frozenset()))


def prune(doomed: Sequence[Owned], providers: Mapping[Place, Provider],
          journal: Callable[[str], Journal]) -> Iterator[tuple[Owned, CloudError | None]]:
    """Delete them, what is used last; goes on after a failure. Protected ones must have been refused before."""
    for owned in sorted(doomed, key=lambda owned: -KINDS.index(owned.found.ref.kind)):
        try:
            providers[owned.found.place].delete(owned.found)
        except CloudError as error:
            yield owned, error
        else:
            journal(owned.site).gone(owned.found.id)
            yield owned, None
