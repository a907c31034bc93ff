"""Enrolment as a run with machines uses it: `provisioner.machines.Enroller` for one site."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from provisioner.cloud.apply import Fresh
from provisioner.cloud.model import Found, HostSettings, Wanted
from provisioner.cloud.provider import Enrolment, Provider
from provisioner.diag import HostKeyRejected
from provisioner.enrol.enrol import ConsoleSilent, Patience, Site, enrol, wait
from provisioner.enrol.hostca import RENEW, CAPlace, HostCA, host_ca
from provisioner.enrol.store import SiteStore
from provisioner.enrol.throwaway import Expected, throw_away
from provisioner.enrol.userdata import check_size, user_data


@dataclass(slots=True)
class SiteEnroller:
    """place: of the site's CA, which is made when the first machine is enrolled. tell: hears of that.
    key_files: private keys to log in with; empty: those ssh would use."""

    place: CAPlace
    tell: Callable[[str], None]
    key_files: tuple[str, ...] = ()
    patience: Patience = Patience()
    now: Callable[[], float] = time.time
    _ca: list[HostCA] = field(default_factory=list)

    @property
    def _store(self) -> SiteStore:
        return SiteStore(self.place.state)

    def fresh(self, wanted: Wanted, provider: Provider) -> Fresh:
        """Raises `UserDataError` if the provider would refuse it."""
        settings = _settings(wanted)
        key = throw_away(self.now()) if self._how_new(wanted, provider) == "injected" else None
        data = user_data(settings, key)
        check_size(data, provider.user_data_limit, wanted.ref.name)
        return Fresh(data, {"public": key.expected.public, "made": key.expected.made} if key else {})

    def host(self, wanted: Wanted, found: Found, provider: Provider, notes: Sequence[Mapping[str, Any]],
             report: Callable[[str], None]) -> Mapping[str, Any]:
        settings = self._as_made(wanted, found)
        # Each time that its making was tried, the machine would have got another key: one of them is the one it has.
        candidates = [Expected(note["public"], note["made"]) for note in notes if note]
        how = "injected" if candidates else _how(settings, provider)
        for left, expected in zip(range(len(candidates) - 1, -1, -1), reversed(candidates), strict=True):
            self._store.expect(wanted.ref.name, found.generation, expected)
            try:
                return self._enrolled(found, settings, provider, report, how)
            except HostKeyRejected:
                if not left:
                    raise
        try:
            return self._enrolled(found, settings, provider, report, how)
        except ConsoleSilent:
            if settings.host_keys == "auto":
                self._store.silent(_image(wanted, found.fields.get("image")))
            raise

    def known(self, wanted: Wanted, found: Found) -> Mapping[str, Any] | None:
        """Also None where its certificate is about to end: then `host` renews it."""
        kept = self._store.enrolled(found.id)
        site_has_time = kept is not None and kept.expires - self.now() > RENEW
        return self._variables(found, str(self._as_made(wanted, found).user)) if site_has_time else None

    def wait(self, wanted: Wanted, found: Found, provider: Provider, report: Callable[[str], None]) -> None:
        """Until a machine that was started again lets its user in."""
        wait(found, self._as_made(wanted, found), self._site(), provider, report)

    def forget(self, found: Found) -> None:
        self._store.forget(found.id, found.ref.name)

    def _how_new(self, wanted: Wanted, provider: Provider) -> Enrolment:
        """A throw-away key is the worse way: for images of which a machine has shown that there is no other."""
        how = _how(_settings(wanted), provider)
        if how == "console" and _settings(wanted).host_keys == "auto" and self._store.is_silent(_image(wanted)):
            self.tell(f"{wanted.ref.name} gets a throw-away host key: machines of {wanted.fields['image']} have shown "
                      "none on their console")
            return "injected"
        return how

    def _enrolled(self, found: Found, settings: HostSettings, provider: Provider, report: Callable[[str], None],
                  how: Enrolment) -> Mapping[str, Any]:
        return self._variables(found, enrol(found, settings, self._site(), provider, report, how=how).user)

    def _site(self) -> Site:
        if not self._ca:
            self._ca.append(host_ca(self.place, self.tell))
        return Site(self._store, self._ca[0], self.key_files, self.patience, now=self.now)

    def _variables(self, found: Found, user: str) -> Mapping[str, Any]:
        return {
            "ansible_host": found.address, "ansible_user": user, "ansible_ssh_host_key_alias": found.id,
            "ansible_ssh_known_hosts_file": str(self._store.known_hosts), "machine_id": found.id,
            "machine_private_address": found.private_address,
        }

    def _as_made(self, wanted: Wanted, found: Found) -> HostSettings:
        """Its user is the one that the machine was made with."""
        return replace(_settings(wanted), user=str(found.fields.get("user") or _settings(wanted).user))


def _settings(wanted: Wanted) -> HostSettings:
    assert wanted.host is not None
    return wanted.host


def _how(settings: HostSettings, provider: Provider) -> Enrolment:
    return {"console": "console", "inject": "injected"}.get(settings.host_keys, provider.enrolment)  # type: ignore[return-value]


def _image(wanted: Wanted, made_of: object = None) -> str:
    return f"{wanted.place.provider} {made_of or wanted.fields['image']}"


def place_of(site: str, state: Path, inventory: Path | None, keyring: Any) -> CAPlace:
    """Where the CA of a site is kept: beside the inventory, where there is one."""
    beside = None if inventory is None else inventory if inventory.is_dir() else inventory.parent
    return CAPlace(site, state, beside, keyring)
