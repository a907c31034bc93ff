"""Commands on the controller, for the lookups `pipe` and `lines`."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

DEADLINE = 600.0


class CommandFailed(Exception):
    """The command ended with an exit code other than 0, or not in time."""


def output_of(command: str, directory: Path) -> str:
    """What a shell command writes to its standard output; run in `directory`, in a process group of its own."""
    with subprocess.Popen(command, shell=True, cwd=directory, stdin=subprocess.DEVNULL,  # noqa: S602 - asked for
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as process:
        try:
            out, err = process.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise CommandFailed(f"`{command}` took longer than {DEADLINE:.0f} s") from None
    if process.returncode:
        last = err.decode(errors="replace").strip().splitlines()[-1:]
        raise CommandFailed(f"`{command}` ended with {process.returncode}" + "".join(f": {line}" for line in last))
    return out.decode(errors="replace")
