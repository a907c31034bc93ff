"""Content of tasks: inline bytes that came with the task, everything else pulled from the controller by checksum."""

from __future__ import annotations

import hashlib
import io
import os
from typing import IO, Any, Callable, Iterable, Mapping

from provisioner.remote.channel import Channel
from provisioner.remote.sdk import ModuleFailed
from provisioner.remote.wire import PIECE, Frame

IN_MEMORY = 1 << 20  # bytes; larger content is kept in a file without a name
KEPT = 8 << 20  # bytes of pulled content that a task may want twice: for its diff, then for the file


def split_inline(frame: Frame) -> "dict[str, bytes]":
    """sha256 to bytes of the content that rides inside a task frame."""
    found, start = {}, 0
    for sha256, size in frame.header.get("inline") or ():
        found[str(sha256)] = frame.body[start:start + size]
        start += size
    return found


class Contents:
    """The content of one task."""

    def __init__(self, channel: Channel, task: Any, inline: "Mapping[str, bytes]") -> None:
        self._channel = channel
        self._task = task
        self._held = dict(inline)
        self._room = KEPT
        self._asked: "list[str]" = []
        """What was asked for ahead and has not been read yet, in the order in which it comes."""

    def ask_ahead(self, refs: "Iterable[Mapping[str, Any]]") -> None:
        """Ask for contents that `open` will want soon, in this order: one round trip for all of them."""
        for ref in refs:
            sha256 = str(ref["sha256"])
            if sha256 not in self._held and sha256 not in self._asked:
                self._channel.want({"t": "want", "id": self._task, "sha256": sha256})
                self._asked.append(sha256)

    def open(self, ref: "Mapping[str, Any]") -> "IO[bytes]":
        """A file object at its start; the caller closes it. Raises ModuleFailed when the bytes are wrong."""
        sha256, size = str(ref["sha256"]), int(ref["size"])
        held = self._held.get(sha256)
        if held is not None:
            _verify(hashlib.sha256(held).hexdigest(), sha256)
            return io.BytesIO(held)
        spool: "IO[bytes]" = io.BytesIO() if size <= IN_MEMORY else nameless_file()
        try:
            self._pull(sha256, size, spool.write)
        except BaseException:
            spool.close()
            raise
        if isinstance(spool, io.BytesIO) and size <= self._room:
            self._held[sha256] = spool.getvalue()
            self._room -= size
        spool.seek(0)
        return spool

    def _pull(self, sha256: str, size: int, write: "Callable[[bytes], Any]") -> None:
        if sha256 in self._asked:
            del self._asked[:self._asked.index(sha256) + 1]
        else:
            self._asked.clear()  # what was asked for before comes before, and is passed over
            self._channel.want({"t": "want", "id": self._task, "sha256": sha256})
        digest, received, more = hashlib.sha256(), 0, True
        while more:
            frame = self._channel.next_blob()
            if frame.header.get("sha256") != sha256:
                continue  # asked for ahead, and then not read
            if frame.header.get("error"):
                raise ModuleFailed("the controller can't give the content: %s" % frame.header["error"])
            received += len(frame.body)
            if received > size:
                raise ModuleFailed("the content changed on the controller while it was sent; run again")
            digest.update(frame.body)
            write(frame.body)
            more = bool(frame.header.get("more"))
        _verify(digest.hexdigest(), sha256)

    def send(self, source: "IO[bytes]") -> int:
        """Stream `source` up in `data` frames; gives the number of bytes."""
        total = 0
        piece = source.read(PIECE)
        while piece:
            following = source.read(PIECE)
            self._channel.send_bulk({"t": "data", "id": self._task, "more": bool(following)}, piece)
            total += len(piece)
            piece = following
        if not total:
            self._channel.send_bulk({"t": "data", "id": self._task, "more": False}, b"")
        return total


def _verify(actual: str, wanted: str) -> None:
    if actual != wanted:
        raise ModuleFailed("the content changed on the controller while it was sent; run again")


def nameless_file() -> "IO[bytes]":
    """A private file that no directory lists, gone when it is closed."""
    folder = os.environ.get("TMPDIR") or "/var/tmp"  # noqa: S108 - a file without a name; disk, where /tmp may be memory
    for candidate in (folder, "/tmp"):  # noqa: S108
        try:
            return open(os.open(candidate, os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC, 0o600), "w+b")
        except OSError:
            pass
    path = os.path.join("/tmp", "provision-" + os.urandom(12).hex())  # noqa: S108 - O_EXCL below
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    os.unlink(path)
    return open(fd, "w+b")
