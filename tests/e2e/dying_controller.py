"""The real program, killed with SIGKILL at its n-th protocol step: a write to a host, or a frame received.

    python dying_controller.py STEP apply …      STEP 0 counts: the number of steps goes to the file in COUNT_TO
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from provisioner.cli.main import main
from provisioner.remote import wire
from provisioner.transport.sshstream import SshStream

DIE_AT = int(sys.argv[1])
LOCK = threading.Lock()
STEPS = itertools.count(1)
last = [0]


def step() -> None:
    with LOCK:
        last[0] = next(STEPS)
        if last[0] == DIE_AT:
            os.kill(os.getpid(), signal.SIGKILL)


def counted_frame(original: Callable[[wire.Decoder], Any]) -> Callable[[wire.Decoder], Any]:
    def next_frame(self: wire.Decoder) -> Any:
        frame = original(self)
        if frame is not None:
            step()
        return frame

    return next_frame


def counted_write(original: Callable[..., Any]) -> Callable[..., Any]:
    def write(self: Any, data: bytes) -> Any:
        step()
        return original(self, data)

    return write


wire.Decoder._next = counted_frame(wire.Decoder._next)  # type: ignore[method-assign,assignment]
SshStream.write = counted_write(SshStream.write)  # type: ignore[method-assign]

code = main(sys.argv[2:])
if "COUNT_TO" in os.environ:
    Path(os.environ["COUNT_TO"]).write_text(str(last[0]))
sys.exit(code)
