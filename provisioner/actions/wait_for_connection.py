"""`wait_for_connection`: tries to reach the host until it answers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from provisioner.actions.base import Driving
from provisioner.diag import AuthenticationFailed, HostKeyRejected, HostUnreachable
from provisioner.remote.spec import Arg, Spec

SPEC = Spec(
    name="wait_for_connection",
    summary="Wait until the host can be reached",
    check="run",
    args={
        "delay": Arg(type="float", default=0, doc="Seconds before the first try"),
        "sleep": Arg(type="float", default=1, doc="Seconds between tries"),
        "timeout": Arg(type="float", default=600, doc="Seconds after which to give up"),
        "connect_timeout": Arg(type="float", default=5, doc="Seconds one try may take"),
    },
    examples="""
- name: The new machine answers
  wait_for_connection:
    timeout: 300
""",
    returns={"elapsed": "seconds it took"},
)


def run(call: Driving) -> Mapping[str, Any]:
    a = SPEC.bind(call.args)
    begun = time.monotonic()
    time.sleep(a.delay)
    while True:
        try:
            answer = call.call("ping", {}, timeout=a.connect_timeout)
            problem = str(answer.get("msg")) if answer.get("failed") else ""
        except (HostKeyRejected, AuthenticationFailed):
            raise  # waiting doesn't mend a wrong key
        except HostUnreachable as error:
            problem = str(error)
        elapsed = time.monotonic() - begun
        if not problem:
            return {"changed": False, "elapsed": int(elapsed)}
        if elapsed + a.sleep > a.timeout:
            return {
                "changed": False,
                "failed": True,
                "elapsed": int(elapsed),
                "msg": f"timed out waiting for the host after {elapsed:.0f} s: {problem}",
            }
        call.progress(f"not there yet ({elapsed:.0f} s of {a.timeout:.0f} s): {problem}")
        time.sleep(a.sleep)
