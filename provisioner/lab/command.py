"""Runs the machine's own tools and turns their failure into an error a user can act on."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence

from provisioner.diag import LabError

LAST_LINES = 10


def run(argv: Sequence[str], *, stdin: str | None = None, timeout: float = 60) -> str:
    """Standard output of `argv`. Raises `LabError` with exit code and last lines if it fails. Timeout in seconds.

    The command inherits the locks of this process (`lock.locked`): if we are killed, nobody gets them before it ends.
    """
    try:
        done = subprocess.run(
            list(argv), input=stdin, capture_output=True, text=True, errors="replace", timeout=timeout, check=False,
            close_fds=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise LabError(f"The program {argv[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"No end after {timeout:.0f} s: {shlex.join(argv)}") from None
    if done.returncode != 0:
        raise failed(argv, done.returncode, (done.stdout + done.stderr).splitlines())
    return done.stdout


def succeeds(argv: Sequence[str]) -> bool:
    """Whether `argv` ends with 0; for removing what may already be gone."""
    done = subprocess.run(list(argv), stdin=subprocess.DEVNULL, capture_output=True, check=False, close_fds=False)
    return done.returncode == 0


def failed(argv: Sequence[str], code: int, output: Sequence[str]) -> LabError:
    """The error for a command that ended with `code`."""
    tail = "".join(f"\n  {line}" for line in output[-LAST_LINES:])
    return LabError(f"Exit code {code} from: {shlex.join(argv)}{tail}")
