"""From a machine that exists to a host that is known: a strict first connection, then a key and certificate of its own.

    running       the provider says so, and has an address
    expected      the key it must show: from its console, from what it was told, or from the provider
    first         a connection, verified by that key or, if it has one already, by its certificate
    cloud-init    has done what the machine was told
    own key       made on the host, signed by the site's CA, listed beside the old ones
    settled       a new connection, verified by the CA alone; in it the old keys go, with every copy of them

Every step may be repeated, so a run that was killed anywhere is made good by the next one. Nothing that is secret is
sent before a key was verified; a login by public key gives nothing away to who is at the other end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from provisioner import durable
from provisioner.cloud.errors import CloudError
from provisioner.cloud.model import Found, HostSettings
from provisioner.cloud.provider import Enrolment, Provider
from provisioner.diag import AuthenticationFailed, HostFailed, HostKeyRejected, HostUnreachable, ProvisionError
from provisioner.enrol import console, onhost
from provisioner.enrol.hostca import RENEW, HostCA, expiry
from provisioner.enrol.store import Enrolled, SiteStore
from provisioner.enrol.throwaway import LIFE
from provisioner.messages import Target
from provisioner.transport import keyscan, ssh
from provisioner.transport.connection import Deadline, Deadlines
from provisioner.transport.sshconfig import Resolver
from provisioner.values import HostName

Report = Callable[[str], None]
"""Hears what is waited for and what is done, in words for a line that goes on with the machine's name."""
STEP: Final = 120.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. login: how long a host may turn the user away (it does while it boots). pause: between two looks."""

    running: float = 600.0
    console: float = 600.0
    ssh: float = 600.0
    login: float = 60.0
    cloud_init: float = 1800.0
    reload: float = 30.0
    pause: float = 2.0


class ConsoleSilent(HostKeyRejected):
    """All the time that there was, the machine's console did not show its keys."""


@dataclass(frozen=True)
class Site:
    """What all machines of a site have in common. key_files: private keys to log in with; empty: those ssh uses."""

    store: SiteStore
    ca: HostCA
    key_files: tuple[str, ...] = ()
    patience: Patience = Patience()
    resolver: Resolver = field(default_factory=Resolver)
    now: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True)
class HostEntry:
    """A host of the inventory. known_hosts: the lines it is verified by, under `alias` (HostKeyAlias); they are in the
    file of the site's store too."""

    name: str
    address: str
    user: str
    known_hosts: tuple[str, ...]
    alias: str


def enrol(found: Found, settings: HostSettings, site: Site, provider: Provider, report: Report, *,
          how: Enrolment | None = None) -> HostEntry:
    """Make the machine a host that is known, whatever was done of that before; renew a certificate when that is due.

    how: another way to know its key than the provider's own. Raises `HostUnreachable` and its kinds, `HostFailed`, and
    what the provider raises.
    """
    found = _running(found, site, provider, report)
    kept = site.store.enrolled(found.id)
    if kept is not None and kept.expires - site.now() > RENEW:
        if kept.line != site.ca.line(found.id):
            raise HostKeyRejected(f"{found.ref.name} has a certificate of another CA than {site.ca.where}",
                                  hint="use the CA that the site's machines were made with")
        return _entry(found, settings, site)
    contact = _Contact(found, settings, site, provider, report, how or provider.enrolment)
    try:
        public, expires = _own_key(contact, kept)
        _settle(contact)
    except HostFailed as error:
        raise HostFailed(f"{contact.title} cannot be enrolled: {error.message}", hint=error.hint) from None
    site.store.keep(found.id, Enrolled(found.ref.name, site.ca.line(found.id), public, expires))
    return _entry(found, settings, site)


def wait(found: Found, settings: HostSettings, site: Site, provider: Provider, report: Report) -> None:
    """Until an enrolled machine, which was started again, lets its user in. Raises `HostUnreachable` and its kinds."""
    found = _running(found, site, provider, report)
    contact = _Contact(found, settings, site, provider, report, provider.enrolment)
    contact.connect([contact.certified()], site.patience.ssh).close()


def _entry(found: Found, settings: HostSettings, site: Site) -> HostEntry:
    return HostEntry(found.ref.name, found.address, settings.user, (site.ca.line(found.id),), found.id)


def _running(found: Found, site: Site, provider: Provider, report: Report) -> Found:
    deadline, told = Deadline(site.patience.running), ""
    while found.status != "running" or not found.address:
        if found.status in ("stopped", "stopping", "leaving"):
            raise HostUnreachable(f"{found.ref.name} ({found.id}) does not run: it is {found.status}",
                                  hint="start it at the provider, or let `running: true` of the playbook do it")
        if deadline.passed:
            raise HostUnreachable(f"{found.ref.name} ({found.id}) is {found.status} and has "
                                  f"{found.address or 'no address'} after {site.patience.running:.0f} s")
        if told != found.status:
            report(f"is {found.status}")
            told = found.status
        time.sleep(site.patience.pause)
        found = provider.look(found)
    return found


@dataclass(frozen=True)
class _Contact:
    """One machine while it is enrolled."""

    found: Found
    settings: HostSettings
    site: Site
    provider: Provider
    report: Report
    how: Enrolment

    @property
    def title(self) -> str:
        return f"{self.found.ref.name} ({self.found.id}) at {self.found.address}"

    def connect(self, lines: Sequence[str], patience: float) -> ssh.SshConnection:
        """A connection verified by `lines`; waits until SSH answers and the user is let in."""
        file = self.site.store.directory / "first" / self.found.id
        durable.write(file, "".join(f"{line}\n" for line in lines).encode(), durable.OPEN)
        target = Target(HostName(self.found.ref.name), address=self.found.address, user=self.settings.user,
                        key_files=self.site.key_files, known_hosts=(str(file),), host_key_alias=self.found.id)
        try:
            return self._connect(target, Deadline(patience))
        finally:
            file.unlink(missing_ok=True)

    def _connect(self, target: Target, deadline: Deadline) -> ssh.SshConnection:
        wiring = ssh.Wiring(self.site.resolver, deadlines=Deadlines(restart=0.0))  # asked again here, with words
        told, turned_away = False, None
        while True:
            try:
                return ssh.connect(target, wiring)
            except HostKeyRejected:
                raise
            except AuthenticationFailed as error:
                turned_away = turned_away or Deadline(self.site.patience.login)
                if turned_away.passed or deadline.passed:
                    raise self._not_told(error) from None
            except HostUnreachable as error:
                if deadline.passed:
                    raise self._silent(error) from None
                if not told:
                    self.report("runs; SSH does not answer yet")
                    told = True
            time.sleep(self.site.patience.pause)

    def console(self) -> str:
        try:
            return self.provider.console(self.found)
        except CloudError as error:
            return f"(the provider does not show the console: {error.message})"

    def with_console(self, text: str) -> str:
        last = console.tail(self.console())
        return f"{text}. Its console ends with:" + "".join(f"\n  {line}" for line in last) if last else text

    def _silent(self, error: ProvisionError) -> HostUnreachable:
        return HostUnreachable(self.with_console(f"{self.title} runs, but SSH does not answer: {error.message}"),
                               hint="does the firewall let this machine in on port 22? is the image one with sshd?")

    def _not_told(self, error: ProvisionError) -> AuthenticationFailed:
        return AuthenticationFailed(
            self.with_console(f"{self.title} shows the right key, but has not done what it was told: {error.message}"),
            hint="either cloud-init did not read the user data (is it an image with cloud-init?), or none of the "
                 "private keys here belongs to the playbook's `ssh_keys`")

    # -- whose key ------------------------------------------------------------------------------------------------
    def certified(self) -> str:
        return self.site.ca.line(self.found.id)

    def expected_lines(self) -> Sequence[str]:
        """The lines of known_hosts for the keys that it may show."""
        keys = {"console": self._printed, "injected": self._injected, "given": self._given}[self.how]()
        return [f"{self.found.id} {key}" for key in keys]

    def _injected(self) -> Sequence[str]:
        expected = self.site.store.expected(self.found.ref.name, self.found.generation)
        if expected is None:
            raise HostKeyRejected(
                f"Which key {self.title} was given is not known on this controller",
                hint="go on where the machine was made, before an hour is over, or replace it "
                     f"(`--replace {self.found.ref.name}`)")
        age = expected.age(self.site.now())
        if not -LIFE < age < LIFE:
            raise HostKeyRejected(
                f"The throw-away key of {self.title} was made {age / 60:.0f} minutes ago and is not believed any more: "
                "who can read the machine's user data had all that time",
                hint=f"replace the machine (`--replace {self.found.ref.name}`)")
        return [expected.public]

    def _given(self) -> Sequence[str]:
        keys = self.provider.host_keys(self.found)
        if not keys:
            raise HostKeyRejected(f"The provider does not tell the host key of {self.title}")
        return keys

    def _printed(self) -> Sequence[str]:
        deadline = Deadline(self.site.patience.console)
        self.report("waits for the host keys on the console")
        while not (found := console.printed(self.provider.console(self.found))):
            if deadline.passed:
                mended = (f"`--replace {self.found.ref.name}` makes it anew" if self.settings.host_keys == "auto"
                          else "leave out `host_keys: console`, and it can be made anew")
                raise ConsoleSilent(self.with_console(f"The console of {self.title} shows no host keys"),
                                    hint=f"some images print none: {mended}, with a throw-away key instead")
            time.sleep(self.site.patience.pause)
        if found.keys:
            return found.keys
        shown = keyscan.shown_key(self.found.address)
        if shown.fingerprint not in found.fingerprints:
            raise _another(self.title, f"it shows {shown.spoken} {shown.fingerprint}, its console said "
                                       f"{', '.join(found.fingerprints)}")
        return [shown.line]


def _another(title: str, what: str) -> HostKeyRejected:
    return HostKeyRejected(
        f"{title} is not the machine it should be: {what}",
        hint="the address belongs to another machine by now, cloud-init did not read the user data, or somebody is in "
             "between. Nothing was sent")


def _first(contact: _Contact, kept: Enrolled | None) -> ssh.SshConnection:
    """The first connection: by its certificate if it has one, else by the key that is expected."""
    patience = contact.site.patience
    own = [] if kept is None else [f"{contact.found.id} {kept.public}"]  # known from before; its certificate may be old
    try:
        return contact.connect([contact.certified(), *own], patience.ssh)
    except HostKeyRejected as error:
        if kept is not None:
            raise _another(contact.title, error.message) from None
    lines = contact.expected_lines()  # SSH answers by now: a throw-away key does not grow old before it is used
    try:
        return contact.connect(lines, patience.ssh)
    except HostKeyRejected as error:
        raise _another(contact.title, error.message) from None


def _own_key(contact: _Contact, kept: Enrolled | None) -> tuple[str, float]:
    """Give the host a key of its own and a certificate; that key, and until when the certificate holds."""
    site, found = contact.site, contact.found
    with closing(_first(contact, kept)) as host:
        contact.report("is verified; waits for cloud-init")
        trouble = onhost.run(host, onhost.CLOUD_INIT, what="waiting for cloud-init",
                             timeout=site.patience.cloud_init)
        if trouble.strip():
            contact.report(f"says that cloud-init had errors: {' '.join(trouble.split())}")
        contact.report("gets a key of its own")
        public = " ".join(onhost.run(host, onhost.MAKE_KEY, what="making a key", timeout=STEP).split()[:2])
        now = site.now()
        certificate = site.ca.sign(public, (found.id, found.ref.name), now, f"{found.ref.name} {found.id}")
        contact.report("gets a certificate")
        onhost.run(host, onhost.INSTALL, certificate, what="showing the certificate", timeout=STEP)
    return public, expiry(certificate)


def _settle(contact: _Contact) -> None:
    """See that the certificate works, let the other keys go, and see that it still works."""
    for script, what in ((onhost.SETTLE, "is verified by its certificate; lets its other keys go"),
                         (onhost.ALIVE, "is verified by its certificate alone")):
        with closing(_reloaded(contact)) as host:
            contact.report(what)
            onhost.run(host, script, what="removing other keys", timeout=STEP)


def _reloaded(contact: _Contact) -> ssh.SshConnection:
    """A connection verified by the certificate. sshd that is told to reload answers with what it knew for a moment."""
    deadline = Deadline(contact.site.patience.reload)
    while True:
        try:
            return contact.connect([contact.certified()], deadline.left)
        except HostKeyRejected as error:
            if deadline.passed:
                raise _another(contact.title, error.message) from None
        time.sleep(contact.site.patience.pause)
