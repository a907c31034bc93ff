# ruff: noqa: T201
"""One run of a program: how long it took, and what it cost this machine.

`run` does it in a process of its own (this file), which becomes the parent of all that outlives its parent: SSH masters
go on for a minute after `ansible-playbook`, and only an ended child's processor time is known.
"""

from __future__ import annotations

import ctypes
import datetime
import json
import os
import platform
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tools import Call

_PR_SET_CHILD_SUBREAPER = 36
_RECAP = re.compile(r"^\S+ +: ok=\d+ +changed=(\d+)", re.MULTILINE)


class Failed(Exception):
    """The program did not do what it was called for."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one run. `wall` and `cpu` in seconds; `cpu` of the program and everything it started on this machine."""

    wall: float
    cpu: float
    changed: int | None
    """Tasks that changed something, over all hosts; None when the program does not tell."""


def run(call: Call, log: Path, codes: Collection[int] = (0,)) -> Measured:
    """Run it to its end, and end what it leaves behind: the next run starts as this one did. codes: it may end with."""
    measuring = [sys.executable, __file__, str(log), *call.argv]
    done = subprocess.run(measuring, cwd=call.directory, env=call.environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    text = log.read_text(errors="replace")
    if found["code"] not in codes:
        tail = "\n".join(text.splitlines()[-15:])
        raise Failed(f"exit code {found['code']} from {' '.join(call.argv)}\n{tail}")
    recap = _RECAP.findall(text)
    return Measured(found["wall"], found["cpu"], sum(map(int, recap)) if recap else None)


def this_machine() -> str:
    """One line on what the numbers are of, with today's date."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return (f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}: {os.cpu_count()} processors "
            f"({model[1] if model else platform.machine()}) for controller and hosts together, Linux "
            f"{platform.release().split('-')[0]}, Python {platform.python_version()}, hosts Debian bookworm; "
            f"load of other work before (1, 5, 15 minutes): {load}")


def _measure(log: str, argv: list[str]) -> dict[str, float]:
    if ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError("prctl failed")
    began = time.monotonic()
    with open(log, "wb") as output:
        code = subprocess.run(argv, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
    wall = time.monotonic() - began
    while children := Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        for child in children:
            os.kill(int(child), signal.SIGTERM)
        for _ in children:
            with suppress(ChildProcessError):
                os.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"code": code, "wall": wall, "cpu": used.ru_utime + used.ru_stime}


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1], sys.argv[2:])))
