"""Hashes of passwords: bcrypt, and SHA-crypt as glibc reads it from /etc/shadow.

SHA-crypt is written out because Python 3.13 has no `crypt` any more. It follows "Unix crypt using SHA-256 and
SHA-512" by Ulrich Drepper, whose steps are numbered below.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

_DIGITS = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DEFAULT_ROUNDS = 5000

#: In which order the digest's bytes are written, three at a time, most significant first.
_ORDER_512 = [(0, 21, 42), (22, 43, 1), (44, 2, 23), (3, 24, 45), (25, 46, 4), (47, 5, 26), (6, 27, 48),
              (28, 49, 7), (50, 8, 29), (9, 30, 51), (31, 52, 10), (53, 11, 32), (12, 33, 54), (34, 55, 13),
              (56, 14, 35), (15, 36, 57), (37, 58, 16), (59, 17, 38), (18, 39, 60), (40, 61, 19), (62, 20, 41)]
_ORDER_256 = [(0, 10, 20), (21, 1, 11), (12, 22, 2), (3, 13, 23), (24, 4, 14), (15, 25, 5), (6, 16, 26),
              (27, 7, 17), (18, 28, 8), (9, 19, 29)]


SALT_SIZES: Final[Mapping[str, int]] = {"sha512": 16, "sha256": 16, "bcrypt": 22, "blowfish": 22}
"""Characters of the salt of each kind of hash; `blowfish` is another name of bcrypt."""
_OF_BCRYPT: Final = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def hashed(password: str, salt: str, kind: str = "sha512", rounds: int | None = None, ident: str | None = None) -> str:
    """The hash that programs keep instead of `password`. ident: the variant of bcrypt, 2b if none is given."""
    if SALT_SIZES[kind] == SALT_SIZES["bcrypt"]:
        return _bcrypt(password, salt, 12 if rounds is None else rounds, ident or "2b")
    return sha_crypt(password, salt, kind, rounds)


def _bcrypt(password: str, salt: str, rounds: int, ident: str) -> str:
    """
    >>> _bcrypt("a", "m0CrhHm10qJ3lXRY.5zDGO", 6, "2a")
    '$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe'
    """
    import bcrypt  # noqa: PLC0415 - few playbooks need it

    if len(salt) != SALT_SIZES["bcrypt"] or set(salt) - set(_OF_BCRYPT):
        raise ValueError("a salt of bcrypt has 22 of the characters ./0-9A-Za-z")
    if not 4 <= rounds <= 31 or ident not in ("2a", "2b", "2y"):
        raise ValueError("Could not hash the secret: bcrypt has 4 to 31 rounds and the variants 2a, 2b, 2y")
    last = _OF_BCRYPT[_OF_BCRYPT.index(salt[-1]) & 0b110000]  # only two bits of it are there
    longest = password.encode()[:72]
    return bcrypt.hashpw(longest, f"${ident}${rounds:02}${salt[:-1]}{last}".encode()).decode()


def sha_crypt(password: str, salt: str, kind: str = "sha512", rounds: int | None = None) -> str:
    """
    >>> sha_crypt("Hello world!", "saltstring")[:40]
    '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8'
    """
    if not re.fullmatch(r"[./0-9A-Za-z]{1,16}", salt):
        raise ValueError("a salt has 1 to 16 of the characters ./0-9A-Za-z")
    if rounds is not None and not 1000 <= rounds <= 999_999_999:
        raise ValueError("Could not hash the secret: `rounds` is from 1000 to 999999999")
    count = _DEFAULT_ROUNDS if rounds is None else rounds
    data, salted = password.encode(), salt.encode()
    digest = _rounds(getattr(hashlib, kind), data, salted, count)
    prefix = "$6$" if kind == "sha512" else "$5$"
    shown = "" if rounds is None or count == _DEFAULT_ROUNDS else f"rounds={count}$"
    return f"{prefix}{shown}{salt}${_written(digest, kind)}"


def _rounds(make: Any, password: bytes, salt: bytes, count: int) -> bytes:
    size = make().digest_size
    second: bytes = make(password + salt + password).digest()  # steps 4-8
    first = password + salt + _stretched(second, len(password))  # steps 1-3, 9, 10
    bits = len(password)
    while bits:  # step 11
        first += second if bits & 1 else password
        bits >>= 1
    digest: bytes = make(first).digest()
    words = _stretched(make(password * len(password)).digest(), len(password))  # steps 13-16
    grains = _stretched(make(salt * (16 + digest[0])).digest(), len(salt))  # steps 17-20
    assert len(digest) == size
    for turn in range(count):  # step 21
        block = words if turn & 1 else digest
        if turn % 3:
            block += grains
        if turn % 7:
            block += words
        digest = make(block + (digest if turn & 1 else words)).digest()
    return digest


def _stretched(block: bytes, length: int) -> bytes:
    return (block * (length // len(block) + 1))[:length]


def _written(digest: bytes, kind: str) -> str:
    order = _ORDER_512 if kind == "sha512" else _ORDER_256
    parts = [_digits((digest[a] << 16) | (digest[b] << 8) | digest[c], 4) for a, b, c in order]
    rest = _digits(digest[63], 2) if kind == "sha512" else _digits((digest[31] << 8) | digest[30], 3)
    return "".join(parts) + rest


def _digits(number: int, length: int) -> str:
    return "".join(_DIGITS[(number >> (6 * place)) & 63] for place in range(length))
