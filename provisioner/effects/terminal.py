"""Asking somebody at the terminal, whatever standard input and output are."""

from __future__ import annotations

import contextlib
import termios
from collections.abc import Iterator


def ask(text: str, *, echo: bool) -> str:
    """What is typed after `text` in one line. Raises OSError where there is no terminal."""
    with open("/dev/tty", "r+b", buffering=0) as terminal, _shown(terminal.fileno(), echo=echo):
        terminal.write(text.encode())
        typed = terminal.readline()
        if not echo:
            terminal.write(b"\n")
    return typed.decode("utf-8", "surrogateescape").rstrip("\n")


@contextlib.contextmanager
def _shown(terminal: int, *, echo: bool) -> Iterator[None]:
    """What is typed stays invisible without `echo`."""
    before = termios.tcgetattr(terminal)
    after = list(before)
    if not echo:
        after[3] = int(after[3]) & ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSADRAIN, after)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
