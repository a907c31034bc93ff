"""`nextjs_app`: builds and runs a Next.js app. The work is in `provisioner.nextjs`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from provisioner.actions.base import Driving
from provisioner.nextjs.deploy import deploy
from provisioner.nextjs.settings import SPEC, read_settings
from provisioner.nextjs.settings.build import CONTROLLER, FIRST
from provisioner.remote.spec import ArgumentError
from provisioner.values import HostName, contains_unknown

__all__ = ["SPEC", "delegates", "run_batch"]


def delegates(args: Mapping[str, Any]) -> Mapping[str, str]:
    """The host that builds, where `build` names one."""
    try:
        wanted = read_settings(args).build.on
    except ArgumentError:  # told by `run_batch`
        return {}
    return {"build.on": wanted} if wanted not in (FIRST, CONTROLLER) else {}


def run_batch(calls: Sequence[Driving]) -> Mapping[HostName, Mapping[str, Any]]:
    """All hosts of the batch together. Hosts whose settings are wrong, or not known yet in check mode, are left out."""
    results: dict[HostName, Mapping[str, Any]] = {}
    ready = []
    for call in calls:
        unknown = contains_unknown(call.args)
        if unknown is not None:
            results[call.host] = {"changed": False, "unknown": unknown.reason}
            continue
        try:
            ready.append((call, read_settings(call.args)))
        except ArgumentError as error:
            hints = [f"{problem.message}{f' ({problem.hint})' if problem.hint else ''}" for problem in error.problems]
            results[call.host] = {"changed": False, "failed": True, "msg": "; ".join(hints)}
    for check in (False, True):  # both, where only some hosts have drifted and are put right
        calls, settings = [call for call, _ in ready if call.check == check], [s for c, s in ready if c.check == check]
        results.update(deploy(calls, settings))
    return results
