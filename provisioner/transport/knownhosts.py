"""known_hosts files: our own reader and matcher.

paramiko's reader knows no wildcards and no negation, and gives up the whole file at a line with a marker. The rules
here are those of sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"; a test compares them with `ssh-keygen -F`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

SSH_PORT = 22
_HASHED = re.compile(r"\|1\|([A-Za-z0-9+/=]+)\|([A-Za-z0-9+/=]+)")
_SPOKEN = {"ssh-ed25519": "ED25519", "ssh-rsa": "RSA"}


@dataclass(frozen=True, slots=True)
class HostKey:
    """A public key as it travels: the type's name and the binary blob (which holds the name again)."""

    type: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` shows it: `SHA256:` and unpadded base64."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")

    @property
    def spoken(self) -> str:
        """The type in the words ssh uses: ED25519, ECDSA, RSA."""
        return _SPOKEN.get(self.type, "ECDSA" if self.type.startswith("ecdsa-") else self.type)

    @property
    def line(self) -> str:
        return f"{self.type} {base64.b64encode(self.blob).decode()}"


@dataclass(frozen=True, slots=True)
class Line:
    """One usable line of a known_hosts file. marker: "", "revoked" or "cert-authority"."""

    marker: str
    names: str
    key: HostKey
    file: str
    number: int

    @property
    def where(self) -> str:
        return f"{self.file}:{self.number}"

    def matches(self, name: str) -> bool:
        return matches(name, self.names)


@dataclass(frozen=True)
class KnownHosts:
    """Lines of several files, in order. `files` are all that were asked for, readable or not."""

    files: tuple[str, ...]
    lines: tuple[Line, ...]

    @classmethod
    def read(cls, files: Iterable[str]) -> KnownHosts:
        """Read what there is: a missing or unreadable file holds no keys, and the message about a key says so."""
        asked = tuple(os.path.expanduser(file) for file in files)
        lines: list[Line] = []
        for file in asked:
            try:
                text = Path(file).read_text(encoding="utf-8", errors="surrogateescape")
            except OSError:
                continue
            lines += parse(text, file)
        return cls(asked, tuple(lines))

    def lookup(self, name: str) -> tuple[Line, ...]:
        """Every line whose host part matches `name` (`host`, or `[host]:port`), whatever its marker."""
        return tuple(line for line in self.lines if line.matches(name))


@dataclass(slots=True)
class KnownHostsReader:
    """Reads each file once while it stays as it is: a large one takes longer to read than a host to connect to."""

    _files: dict[str, tuple[tuple[int, int, int], list[Line]]] = field(default_factory=dict)

    def read(self, files: Iterable[str]) -> KnownHosts:
        """As `KnownHosts.read`. Safe to use from several threads: at worst a file is read twice."""
        asked = tuple(os.path.expanduser(file) for file in files)
        return KnownHosts(asked, tuple(line for file in asked for line in self._lines(file)))

    def _lines(self, file: str) -> list[Line]:
        try:
            status = os.stat(file)
        except OSError:
            return []
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        kept = self._files.get(file)
        if kept is None or kept[0] != stamp:
            kept = self._files[file] = (stamp, list(KnownHosts.read([file]).lines))
        return kept[1]


def in_file(host: str, port: int) -> str:
    """A host as known_hosts names it."""
    host = host.lower()
    return host if port == SSH_PORT else f"[{host}]:{port}"


def parse(text: str, file: str) -> list[Line]:
    """The usable lines of a known_hosts file; what cannot be understood is left out, as ssh does."""
    found = []
    for number, raw in enumerate(text.split("\n"), start=1):
        fields = re.split("[ \t]+", raw.strip(" \t\r"))
        if not fields[0] or fields[0].startswith("#"):
            continue
        marker = ""
        if fields[0].startswith("@"):
            marker = fields.pop(0)[1:]
            if marker not in ("revoked", "cert-authority"):
                continue
        if len(fields) < 3:
            continue
        key = _key(fields[1], fields[2])
        if key is not None:
            found.append(Line(marker, fields[0], key, file, number))
    return found


def _key(kind: str, encoded: str) -> HostKey | None:
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    size = int.from_bytes(blob[:4], "big")
    if blob[4:4 + size] != kind.encode("utf-8", "surrogateescape") or len(blob) <= 4 + size:
        return None
    return HostKey(kind, blob)


def matches(name: str, names: str) -> bool:
    """Whether a line's host part stands for `name` (lower case): one hash, or patterns of which no `!` one matches."""
    if names.startswith("|"):
        return _matches_hash(name, names)
    found = False
    for pattern in names.split(","):
        if pattern.startswith("!"):
            if glob(pattern[1:].lower(), name):
                return False
        elif glob(pattern.lower(), name):
            found = True
    return found


def _matches_hash(name: str, hashed: str) -> bool:
    parts = _HASHED.fullmatch(hashed)
    if parts is None:
        return False
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in parts.groups())
    except binascii.Error:
        return False
    return hmac.compare_digest(hmac.digest(salt, name.encode("utf-8", "surrogateescape"), "sha1"), digest)


def glob(pattern: str, name: str) -> bool:
    """`*` and `?` only; brackets are part of `[host]:port`. Linear in both, so that no pattern can stall us."""
    at, here, star, mark = 0, 0, -1, 0
    while here < len(name):
        if at < len(pattern) and pattern[at] == "*":
            star, mark = at, here
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", name[here]):
            at, here = at + 1, here + 1
        elif star >= 0:
            mark += 1
            at, here = star + 1, mark
        else:
            return False
    return pattern[at:].strip("*") == ""


def hashed(name: str) -> str:
    """`name` as HashKnownHosts writes it."""
    salt = secrets.token_bytes(20)
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def add(file: str, name: str, key: HostKey) -> None:
    """Append one line in one write, so that two runs that learn keys at once cannot mix their lines."""
    path = Path(os.path.expanduser(file))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        unfinished = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        start = "\n" if unfinished else ""
        os.write(descriptor, f"{start}{name} {key.line}\n".encode())
    finally:
        os.close(descriptor)
