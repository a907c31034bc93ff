"""The certificate that a user brings: read on the controller, and looked at before any host is touched."""

from __future__ import annotations

import datetime
import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from provisioner.nextjs.findings import Finding
from provisioner.nextjs.settings.https import Acme, Https, Own
from provisioner.remote.nextjs.certificates import covers
from provisioner.values import Secret

SOON = datetime.timedelta(days=21)


@dataclass(frozen=True, slots=True)
class Files:
    """Texts for the hosts, PEM. `root`: of a private authority, for ACME."""

    certificate: str | None = None
    key: Secret | None = None
    root: str | None = None


def read(https: Https, search: Sequence[str], domains: Sequence[str], now: float) -> tuple[Files, tuple[Finding, ...]]:
    """`now`: seconds since 1970."""
    try:
        if isinstance(https, Acme) and https.ca_root is not None:
            root = _text(https.ca_root, search)
            return Files(root=root), tuple(_unreadable(root, https.ca_root))
        if isinstance(https, Own):
            return _own(https, search, domains, datetime.datetime.fromtimestamp(now, datetime.UTC))
    except (OSError, ValueError) as error:
        return Files(), (Finding(f"`https`: {error}", stops=True),)
    return Files(), ()


def _own(
    https: Own, search: Sequence[str], domains: Sequence[str], now: datetime.datetime
) -> tuple[Files, tuple[Finding, ...]]:
    certificate = _text(https.certificate, search)
    files = Files(certificate, https.key if isinstance(https.key, Secret) else Secret(_text(https.key, search)))
    unreadable = tuple(_unreadable(certificate, https.certificate))
    if unreadable:
        return files, unreadable
    chain = x509.load_pem_x509_certificates(certificate.encode())
    found = [*_of_chain(chain, https.certificate), *_of_leaf(chain[0], https.certificate, domains, now)]
    if isinstance(https.key, str):  # a Secret is only opened on the host, where the web server finds out
        found += _of_key(_text(https.key, search), https, chain[0])
    return files, tuple(found)


def _text(name: str, search: Sequence[str]) -> str:
    """Of a file that is looked for beside the playbook, as `copy` does it. Raises OSError."""
    path = Path(os.path.expanduser(name))
    candidates = [path] if path.is_absolute() else [Path(base) / sub / path for base in search for sub in ("files", "")]
    found = next((candidate for candidate in candidates if candidate.is_file()), None)
    if found is None:
        raise FileNotFoundError(f"there is no file {name}; looked for {', '.join(map(str, candidates))}")
    return found.read_text(encoding="ascii")


def _unreadable(text: str, name: str) -> Iterator[Finding]:
    try:
        x509.load_pem_x509_certificates(text.encode())
    except ValueError as error:
        yield Finding(f"`https`: {name} holds no certificate that can be read ({error})",
                      "it must be PEM: -----BEGIN CERTIFICATE-----", stops=True)  # fmt: skip


def _of_chain(chain: Sequence[x509.Certificate], name: str) -> Iterator[Finding]:
    for issued, issuer in itertools.pairwise(chain):
        try:
            issued.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            yield Finding(f"`https`: in {name} the certificate of {_subject(issued)} is followed by that of "
                          f"{_subject(issuer)}, which did not issue it: browsers would not trust it",
                          "the app's certificate comes first, then the one that issued it, and so on",
                          stops=True)  # fmt: skip


def _of_leaf(
    leaf: x509.Certificate, name: str, domains: Sequence[str], now: datetime.datetime
) -> Iterator[Finding]:
    ends = leaf.not_valid_after_utc
    if ends <= now:
        yield Finding(f"`https`: the certificate in {name} expired on {ends:%Y-%m-%d}", "bring a new one", stops=True)
    elif leaf.not_valid_before_utc > now:
        begins = f"{leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        yield Finding(f"`https`: the certificate in {name} is only valid from {begins}",
                      "wait, or set this machine's clock", stops=True)  # fmt: skip
    elif ends - now < SOON:
        yield Finding(f"`https`: the certificate in {name} expires in {(ends - now).days} days, on {ends:%Y-%m-%d}",
                      "bring a new one in time, or let `https.acme` renew it")  # fmt: skip
    names = _names(leaf)
    lacking = [domain for domain in domains if not covers(sorted(names), domain)]
    if lacking:
        yield Finding(f"`https`: the certificate in {name} is for {', '.join(sorted(names)) or 'no name'} and not for "
                      f"{', '.join(lacking)}", "bring one for every name in `domain`", stops=True)  # fmt: skip


def _of_key(text: str, https: Own, leaf: x509.Certificate) -> Iterator[Finding]:
    try:
        key = load_pem_private_key(text.encode(), None)
    except TypeError:
        yield Finding(f"`https`: the key in {https.key} has a password, and the web server could not start without you",
                      "take it off (`openssl pkey`), and keep the key in the vault", stops=True)  # fmt: skip
        return
    except (ValueError, UnsupportedAlgorithm) as error:
        hint = "put it into a variable, and give that as `key`" if text.startswith("$ANSIBLE_VAULT;") else ""
        why = "it is encrypted by the vault" if hint else str(error)
        yield Finding(f"`https`: {https.key} holds no private key that can be read: {why}", hint, stops=True)
        return
    if key.public_key() != leaf.public_key():
        yield Finding(f"`https`: the key in {https.key} is not that of the certificate in {https.certificate}",
                      "bring the pair that belongs together", stops=True)  # fmt: skip


def _names(leaf: x509.Certificate) -> set[str]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {name.lower() for name in names.get_values_for_type(x509.DNSName)}


def _subject(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string() or "nobody"
