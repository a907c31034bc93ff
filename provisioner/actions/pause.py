"""`pause`: waits, once for all hosts; with somebody at a terminal it may ask."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from provisioner.actions.base import Driving
from provisioner.effects.terminal import ask
from provisioner.remote.spec import Arg, Spec
from provisioner.values import HostName

SPEC = Spec(
    name="pause",
    summary="Wait, or ask somebody at the terminal",
    check="run",
    args={
        "seconds": Arg(type="float", doc="How long to wait"),
        "minutes": Arg(type="float", doc="How long to wait"),
        "prompt": Arg(doc="What to ask. Where there is no terminal nobody is waited for"),
        "echo": Arg(type="bool", default=True, doc="Show what is typed"),
    },
    mutually_exclusive=(("seconds", "minutes"),),
    notes="Runs once for all hosts. Check mode doesn't wait.",
    examples="""
- name: Let the load balancer notice
  pause:
    seconds: 5
""",
    returns={"user_input": "what was typed", "delta": "seconds that went by", "stdout": "what was done"},
)

STEP = 1.0


def run_batch(calls: Sequence[Driving]) -> Mapping[HostName, Mapping[str, Any]]:
    first = calls[0]
    a = SPEC.bind(first.args)
    seconds = a.seconds if a.seconds is not None else None if a.minutes is None else a.minutes * 60
    begun, answer = datetime.now().astimezone(), ""
    if first.check:
        told = "Check mode: did not pause"
    elif seconds is not None:
        _wait(calls, seconds)
        told = f"Paused for {seconds:g} seconds"
    else:
        answer, told = _ask(first, a.prompt or "Press enter to continue", echo=a.echo)
    ended = datetime.now().astimezone()
    result = {
        "changed": False,
        "rc": 0,
        "stdout": told,
        "stderr": "",
        "user_input": answer,
        "echo": a.echo,
        "start": str(begun),
        "stop": str(ended),
        "delta": int((ended - begun) / timedelta(seconds=1)),
    }
    return {call.host: result for call in calls}


def _wait(calls: Sequence[Driving], seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        calls[0].progress(f"pausing, {left:.0f} s left")
        time.sleep(min(left, STEP))


def _ask(call: Driving, prompt: str, *, echo: bool) -> tuple[str, str]:
    if not sys.stdin.isatty():
        call.warn("`pause` did not wait for an answer: nobody is at a terminal")
        return "", "Not waiting for response to prompt as stdin is not interactive"
    return ask(f"{prompt}: ", echo=echo), "Paused until answered"
