"""A site as its providers have it: who is asked, what they answer, and the plan that follows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from provisioner.cloud.errors import WrongAccount
from provisioner.cloud.journal import Journal
from provisioner.cloud.model import Found, Kind, Place, Ref, Wanted
from provisioner.cloud.plan import Plan, Problem, Scope, plan
from provisioner.cloud.provider import Provider

VISIBLE_WITHIN: Final = 60.0
"""Seconds in which listings may still lack what was made: a run right after another one waits for it."""

_IMPLIED: Final = frozenset({"key", "firewall"})
"""Kinds that a declaration brings without naming them: left out where a provider has no such thing."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What the providers said. found: everything of the site, in all places. wanted: without what a provider does not
    have. accounts: whose credentials were used, by place."""

    wanted: Sequence[Wanted]
    found: Sequence[Found]
    providers: Mapping[Place, Provider]
    accounts: Mapping[Place, str]
    problems: Sequence[Problem] = ()


def survey(site: str, wanted: Sequence[Wanted], journal: Journal, open_provider: Callable[[Place], Provider],
           clock: Callable[[], float] = time.time, sleep: Callable[[float], None] = time.sleep) -> Survey:
    """Ask all places: those that are named, and those of earlier runs, where something may be left. Raises
    `CloudError`: a place that does not answer is never taken as empty. clock: seconds since the epoch."""
    providers: dict[Place, Provider] = {}
    accounts: dict[Place, str] = {}
    for place in dict.fromkeys((*(each.place for each in wanted), *journal.places)):
        provider = open_provider(place)
        account = provider.account()
        if place.account and account != place.account:
            raise WrongAccount(f"The credentials for {place} belong to account {account}, not {place.account}",
                               hint="choose others with `profile:` or the environment")
        providers[place], accounts[place] = provider, account
    found = _everything(site, providers)
    while journal.made_since(clock() - VISIBLE_WITHIN) - {each.id for each in found}:
        sleep(2.0)
        found = _everything(site, providers)
    possible, problems = _possible(wanted, providers)
    return Survey(possible, found, providers, accounts, problems)


def _everything(site: str, providers: Mapping[Place, Provider]) -> tuple[Found, ...]:
    found: dict[tuple[str, str, Kind, str], Found] = {}
    for place, provider in providers.items():
        for each in provider.found(site):
            # The same region under two names of one account is met twice.
            found.setdefault((place.provider, place.region, each.ref.kind, each.id), each)
    return tuple(found.values())


def plan_of(site: str, seen: Survey, scope: Scope) -> tuple[Plan, Mapping[Ref, str]]:
    """The plan, with what providers refuse beforehand; and the id of each new machine's image."""
    effects = {place.provider: provider.effects for place, provider in seen.providers.items()}
    made = plan(site, seen.wanted, seen.found, effects, scope)
    problems = [*seen.problems, *made.problems]
    images: dict[Ref, str] = {}
    remarks: list[str] = []
    monthly: Decimal | None = None
    for place, provider in seen.providers.items():
        mine = [each for each in seen.wanted if each.place == place]
        new = {change.ref for change in made.changes if change.action in ("create", "replace", "restart")}
        said = provider.foresee([each for each in mine if each.ref in new])
        spans = {each.ref: each.span for each in mine}
        problems += [Problem(ref, words, span=spans.get(ref)) for ref, words in said.problems]
        images |= said.images
        remarks += said.remarks
        for price in said.prices.values():
            monthly = (monthly or Decimal(0)) + price
    return replace(made, problems=tuple(problems), monthly=monthly, remarks=tuple(remarks)), images


def _possible(wanted: Sequence[Wanted], providers: Mapping[Place, Provider]) -> tuple[list[Wanted], list[Problem]]:
    """Without resources of kinds that a provider does not have; those that were asked for by name are told."""
    lacking = {each.ref for each in wanted if each.ref.kind not in providers[each.place].kinds}
    problems = [Problem(each.ref, f"{each.place.provider} has no {each.ref.kind}", span=each.span)
                for each in wanted if each.ref in lacking and each.ref.kind not in _IMPLIED]
    return [replace(each, needs=tuple(need for need in each.needs if need not in lacking))
            for each in wanted if each.ref not in lacking], problems
