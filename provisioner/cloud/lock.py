"""One change of a site at a time on this controller; a killed holder leaves nothing behind."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provisioner.diag import LockHeld


@contextmanager
def site_lock(folder: Path, site: str, what: str, now: float) -> Iterator[None]:
    """Hold the site's lock, or raise `LockHeld` with who has it. what: the command, for those who are refused.
    now: seconds since the epoch."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _held(descriptor, site, now) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "what": what, "since": now}).encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _held(descriptor: int, site: str, now: float) -> LockHeld:
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
        who = f"`{holder['what']}` (process {holder['pid']}, for {max(0, now - holder['since']):.0f} s)"
    except ValueError:  # it has the lock and has not yet said who it is
        who = "another process"
    return LockHeld(f"The site {site} is being changed by {who}", hint="wait until it has ended")
