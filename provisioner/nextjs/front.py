"""The web server in front of an app on one host: what its site shall be, when it is written, and whose certificate."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provisioner.nextjs import certificates, plan
from provisioner.nextjs.certificates import Files
from provisioner.nextjs.findings import Finding
from provisioner.nextjs.hosts import Host
from provisioner.nextjs.plan import Release
from provisioner.nextjs.settings import Settings
from provisioner.nextjs.settings.https import LETS_ENCRYPT, MOST_HOSTS, Acme
from provisioner.nextjs.site import Stage, site_text
from provisioner.nextjs.static import Routes, routes
from provisioner.nextjs.static import site_text as static_text


@dataclass(slots=True)
class Front:
    """For one host. `peers`: addresses of the other hosts with the same names. written: the site as it is there by now,
    None before it was looked at. routes: of an exported app."""

    host: Host
    files: Files
    findings: tuple[Finding, ...]
    peers: tuple[str, ...]
    written: str | None = None
    routes: Routes = field(default_factory=Routes)

    def question(self) -> dict[str, Any]:
        """The part of what `nextjs_status` is asked that is about the site."""
        settings = self.host.settings
        if settings.proxy == "none":
            return {}
        wanted = {"server": settings.proxy, "only": not settings.domains, "certificate": self.files.certificate,
                  "root": self.files.root, "names": self._names, "shown": _shown(settings)}  # fmt: skip
        return {"web_server": wanted, "key": self.files.key}

    def prepare(self, taken: Mapping[str, Sequence[str]]) -> None:
        """Before any host gets a certificate, all that share its names must forward the authority's questions."""
        if self.host.settings.proxy != "none" and self.peers and not self.host.facts["proxy"]["ready"]:
            text = self._text(taken, "plain")
            if self.host.facts["proxy"]["text"] != text:
                self._write(text)

    def write(self, taken: Mapping[str, Sequence[str]]) -> None:
        """Twice at most: a release may leave the slots with other ports than they had before."""
        facts = self.host.facts
        if self.host.settings.proxy == "none":
            return
        text = self._text(taken, "whole")
        if text == self.written:
            return
        if self.written is not None or plan.needs_proxy(facts, text):
            self._write(text, self._acme(taken))
        else:
            self.host.fine(plan.PROXY)
        self.written = text

    def pin(self, release: str) -> None:
        """What was exported stays what clients get while a service is started, to which `current` leads then."""
        host = self.host
        if host.settings.proxy == "none" or host.facts["proxy"]["text"] is None:
            return
        about = next((found for found in host.facts["releases"] if found["id"] == release), None)
        stage: Stage = "whole" if host.facts["proxy"]["ready"] else "plain"
        self._write(static_text(host.settings, routes(Release(release, "", about)), ipv6=host.facts["proxy"]["ipv6"],
                                peers=self.peers, stage=stage, pinned=release))  # fmt: skip

    def put_back(self) -> None:
        """The site as it was found."""
        if self.host.settings.proxy != "none" and self.host.facts["proxy"]["text"] is not None:
            self._write(self.host.facts["proxy"]["text"])

    @property
    def _names(self) -> list[str]:
        settings = self.host.settings
        return list(settings.domains) if isinstance(settings.https, Acme) else []

    def _text(self, taken: Mapping[str, Sequence[str]], stage: Stage) -> str:
        ipv6 = self.host.facts["proxy"]["ipv6"]
        if self.host.settings.mode == "static":
            return static_text(self.host.settings, self.routes, ipv6=ipv6, peers=self.peers, stage=stage)
        return site_text(self.host.settings, ipv6=ipv6, taken=taken, peers=self.peers, stage=stage)

    def _acme(self, taken: Mapping[str, Sequence[str]]) -> dict[str, Any] | None:
        https = self.host.settings.https
        if not isinstance(https, Acme):
            return None
        before = self._text(taken, "waiting" if self.host.settings.proxy == "caddy" else "plain")
        return {"names": self._names, "email": https.email, "ca": https.ca, "before": before}

    def _write(self, text: str, acme: Mapping[str, Any] | None = None) -> None:
        settings = self.host.settings
        self.host.app(plan.PROXY, "nextjs_proxy", {
            "server": settings.proxy, "text": text, "only": not settings.domains,
            "certificate": self.files.certificate, "key": self.files.key, "root": self.files.root, "acme": acme,
        })  # fmt: skip


def fronts(hosts: Sequence[Host]) -> dict[str, Front]:
    """One for each host, by name. Files of the controller are read and looked at here."""
    return {host.name: _front(host, hosts) for host in hosts}


def _front(host: Host, hosts: Sequence[Host]) -> Front:
    settings = host.settings
    files, findings = certificates.read(settings.https, host.call.search, settings.domains, time.time())
    peers = _peers(host, hosts)
    return Front(host, files, (*findings, *_too_many(settings, peers)), peers)


def _too_many(settings: Settings, peers: Sequence[str]) -> Iterator[Finding]:
    count = len(peers) + 1
    if isinstance(settings.https, Acme) and settings.https.ca == LETS_ENCRYPT and count > MOST_HOSTS:
        yield Finding(f"{count} hosts share {', '.join(settings.domains)} and each gets its own certificate, but Let's "
                      f"Encrypt gives {MOST_HOSTS} for the same names a week",
                      "bring one `certificate` for all")  # fmt: skip


def _peers(host: Host, hosts: Sequence[Host]) -> tuple[str, ...]:
    """As the controller reaches them, unless the settings say otherwise."""
    https = host.settings.https
    if not isinstance(https, Acme):
        return ()
    if https.peers is not None:
        return https.peers
    names = set(host.settings.domains)
    return tuple(other.call.target.address or str(other.name) for other in hosts
                 if other is not host and names.intersection(other.settings.domains))  # fmt: skip


def _shown(settings: Settings) -> list[str]:
    """A star is no name that a browser asks for."""
    return [] if settings.https is None else [name for name in settings.domains if not name.startswith("*")]
