"""`async_status` looks where the task that started the job has kept it."""

from __future__ import annotations

import contextlib

from provisioner.actions.base import Expansion, HostWork


def expand(call: Expansion) -> HostWork:
    args = dict(call.args)
    if "_async_dir" not in args:
        with contextlib.suppress(KeyError):
            args["_async_dir"] = str(call.variable("ansible_async_dir"))
    return HostWork("async_status", args)
