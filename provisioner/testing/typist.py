"""Somebody at a terminal: starts a program on one of its own, waits for what it says, and types.

    with Typist([sys.executable, "-m", "provisioner", "vault", "view", "secrets.yml"]) as typist:
        typist.answer("Vault password", "correct horse")
        code, shown = typist.end()
"""

from __future__ import annotations

import os
import pty
import select
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final

PATIENCE: Final = 120.0  # seconds; the machine may be busy


class Typist:
    """`shown` is all that the terminal got so far, what was typed only if the program lets it be seen."""

    def __init__(self, command: Sequence[str], *, cwd: str | os.PathLike[str] | None = None,
                 environment: Mapping[str, str] | None = None) -> None:
        self._terminal, inner = pty.openpty()
        try:
            self.process = subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner, cwd=cwd,
                                            env=environment, start_new_session=True)
        finally:
            os.close(inner)
        self.shown = ""
        self._seen = 0

    def __enter__(self) -> Typist:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._terminal)

    def wait_for(self, text: str) -> None:
        """Until the program has said `text`, after what was waited for before."""
        deadline = time.monotonic() + PATIENCE
        while (at := self.shown.find(text, self._seen)) < 0:
            if not self._read(deadline):
                raise AssertionError(f"{text!r} was not said, but: {self.shown[self._seen:]!r}")
        self._seen = at + len(text)

    def answer(self, prompt: str, text: str) -> None:
        """Type a line, unseen, when `prompt` is there."""
        self.wait_for(prompt)
        while termios.tcgetattr(self._terminal)[3] & termios.ECHO:
            if self.process.poll() is not None:
                raise AssertionError(f"the program ended: {self.shown!r}")
            time.sleep(0.01)  # the program says its prompt before it hides what is typed
        os.write(self._terminal, text.encode() + b"\n")

    def end(self) -> tuple[int, str]:
        """Wait for the program's end; gives its exit code and all that was shown."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline):
            pass
        return self.process.wait(max(deadline - time.monotonic(), 1)), self.shown

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._terminal], [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            return False
        try:
            data = os.read(self._terminal, 65536)
        except OSError:  # the program has closed the terminal
            return False
        self.shown += data.decode("utf-8", "replace")
        return bool(data)
