"""Whether the web server speaks HTTPS, and where its certificate comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.nextjs.settings.common import with_defaults
from provisioner.remote.spec import Arg, Problem, Spec
from provisioner.values import Secret

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
#: Hosts that share a name each get a certificate of their own, and Let's Encrypt gives five of a kind a week.
MOST_HOSTS = 5

ACME = {
    "email": Arg(required=True, doc="Where the certificate authority writes to"),
    "ca": Arg(default=LETS_ENCRYPT, doc="The directory URL of the certificate authority"),
    "ca_root": Arg(doc="File with the certificate that a private authority's own HTTPS is checked with"),
    "peers": Arg(
        type="list",
        elements="str",
        doc="Addresses of further hosts with the same names, which may be asked in this one's place; by default those "
        "of the play",
    ),
}
OPTIONS = {
    "certificate": Arg(doc="File with the certificate and those between it and the authority, PEM"),
    "key": Arg(type="raw", secret=True, doc="File with its private key, or the key itself (from the vault)"),
    "acme": Arg(type="dict", options=ACME, doc="Get certificates by ACME, as from Let's Encrypt, and renew them"),
}


_SPEC = Spec(name="https", summary="", args=OPTIONS, required_together=(("certificate", "key"),),
             required_one_of=(("certificate", "acme"),), mutually_exclusive=(("certificate", "acme"),))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Own:
    """A certificate the user has. Both are files of the controller, but for a key that is a `Secret`: its text."""

    certificate: str
    key: str | Secret


@dataclass(frozen=True, slots=True)
class Acme:
    """`peers` None: the other hosts of the play that have the same names."""

    email: str
    ca: str = LETS_ENCRYPT
    ca_root: str | None = None
    peers: tuple[str, ...] | None = None


Https = Own | Acme | None


def read(value: Any) -> Https:
    if value is False or value == "off":
        return None
    a = _SPEC.bind(value)
    if a.acme is None:
        return Own(a.certificate, a.key)
    acme = with_defaults(ACME, a.acme)
    return Acme(acme["email"], acme["ca"], acme["ca_root"], None if acme["peers"] is None else tuple(acme["peers"]))


def problems(value: Any, *, proxy: str, domains: Sequence[str]) -> Iterator[Problem]:
    if value is False or value == "off":
        return
    if not isinstance(value, Mapping):
        yield Problem(
            "https",
            f"`https: {value}` is neither off nor a mapping",
            "write `acme: {email: …}` or `certificate:` and `key:` below it",
        )
        return
    wrong = _SPEC.problems(value)
    yield from (Problem("https", problem.message, problem.hint) for problem in wrong)
    if proxy == "none":
        yield Problem("https", "`https` needs a web server in front of the app", "set `proxy` to nginx or caddy")
    if not wrong and "acme" in value:
        yield from _acme_problems(value["acme"], domains, proxy)
    elif not wrong and not isinstance(value["key"], str | Secret):
        yield Problem("https", "`https.key` is neither a file nor a vaulted text")


def _acme_problems(value: Mapping[str, Any], domains: Sequence[str], proxy: str) -> Iterator[Problem]:
    if not domains:
        yield Problem("https", "a certificate is for names, and there are none", "set `domain`")
    for domain in domains:
        if domain.startswith("*."):
            yield Problem(
                "https",
                f"an authority gives `{domain}` by a DNS challenge only, which neither Debian's Caddy nor certbot can "
                "answer without a plug-in for your DNS provider",
                "name the hosts, or bring a `certificate`",
            )
    if proxy == "nginx" and value.get("ca_root") is not None:
        yield Problem(
            "https",
            "`ca_root` is for Caddy: certbot, which gets the certificates for nginx, trusts what its host trusts",
            "put the file into /usr/local/share/ca-certificates, run update-ca-certificates, and leave `ca_root` out",
        )
    if not str(value.get("ca", LETS_ENCRYPT)).startswith("https://"):
        yield Problem("https", f"`ca: {value['ca']}` is no address of a directory", "it begins with https://")
    if "@" not in str(value["email"]) or any(mark in str(value["email"]) for mark in " \t\n\"'{};"):
        yield Problem("https", f"`email: {value['email']}` is no address")
