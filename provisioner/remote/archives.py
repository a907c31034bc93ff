"""What is in a tar or zip archive, checked before anything is written.

An archive is somebody else's word about paths. Refused: absolute names, `..`, links that lead out or that a later
entry would be written through, devices and pipes, and archives that unpack to more than the disk or reason allows.
Set-user bits are dropped.
"""

from __future__ import annotations

import os
import posixpath
import stat
import tarfile
import time
import zipfile
from typing import IO, Any, Iterator, NamedTuple, Optional

from provisioner.remote.sdk import Ctx

MOST_ENTRIES = 500_000
SUSPECT_SIZE = 1 << 30  # from here on the ratio counts
SUSPECT_RATIO = 300


class Entry(NamedTuple):
    """kind: file, directory, link (symbolic) or hard; `target` of links, of a hard link the name of another entry."""

    name: str
    kind: str
    mode: str
    size: int
    mtime: float
    target: Optional[str]
    raw: object  # what the archive's library calls it


class Archive:
    """An open archive. Lifecycle: `opened(…)`, then `entries()`, then `read(entry)` in the same order; `close`."""

    kind = ""

    def entries(self) -> "Iterator[Entry]":
        raise NotImplementedError

    def read(self, entry: Entry) -> "IO[bytes]":
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class _Tar(Archive):
    def __init__(self, source: tarfile.TarFile, kind: str) -> None:
        self._source = source
        self.kind = kind

    def entries(self) -> "Iterator[Entry]":
        for member in self._source:
            kind = (
                "file"
                if member.isreg()
                else "directory"
                if member.isdir()
                else "link"
                if member.issym()
                else "hard"
                if member.islnk()
                else "other"
            )
            yield Entry(
                member.name,
                kind,
                "%04o" % (member.mode & 0o777),
                member.size if kind == "file" else 0,
                float(member.mtime),
                member.linkname or None,
                member,
            )

        packed: Any = self._source.fileobj
        while packed.read(1 << 20):
            pass  # to the end, where a packed file has its checksum: one that is cut short is not unpacked

    def read(self, entry: Entry) -> "IO[bytes]":
        assert isinstance(entry.raw, tarfile.TarInfo)
        found = self._source.extractfile(entry.raw)
        assert found is not None
        return found

    def close(self) -> None:
        self._source.close()


class _Zip(Archive):
    kind = "ZipArchive"

    def __init__(self, source: zipfile.ZipFile) -> None:
        self._source = source

    def entries(self) -> "Iterator[Entry]":
        for member in self._source.infolist():
            bits = member.external_attr >> 16
            if member.is_dir():
                kind, mode = "directory", bits & 0o777 or 0o755
            elif stat.S_ISLNK(bits):
                kind, mode = "link", 0o777
            elif stat.S_IFMT(bits) in (0, stat.S_IFREG):
                kind, mode = "file", bits & 0o777 or 0o644
            else:
                kind, mode = "other", 0
            target = (
                self._source.read(member).decode("utf-8", "surrogateescape")
                if kind == "link" and member.file_size < 4096
                else None
            )
            mtime = time.mktime((*member.date_time, 0, 0, -1))
            yield Entry(
                member.filename, kind, "%04o" % mode, member.file_size if kind == "file" else 0, mtime, target, member
            )

    def read(self, entry: Entry) -> "IO[bytes]":
        assert isinstance(entry.raw, zipfile.ZipInfo)
        return self._source.open(entry.raw)

    def close(self) -> None:
        self._source.close()


_TARS = ((b"\x1f\x8b", "TgzArchive"), (b"BZh", "TarBzipArchive"), (b"\xfd7zXZ\0", "TarXzArchive"))


def opened(ctx: Ctx, path: str, label: str) -> Archive:
    """The archive in a file; fails when it is none. `label`: its name for people."""
    with open(path, "rb") as source:
        start = source.read(8)
    try:
        if start[:4] in (b"PK\3\4", b"PK\5\6"):
            return _Zip(zipfile.ZipFile(path))
        if start[:4] == b"\x28\xb5\x2f\xfd":
            raise ctx.fail("%s is packed with zstd, which is not supported; use tar.gz or tar.xz" % label)
        kind = next((kind for magic, kind in _TARS if start.startswith(magic)), "TarArchive")
        return _Tar(tarfile.open(path, "r:*"), kind)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise ctx.fail("%s is not a tar or zip archive, or it is damaged: %s" % (label, error)) from None


def checked(ctx: Ctx, archive: Archive, label: str, packed: int, room: int, strip: int = 0) -> "list[Entry]":
    """All entries in the archive's order with clean names; of several with one name the last. Fails for a bad one.

    packed: bytes of the archive. room: free bytes where it goes. strip: leading parts of each name to drop.
    """
    found: "dict[str, Entry]" = {}
    links: "set[str]" = set()
    total = count = 0
    try:
        for entry in archive.entries():
            count += 1
            total += entry.size
            _check_amount(ctx, label, count, total, packed, room)
            name = _clean(ctx, label, entry, strip)
            if not name:
                continue
            entry = entry._replace(name=name)
            if entry.kind == "hard":
                target = _clean(ctx, label, entry._replace(name=entry.target or "", kind="file"), strip)
                if target not in found or found[target].kind != "file":
                    raise _bad(
                        ctx,
                        label,
                        entry.name,
                        "is a link to %r, which is not a file before it in the archive" % entry.target,
                    )
                entry = entry._replace(target=target)
            if entry.kind == "link":
                _check_link(ctx, label, entry)
                links.add(name)
            found.pop(name, None)
            found[name] = entry
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError, OSError) as error:
        raise ctx.fail("%s is damaged or can't be read: %s" % (label, error)) from None
    for name in found:
        parts = name.split("/")
        for depth in range(1, len(parts)):
            if "/".join(parts[:depth]) in links:
                raise _bad(ctx, label, name, "would be written through a link of the same archive")
    return list(found.values())


def _check_amount(ctx: Ctx, label: str, count: int, total: int, packed: int, room: int) -> None:
    if count > MOST_ENTRIES:
        raise ctx.fail("%s has more than %d entries; it is not unpacked" % (label, MOST_ENTRIES))
    if total > room:
        raise ctx.fail("%s unpacks to more than the %d bytes that are free" % (label, room))
    if total > SUSPECT_SIZE and total > packed * SUSPECT_RATIO:
        raise ctx.fail("%s unpacks to more than %d times its size; it is not unpacked" % (label, SUSPECT_RATIO))


def _clean(ctx: Ctx, label: str, entry: Entry, strip: int) -> str:
    """The name relative to the destination; "" for what is stripped away."""
    name = entry.name.replace("\\", "/") if isinstance(entry.raw, zipfile.ZipInfo) else entry.name
    if entry.kind == "other":
        raise _bad(ctx, label, name, "is a device, a pipe or a socket")
    if name.startswith("/") or "\0" in name:
        raise _bad(ctx, label, name, "has an absolute name")
    if ".." in name.split("/"):
        raise _bad(ctx, label, name, "leads out of the destination")
    return "/".join([part for part in name.split("/") if part not in ("", ".")][strip:])


def _check_link(ctx: Ctx, label: str, entry: Entry) -> None:
    target = entry.target
    if not target or "\0" in target:
        raise _bad(ctx, label, entry.name, "is a link without a target")
    reached = posixpath.normpath(posixpath.join(os.path.dirname(entry.name), target))
    if target.startswith("/") or reached == ".." or reached.startswith("../"):
        raise _bad(ctx, label, entry.name, "is a link to %s, out of the destination" % target)


def _bad(ctx: Ctx, label: str, name: str, why: str) -> Exception:
    return ctx.fail("%s is not unpacked: its entry %r %s" % (label, name, why))
