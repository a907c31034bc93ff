"""Debian's package database, read from its own file: no process, no python3-apt.

Looking up one package is a byte search in `/var/lib/dpkg/status` (half a megabyte on a server), some 50 µs.
"""

from __future__ import annotations

import fnmatch
import re
from typing import NamedTuple, Optional

from provisioner.remote.sdk import Ctx

STATUS = "/var/lib/dpkg/status"
UPDATES = "/var/lib/dpkg/updates"


class Package(NamedTuple):
    """A package that dpkg knows. state: installed, config-files, half-configured, unpacked, half-installed, …"""

    name: str
    architecture: str
    version: str
    state: str
    hold: bool

    @property
    def is_installed(self) -> bool:
        return self.state in ("installed", "triggers-awaited", "triggers-pending")


class Database:
    """What dpkg has on record at one moment."""

    def __init__(self, status: bytes) -> None:
        self._status = b"\n" + status

    @classmethod
    def read(cls, ctx: Ctx) -> "Database":
        """The status file and the journal of a dpkg that was interrupted, which overrides it."""
        parts = [ctx.read(STATUS) or b""]
        for name in ctx.listdir(UPDATES):
            if name.isdigit():
                parts.append(b"\n" + (ctx.read("%s/%s" % (UPDATES, name)) or b""))
        return cls(b"\n".join(parts))

    def find(self, name: str) -> Optional[Package]:
        """The package `name` or `name:architecture`; of several architectures an installed one."""
        name, _, wanted = name.partition(":")
        found: "dict[str, Package]" = {}
        needle = b"\nPackage: %s\n" % name.encode()
        at = self._status.find(needle)
        while at >= 0:
            package = self._parse(at + 1)
            found[package.architecture] = package
            at = self._status.find(needle, at + 1)
        if wanted and wanted not in ("any", "native"):
            return found.get(wanted)
        return max(found.values(), key=lambda package: package.is_installed, default=None)

    def provider(self, name: str) -> Optional[Package]:
        """An installed package that provides the virtual package `name`."""
        pattern = rb"\nProvides:[^\n]*[ ,]%s[ ,(\n]" % re.escape(name.encode())
        for match in re.finditer(pattern, self._status):
            start = self._status.rfind(b"\n\n", 0, match.start()) + 2
            package = self._parse(max(start, 1))
            if package.is_installed:
                return package
        return None

    def matching(self, pattern: str) -> "list[Package]":
        """Packages whose names match a shell pattern and that are more than a name on record, sorted."""
        names = {match.group(1).decode() for match in re.finditer(rb"\nPackage: ([^\n]+)", self._status)}
        found = (self.find(name) for name in sorted(fnmatch.filter(names, pattern)))
        return [package for package in found if package is not None and package.state != "not-installed"]

    def broken(self) -> "list[str]":
        """Names of packages whose installation was interrupted."""
        names = []
        for match in re.finditer(rb"\nStatus: \S+ \S+ (half-installed|unpacked|half-configured)\n", self._status):
            start = self._status.rfind(b"\nPackage: ", 0, match.start())
            names.append(self._status[start + 10 : self._status.find(b"\n", start + 1)].decode())
        return sorted(name for name in set(names) if not _is_whole(self.find(name)))

    def _parse(self, start: int) -> Package:
        end = self._status.find(b"\n\n", start)
        stanza = self._status[start : end if end >= 0 else None]
        fields = {}
        for field in (b"Package", b"Architecture", b"Version", b"Status"):
            match = re.search(rb"^%s: *([^\n]*)" % field, stanza, re.MULTILINE)
            fields[field] = match.group(1).decode().strip() if match else ""
        words = [*fields[b"Status"].split(), "", "", ""][:3]
        return Package(fields[b"Package"], fields[b"Architecture"], fields[b"Version"], words[2], words[0] == "hold")


def _is_whole(package: Optional[Package]) -> bool:
    return package is None or package.is_installed or package.state in ("config-files", "not-installed")


def compare_versions(left: str, right: str) -> int:
    """-1, 0 or 1 by Debian's ordering (deb-version(7))."""
    left_epoch, left_rest = _epoch(left)
    right_epoch, right_rest = _epoch(right)
    if left_epoch != right_epoch:
        return -1 if left_epoch < right_epoch else 1
    left_upstream, _, left_revision = left_rest.rpartition("-") if "-" in left_rest else (left_rest, "", "")
    right_upstream, _, right_revision = right_rest.rpartition("-") if "-" in right_rest else (right_rest, "", "")
    return _compare_part(left_upstream, right_upstream) or _compare_part(left_revision, right_revision)


def _epoch(version: str) -> "tuple[int, str]":
    epoch, colon, rest = version.partition(":")
    return (int(epoch), rest) if colon and epoch.isdigit() else (0, version)


def _compare_part(left: str, right: str) -> int:
    left_parts, right_parts = _split(left), _split(right)
    for left_item, right_item in zip(left_parts, right_parts):
        if left_item != right_item:
            return -1 if left_item < right_item else 1
    return (len(left_parts) > len(right_parts)) - (len(left_parts) < len(right_parts))


def _split(text: str) -> "list[tuple[list[int], int]]":
    """Pairs of non-digits (as sorting keys) and number; the end of the non-digits sorts after `~`, before all else."""
    pairs = []
    for match in re.finditer(r"(\D*)(\d*)", text + "\0"):
        if match.group(0):
            pairs.append(([_weight(letter) for letter in match.group(1).rstrip("\0")] + [0], int(match.group(2) or 0)))
    return pairs


def _weight(letter: str) -> int:
    if letter == "~":
        return -1
    return ord(letter) if letter.isalpha() else ord(letter) + 256


class Wish(NamedTuple):
    """A package as a task names it: `curl`, `curl:amd64`, `curl=7.*`, `curl>=7.5`, `php8.*`."""

    name: str
    operator: str = ""
    version: str = ""

    @property
    def is_pattern(self) -> bool:
        return any(sign in self.name for sign in "*?[")

    def allows(self, version: str) -> bool:
        if self.operator == ">=":
            return compare_versions(version, self.version) >= 0
        return not self.operator or fnmatch.fnmatchcase(version, self.version)

    def __str__(self) -> str:
        return self.name + self.operator + self.version


# A trailing `-` or `+` and the sign `^` mean something else to apt-get than a name.
_WISH = re.compile(r"([A-Za-z0-9*?\[][A-Za-z0-9.+*?\[\]!-]*(?::[a-z0-9-]+)?)(?:(>=|=)([A-Za-z0-9.+:~*?\[\]-]+))?")


def parse_wish(text: str) -> Optional[Wish]:
    """None when `text` doesn't name a package."""
    match = _WISH.fullmatch(text.replace(" ", ""))
    if match is None or match.group(1).endswith("-"):
        return None
    return Wish(match.group(1), match.group(2) or "", match.group(3) or "")
