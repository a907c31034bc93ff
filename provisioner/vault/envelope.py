"""The text form of encrypted data: `$ANSIBLE_VAULT;1.1;AES256`, then lines of hexadecimal digits.

    1.1     $ANSIBLE_VAULT;1.1;AES256               the id is `default`
    1.2     $ANSIBLE_VAULT;1.2;AES256;label

The digits are those of three texts with a newline between: salt, HMAC and ciphertext, hexadecimal themselves.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import Final

MARK: Final = b"$ANSIBLE_VAULT;"
DEFAULT_ID: Final = "default"
_WIDTH: Final = 80
_CIPHER: Final = "AES256"
_SHOWN: Final = 40


class Damaged(ValueError):
    """Not an envelope that can be read; the text says what is wrong with it, for users."""


@dataclass(frozen=True, slots=True)
class Envelope:
    label: str
    salt: bytes
    hmac: bytes
    ciphertext: bytes


def is_encrypted(data: bytes) -> bool:
    return data.startswith(MARK)


def parse(data: bytes) -> Envelope:
    """Raises `Damaged`."""
    lines = data.strip().splitlines() or [b""]
    label = _label(lines[0].decode("ascii", "replace").strip())
    try:
        inner = binascii.unhexlify(b"".join(line.strip() for line in lines[1:]))
        salt, hmac, ciphertext = map(binascii.unhexlify, inner.split(b"\n"))
    except ValueError:
        raise Damaged(_what_is_wrong(lines[1:])) from None
    if len(hmac) != 32 or not ciphertext or len(ciphertext) % 16:
        raise Damaged("the end is missing")
    return Envelope(label, salt, hmac, ciphertext)


def write(envelope: Envelope) -> bytes:
    """As a file has it, with a newline at the end."""
    version = ["1.1", _CIPHER] if envelope.label == DEFAULT_ID else ["1.2", _CIPHER, envelope.label]
    parts = (envelope.salt, envelope.hmac, envelope.ciphertext)
    digits = binascii.hexlify(b"\n".join(map(binascii.hexlify, parts)))
    lines = [MARK + ";".join(version).encode(), *(digits[at:at + _WIDTH] for at in range(0, len(digits), _WIDTH))]
    return b"\n".join(lines) + b"\n"


def _label(header: str) -> str:
    """The vault id that a header names."""
    fields = header.split(";")
    if fields[0] != "$ANSIBLE_VAULT" or len(fields) < 3:
        raise Damaged(f"it does not begin with `$ANSIBLE_VAULT;1.1;{_CIPHER}` but with `{header[:_SHOWN]}`")
    version, cipher = fields[1].strip(), fields[2].strip()
    if version == "1.0":
        raise Damaged("it has the format 1.0 of before 2014, which is not read; `ansible-vault rekey` of that time "
                      "makes it 1.1")
    if version not in ("1.1", "1.2"):
        raise Damaged(f"its format `{version[:_SHOWN]}` is not known; 1.1 and 1.2 are")
    if cipher != _CIPHER:
        raise Damaged(f"its cipher `{cipher[:_SHOWN]}` is not known; {_CIPHER} is")
    return fields[3].strip() if version == "1.2" and len(fields) > 3 and fields[3].strip() else DEFAULT_ID


def _what_is_wrong(lines: list[bytes]) -> str:
    if not any(line.strip() for line in lines):
        return "nothing follows the header"
    for number, line in enumerate(lines, 2):
        if line.strip().strip(b"0123456789abcdefABCDEF"):
            return f"line {number} of it holds something else than hexadecimal digits"
    return "lines are missing, or cut"
