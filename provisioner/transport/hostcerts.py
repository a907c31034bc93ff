"""Host certificates: whether one proves that a server is the host it should be. paramiko shows them and checks none.

The rules are those of OpenSSH's PROTOCOL.certkeys and of ssh(1): a certificate for hosts, signed by an authority that
known_hosts names for this host, with the host among its principals, in its time, without options nobody understands.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    SSHCertificateType,
    load_ssh_public_identity,
)

from provisioner.transport.knownhosts import HostKey, glob

SUFFIX: Final = "-cert-v01@openssh.com"
_SHA1: Final = b"ssh-rsa"
_END_OF_TIME: Final = 253402300800  # the year 10000, which datetime cannot show


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a certificate proves nothing: `reason` goes on the sentence "its certificate …"."""

    reason: str
    hint: str


def refusal(blob: bytes, name: str, authorities: Sequence[HostKey], revoked: Sequence[HostKey],
            now: float) -> Refusal | None:
    """None if the certificate proves that who shows it is `name`, by one of `authorities`.

    That who shows it has its private key is the key exchange's to prove, and was proven before. now: seconds.
    """
    found = _parsed(blob)
    if isinstance(found, Refusal):
        return found
    if found.type is not SSHCertificateType.HOST:
        return Refusal("is one for users, not for hosts", "sign the host's key with `ssh-keygen -s CA -h`")
    signer = _signer(found)
    if signer in revoked:
        return Refusal(f"is signed by {signer.spoken} {signer.fingerprint}, which is marked @revoked",
                       "the host needs a certificate of an authority that is still good")
    if signer not in authorities:
        known = " or ".join(f"{key.spoken} {key.fingerprint}" for key in authorities)
        return Refusal(f"is signed by {signer.spoken} {signer.fingerprint}; the authority of this host is {known}",
                       "somebody may be in between, or the host belongs to another site")
    return _weak(found, blob) or _unfit(found, name, now)


def _parsed(blob: bytes) -> SSHCertificate | Refusal:
    size = int.from_bytes(blob[:4], "big")
    damaged = Refusal("cannot be read", "make a new one; keys of ed25519, ECDSA and RSA are understood")
    try:
        found = load_ssh_public_identity(blob[4:4 + size] + b" " + base64.b64encode(blob))
        if not isinstance(found, SSHCertificate):
            return damaged
        found.verify_cert_signature()
    except InvalidSignature:
        return Refusal("has a signature that is wrong", "somebody has changed it: look at the host before you go on")
    except (ValueError, UnsupportedAlgorithm):
        return damaged
    return found


def _signer(found: SSHCertificate) -> HostKey:
    kind, encoded = found.signature_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[:2]
    return HostKey(kind.decode(), base64.b64decode(encoded))


def _weak(found: SSHCertificate, blob: bytes) -> Refusal | None:
    """SHA-1 is forgeable. The signature is the end of the blob, and as long as the key that made it."""
    signer = found.signature_key()
    if isinstance(signer, RSAPublicKey):
        behind = signer.key_size // 8 + 4
        if blob[-behind - len(_SHA1):-behind] == _SHA1:
            return Refusal("is signed with SHA-1", "sign it anew with `ssh-keygen -s CA -h -t rsa-sha2-512`")
    return None


def _unfit(found: SSHCertificate, name: str, now: float) -> Refusal | None:
    if found.critical_options:
        options = ", ".join(_shown(option) for option in found.critical_options)
        return Refusal(f"has critical options that are not understood: {options}", "hosts need a certificate without")
    principals = [_shown(principal) for principal in found.valid_principals]
    if not any(glob(principal.lower(), name) for principal in principals):
        return Refusal(f"is for {', '.join(principals) or 'nobody'}, not for {name}",
                       "another host answers at this address, or the certificate was made for another name")
    if now < found.valid_after:
        return Refusal(f"holds from {_date(found.valid_after)} on only", "is the clock of this machine right?")
    if now >= found.valid_before:
        return Refusal(f"has expired on {_date(found.valid_before)}", "the host needs a new one of the same authority")
    return None


def _shown(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")


def _date(seconds: int) -> str:
    if seconds >= _END_OF_TIME:
        return "the end of time"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
