"""A place where apps are built is one builder's at a time: that of the runner which wrote itself down as its holder.

A lock of the kernel would end with the task that took it, and a build takes several. So the note counts as long as the
runner lives, which is as long as its controller is there.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from typing import Any, Dict, Iterator, Optional

from provisioner.remote.identity import identity
from provisioner.remote.nextjs.layout import Layout


def take(layout: Layout, token: str) -> "Optional[str]":
    """None when it is ours now, else who has it. token: tells the builds of one runner apart."""
    with _opened(layout) as fd:
        holder = _holder(fd)
        if holder is not None and holder["token"] != token:
            return "process %d, for %d s" % (holder["process"][0], max(0, time.time() - holder["since"]))
        _write(fd, {"token": token, "process": identity(os.getpid()), "since": int(time.time())})
    return None


def give_back(layout: Layout, token: str) -> None:
    """Nothing happens where it is another one's."""
    with _opened(layout) as fd:
        holder = _holder(fd)
        if holder is not None and holder["token"] == token:
            os.ftruncate(fd, 0)


@contextlib.contextmanager
def _opened(layout: Layout) -> "Iterator[int]":
    """The note, nobody else's for the moment."""
    fd = os.open(layout.reservation, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield fd
    finally:
        os.close(fd)


def _holder(fd: int) -> "Optional[Dict[str, Any]]":
    """Who holds it and lives; a note that was cut off is nobody's."""
    try:
        note: "Dict[str, Any]" = json.loads(os.pread(fd, 4096, 0))
        return note if identity(note["process"][0]) == note["process"] and "since" in note else None
    except (ValueError, KeyError, TypeError):
        return None


def _write(fd: int, note: "Dict[str, Any]") -> None:
    os.ftruncate(fd, 0)
    os.pwrite(fd, json.dumps(note).encode(), 0)
