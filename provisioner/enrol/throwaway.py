"""A host key that a machine gets in its user data, for machines that cannot tell theirs before the first connection.

Who can read the user data can read it. So it is good for one first connection, in which a key that never leaves the
host takes its place, and for a short time only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from provisioner.values import Secret

LIFE: Final = 60 * 60.0
"""Seconds after which it is not believed any more."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The public half: all that is kept, and written down before the machine is made. made: seconds since 1970."""

    public: str
    made: float

    def age(self, now: float) -> float:
        return now - self.made


@dataclass(frozen=True, slots=True)
class ThrowAway:
    """private: in OpenSSH's format; it goes into the user data and nowhere else."""

    private: Secret
    expected: Expected


def throw_away(now: float) -> ThrowAway:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return ThrowAway(Secret(private), Expected(public, now))
