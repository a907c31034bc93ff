"""One release of an app at a time on a host: a lock that ends with its process, however that ends."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from typing import Iterator

from provisioner.remote.nextjs.layout import LOCKS, Layout, ensure_directory
from provisioner.remote.sdk import Ctx


@contextlib.contextmanager
def held(ctx: Ctx, layout: Layout) -> "Iterator[None]":
    """Fails when another process has it, with which and since when."""
    ensure_directory(ctx, LOCKS, "0700")
    fd = os.open(layout.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ctx.fail(_told(layout, os.pread(fd, 4096, 0))) from None
        note = json.dumps({"pid": os.getpid(), "since": int(time.time())}).encode()
        os.ftruncate(fd, 0)
        os.pwrite(fd, note, 0)
        yield
    finally:
        os.close(fd)


def is_held(layout: Layout) -> bool:
    """Whether a release is under way at this moment."""
    try:
        fd = os.open(layout.lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _told(layout: Layout, note: bytes) -> str:
    try:
        holder = json.loads(note)
        who = "process %d, for %d s" % (holder["pid"], max(0, time.time() - holder["since"]))
    except (ValueError, KeyError, TypeError):  # it has just been taken
        who = "since just now"
    return "another release of %s is under way on this host (%s); run this again when it has ended" % (layout.name, who)
