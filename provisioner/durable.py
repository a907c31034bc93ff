"""Small files that are whole whenever they are read, also by somebody else while they are written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600
OPEN: Final = 0o644


def write(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Put `content` in the place of the file; it is on disk when this returns."""
    temporary = _beside(path, content, mode)
    os.replace(temporary, path)
    sync(path.parent)


def write_new(path: Path, content: bytes, mode: int = PRIVATE) -> bool:
    """Make the file; False, and nothing is done, if there is one."""
    temporary = _beside(path, content, mode)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True


def _beside(path: Path, content: bytes, mode: int) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # nobody else may read it from the start
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        os.unlink(name)
        raise
    return Path(name)


def sync(folder: Path) -> None:
    """So that a power cut does not take a new name in it back."""
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
