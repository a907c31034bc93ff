"""When certificates end, read from their files without openssl: those of TLS, and of hosts for SSH."""

from __future__ import annotations

import base64
import binascii
import calendar
import glob
import re
import struct
import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from provisioner.remote.sdk import Ctx
from provisioner.remote.survey.found import content, found, text

PLACES = ("/etc/letsencrypt/live/*/cert.pem", "/etc/ssl/private/*.crt", "/etc/ssh/*-cert.pub")
_WEB_SERVER = ("/etc/nginx/nginx.conf", "/etc/nginx/conf.d/*", "/etc/nginx/sites-enabled/*")
_NAMED = re.compile(r"^\s*ssl_certificate\s+[\"']?(/[^\s;\"'$]+)", re.MULTILINE)
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_FOREVER = 1 << 62
_KEY_FIELDS = {"ssh-ed25519": 1, "ssh-rsa": 2, "ecdsa-sha2": 2}
"""How many strings the public key has in a certificate (PROTOCOL.certkeys of OpenSSH)."""
_EXPLICIT, _UTC_TIME = 0xA0, 0x17


def certificates(ctx: Ctx, settings: "Mapping[str, Any]") -> "Dict[str, Any]":
    """The end of each in seconds since 1970. What is no certificate, or has no end, is left out."""
    items: "Dict[str, List[str]]" = {}
    for pattern in [*PLACES, *_of_web_server(), *settings["also"]]:
        for path in sorted(glob.glob(pattern)):
            ends = host_certificate_ends(text(path)) if path.endswith(".pub") else certificate_ends(content(path))
            if ends is not None:
                items[path] = [str(ends)]
    return found(items)


def _of_web_server() -> "List[str]":
    sources = (text(path) for pattern in _WEB_SERVER for path in sorted(glob.glob(pattern)))
    return [glob.escape(path) for source in sources for path in _NAMED.findall(source)]


def certificate_ends(pem: bytes) -> "Optional[int]":
    """Of the first certificate: RFC 5280, 4.1."""
    match = _PEM.search(pem)
    if match is None:
        return None
    try:
        whole = _value(base64.b64decode(match.group(1)), 0)
        signed = _value(whole.data, 0).data
        at = _value(signed, 0).end if signed[0] == _EXPLICIT else 0  # the version
        for _ in ("serial", "algorithm", "issuer"):
            at = _value(signed, at).end
        validity = _value(signed, at).data
        last = _value(validity, _value(validity, 0).end)
        return _moment(last.tag, last.data.decode("ascii"))
    except (binascii.Error, ValueError, IndexError):
        return None


class _Value(NamedTuple):
    tag: int
    data: bytes
    end: int


def _value(data: bytes, at: int) -> _Value:
    """The DER value at `at`."""
    tag, length, start = data[at], data[at + 1], at + 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[at + 2 : start], "big")
    if start + length > len(data):
        raise ValueError("cut off")
    return _Value(tag, data[start : start + length], start + length)


def _moment(tag: int, written: str) -> int:
    if tag == _UTC_TIME:
        written = ("20" if written < "5" else "19") + written
    return calendar.timegm(time.strptime(written, "%Y%m%d%H%M%SZ"))


def host_certificate_ends(line: str) -> "Optional[int]":
    """Of a certificate of OpenSSH, as in `ssh_host_ed25519_key-cert.pub`."""
    fields = line.split()
    strings = next((count for kind, count in _KEY_FIELDS.items() if line.startswith(kind)), None)
    if len(fields) < 2 or strings is None or "-cert-v01@" not in fields[0]:
        return None
    try:
        data = base64.b64decode(fields[1])
        at = 0
        for _ in range(2 + strings):  # type, nonce, key
            at += 4 + int(struct.unpack_from(">I", data, at)[0])
        at += 8 + 4  # serial, kind
        for _ in ("id", "principals"):
            at += 4 + int(struct.unpack_from(">I", data, at)[0])
        ends = int(struct.unpack_from(">QQ", data, at)[1])
    except (binascii.Error, ValueError, struct.error):
        return None
    return ends if ends < _FOREVER else None
