"""Encrypted files on disk: read, and replaced in one step with their mode and owner kept."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from provisioner.diag import UsageError, VaultError

PRIVATE: Final = 0o600


def read(path: str) -> bytes:
    """Raises `UsageError`."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


def replace(path: str, content: bytes) -> None:
    """Put `content` in the place of the file, or make a private one. Links are followed; raises `UsageError`.

    The old content stays as it is until the new one is on disk whole.
    """
    target = Path(os.path.realpath(path))
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                _like(target, file.fileno())
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", hint="nothing in it was changed") from None


def _like(target: Path, handle: int) -> None:
    """Give an open file the owner and mode of the one that it takes the place of."""
    try:
        there = target.stat()
    except FileNotFoundError:
        os.fchmod(handle, PRIVATE)
        return
    with suppress(PermissionError):  # somebody else's file: it becomes ours, as with any editor
        os.fchown(handle, there.st_uid, there.st_gid)
    os.fchmod(handle, there.st_mode & 0o7777)


def as_text(plain: bytes, path: str) -> str:
    """Raises `VaultError`."""
    try:
        return plain.decode("utf-8")
    except UnicodeDecodeError:
        raise VaultError(f"{path} holds no text but bytes", hint="`provision vault decrypt` writes them out") from None
