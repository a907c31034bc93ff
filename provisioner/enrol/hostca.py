"""The site's host CA: the one key that says which host keys are right. Made on first use, one for a site.

    beside the inventory    SITE.host-ca       the private half, encrypted by the vault: every controller of the site
                                               has it, from the same repository and by the same password
                            SITE.host-ca.pub   the public half, plain
    without a vault         both in the state directory, the private half plain and readable by its owner only

The private half is in memory while it signs, and in no temporary file.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    SSHCertificate,
    SSHCertificateBuilder,
    SSHCertificateType,
    load_ssh_private_key,
    load_ssh_public_identity,
    load_ssh_public_key,
)

from provisioner import durable
from provisioner.diag import ProvisionError, Span
from provisioner.vault.keyring import Keyring

DAY: Final = 24 * 3600.0
VALID: Final = 52 * 7 * DAY
RENEW: Final = 30 * DAY
"""A certificate that holds for less than this gets renewed."""
_CLOCKS: Final = 300.0  # seconds by which the clocks of two controllers may differ


class HostCAError(ProvisionError):
    """The site's host CA cannot be used."""


@dataclass(frozen=True, slots=True)
class CAPlace:
    """Where a site's CA is kept.

    beside: the inventory's directory; None where there is none. state: the site's state directory. keyring: the run's
    vault passwords. label: of the one to encrypt with, where there are several.
    """

    site: str
    state: Path
    beside: Path | None = None
    keyring: Keyring | None = None
    label: str | None = None

    @property
    def sealed(self) -> Path | None:
        return self.beside / f"{self.site}.host-ca" if self.beside else None

    @property
    def plain(self) -> Path:
        return self.state / "host-ca"

    @property
    def has_vault(self) -> bool:
        return self.keyring is not None and bool(self.keyring.passwords)


@dataclass(frozen=True, slots=True)
class HostCA:
    """Signs host keys. public: `ssh-ed25519 AAAA…`. where: the file of the private half, for messages."""

    public: str
    where: Path
    _private: Ed25519PrivateKey

    def sign(self, public: str, principals: Iterable[str], now: float, key_id: str = "") -> str:
        """A certificate (one line, as `…-cert.pub` has it) for the host key `public`, good for 52 weeks from `now`."""
        names = [name.encode() for name in principals]
        builder = (SSHCertificateBuilder().public_key(_host_key(public)).type(SSHCertificateType.HOST)
                   .serial(secrets.randbits(63)).key_id((key_id or names[0].decode()).encode())
                   .valid_principals(names).valid_after(int(now - _CLOCKS)).valid_before(int(now + VALID)))
        return builder.sign(self._private).public_bytes().decode()

    def line(self, name: str) -> str:
        """The line of known_hosts by which this CA decides about `name`."""
        return f"@cert-authority {name} {self.public}"


def expiry(certificate: str) -> float:
    """Seconds since 1970 until which a certificate holds."""
    found = load_ssh_public_identity(certificate.encode())
    if not isinstance(found, SSHCertificate):
        raise ValueError("a key, not a certificate")
    return float(found.valid_before)


def host_ca(place: CAPlace, tell: Callable[[str], None]) -> HostCA:
    """The site's CA, made if there is none. `tell` hears of a new one and of where it lies.

    Raises `VaultError` if the passwords of this run do not open it, and `HostCAError`.
    """
    if place.sealed is not None and place.sealed.exists():
        return _opened(place, place.sealed)
    if place.plain.exists():
        return _moved(place, tell) if place.has_vault and place.sealed else _read(place.plain, place.plain.read_bytes())
    if place.sealed is not None and _public_of(place.sealed).exists():
        raise HostCAError(f"The private half of the host CA of {place.site}, {place.sealed}, is not there, but "
                          f"{_public_of(place.sealed)} is",
                          hint="get it from where it was made: the hosts of this site believe no other. To begin anew "
                               "remove the public half too, and replace the machines")
    return _made(place, tell)


def _opened(place: CAPlace, file: Path) -> HostCA:
    keyring = place.keyring or Keyring()
    content, _ = keyring.unlock(file.read_bytes(), Span(str(file), 1))
    return _read(file, content)


def _made(place: CAPlace, tell: Callable[[str], None]) -> HostCA:
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    if place.has_vault and place.sealed is not None:
        if not _seal(place, place.sealed, text):
            return _opened(place, place.sealed)
        tell(f"the host CA of {place.site} was made: {place.sealed}, encrypted by the vault. Commit it, so that other "
             "controllers of the site have it too")
        return _read(place.sealed, text)
    if not durable.write_new(place.plain, text):
        return _read(place.plain, place.plain.read_bytes())
    tell(f"the host CA of {place.site} was made: {place.plain}, NOT encrypted, as there is no vault password. With one "
         "it is kept encrypted beside the inventory, where other controllers of the site find it")
    return _read(place.plain, text)


def _moved(place: CAPlace, tell: Callable[[str], None]) -> HostCA:
    """Made before there was a vault: from now on it lies beside the inventory."""
    assert place.sealed is not None
    text = place.plain.read_bytes()
    found = _read(place.sealed, text)
    if not _seal(place, place.sealed, text):
        return _opened(place, place.sealed)
    place.plain.unlink()
    _public_of(place.plain).unlink(missing_ok=True)
    tell(f"the host CA of {place.site} is encrypted by the vault now: {place.sealed}. Commit it")
    return found


def _seal(place: CAPlace, file: Path, text: bytes) -> bool:
    assert place.keyring is not None
    password = place.keyring.to_encrypt(place.label)
    return durable.write_new(file, place.keyring.encrypt(text, password))


def _read(file: Path, text: bytes) -> HostCA:
    try:
        key = load_ssh_private_key(text, password=None)
    except ValueError as error:
        raise HostCAError(f"{file} is not a private key of OpenSSH: {error}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise HostCAError(f"{file} is not a key of ed25519", hint="`ssh-keygen -t ed25519` makes one")
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    beside = _public_of(file)
    if not beside.exists() or beside.read_text().split()[:2] != public.split():
        durable.write(beside, f"{public} {file.name}\n".encode(), durable.OPEN)
    return HostCA(public, file, key)


def _public_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.pub")


def _host_key(public: str) -> Ed25519PublicKey:
    found = load_ssh_public_key(public.encode())
    if not isinstance(found, Ed25519PublicKey):
        raise HostCAError("The host's key is not one of ed25519")
    return found
