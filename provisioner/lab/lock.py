"""A lock between processes that leaves no file behind when its owner removes it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path, waiting: Callable[[], None] | None = None) -> Iterator[int]:
    """Hold the lock file `path` exclusively and give its descriptor; the kernel frees it when the process dies.

    Commands started with `close_fds=False` share it: the lock is free when the last of them is gone too, so that who
    gets it next sees nothing change behind its back.
    The holder may unlink the file: whoever waited on it sees that it is no longer the file of that name and takes
    a new one. `waiting` is called once if somebody else holds the lock.
    """
    descriptor = _take(path, waiting)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def locked_if_free(path: Path, patience: float) -> Iterator[bool]:
    """Hold the lock file `path` if it is or gets free within `patience` seconds; gives whether it is held."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield _flock_within(descriptor, patience) and _same_file(descriptor, path)
    finally:
        os.close(descriptor)


def _flock_within(descriptor: int, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        else:
            return True


def _take(path: Path, waiting: Callable[[], None] | None) -> int:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:  # the directory went away between the two calls
            continue
        try:
            _flock(descriptor, waiting)
            if _same_file(descriptor, path):
                os.set_inheritable(descriptor, True)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _flock(descriptor: int, waiting: Callable[[], None] | None) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if waiting is not None:
            waiting()
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
