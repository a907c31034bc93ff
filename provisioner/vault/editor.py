"""Decrypted text in the user's editor: in a private directory, in memory where there is one, and gone afterwards."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

from provisioner.diag import Interrupted, UsageError
from provisioner.vault.files import PRIVATE

IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the directory made in it is private
ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


def edit(plain: bytes, name: str, environment: Mapping[str, str]) -> bytes:
    """What the user made of `plain`. name: of the file, for the editor to know its syntax.

    Raises `UsageError` when the editor cannot be run or fails, `Interrupted` when this process is told to end; the
    text is removed in any case.
    """
    with _private_directory() as directory:
        file = directory / Path(name).name
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
        with os.fdopen(handle, "wb") as opened:
            opened.write(plain)
        _run(editor_of(environment), file)
        try:
            return file.read_bytes()  # by its name: editors write a new file and rename it
        except FileNotFoundError:
            raise UsageError("the editor removed the file", hint="nothing was changed") from None


def editor_of(environment: Mapping[str, str]) -> list[str]:
    """The command of `$VISUAL` or `$EDITOR`, else vi."""
    command = environment.get("VISUAL") or environment.get("EDITOR") or "vi"
    try:
        return shlex.split(command)
    except ValueError as error:
        raise UsageError(f"the editor `{command}` is no command: {error}") from None


def _run(command: list[str], file: Path) -> None:
    try:
        editor = subprocess.Popen([*command, str(file)])
    except OSError as error:
        raise UsageError(f"the editor `{command[0]}` cannot be run: {error.strerror}",
                         hint="set EDITOR to the one that you use") from None
    with _ending(editor):
        code = editor.wait()
    if code:
        raise UsageError(f"the editor `{command[0]}` ended with {code}", hint="nothing was changed")


@contextmanager
def _ending(editor: subprocess.Popen[bytes]) -> Iterator[None]:
    """Ctrl-C belongs to the editor; a signal that ends this process ends the editor first."""

    def end(number: int, frame: FrameType | None) -> None:
        raise Interrupted("ended while the editor was open: nothing was changed")

    before = {number: signal.signal(number, end) for number in ENDING}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        if editor.poll() is None:
            editor.terminate()
            try:
                editor.wait(5)
            except subprocess.TimeoutExpired:
                editor.kill()
                editor.wait()
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _private_directory() -> Iterator[Path]:
    parent = IN_MEMORY if os.access(IN_MEMORY, os.W_OK | os.X_OK) else None
    directory = tempfile.mkdtemp(prefix="provision-vault-", dir=parent)
    try:
        yield Path(directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
