"""What AES256 means in an envelope: AES-256 in counter mode with an HMAC, keys made from a password by PBKDF2."""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from typing import Final

from provisioner.vault.envelope import Damaged, Envelope

ROUNDS: Final = 10_000
SALT_BYTES: Final = 32
_BLOCK: Final = 16


@dataclass(frozen=True, slots=True)
class Keys:
    encrypting: bytes
    authenticating: bytes
    counter: bytes


def derive(password: bytes, salt: bytes) -> Keys:
    """Costs 10,000 hashes, some milliseconds: keep what it gives."""
    made = hashlib.pbkdf2_hmac("sha256", password, salt, ROUNDS, 32 + 32 + _BLOCK)
    return Keys(made[:32], made[32:64], made[64:])


def fits(envelope: Envelope, keys: Keys) -> bool:
    """Whether the envelope was made with these keys and not changed since."""
    return hmac.compare_digest(_hmac(keys, envelope.ciphertext), envelope.hmac)


def decrypt(envelope: Envelope, keys: Keys) -> bytes:
    """The plain bytes; only of an envelope that `fits`."""
    padded = _counter_mode(keys, envelope.ciphertext)
    count = padded[-1]
    if not 1 <= count <= _BLOCK or padded[-count:] != bytes([count]) * count:
        raise Damaged("its padding is wrong")
    return padded[:-count]


def encrypt(plain: bytes, label: str, password: bytes, salt: bytes = b"") -> Envelope:
    """salt: a random one, if none is given."""
    salt = salt or os.urandom(SALT_BYTES)
    keys = derive(password, salt)
    count = _BLOCK - len(plain) % _BLOCK
    ciphertext = _counter_mode(keys, plain + bytes([count]) * count)
    return Envelope(label, salt, _hmac(keys, ciphertext), ciphertext)


def _hmac(keys: Keys, ciphertext: bytes) -> bytes:
    return hmac.digest(keys.authenticating, ciphertext, "sha256")


def _counter_mode(keys: Keys, data: bytes) -> bytes:
    """Encrypts and decrypts: the same operation."""
    # Only here: 20 ms that a run without encrypted files does not pay.
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415

    worker = Cipher(algorithms.AES(keys.encrypting), modes.CTR(keys.counter)).encryptor()
    return worker.update(data) + worker.finalize()
