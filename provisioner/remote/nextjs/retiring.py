"""Ends the service of an app that is files from now on: nothing of it starts again, and nothing of it is left."""

from __future__ import annotations

from typing import List

from provisioner.remote.nextjs import slots
from provisioner.remote.nextjs.layout import SINGLE, SLOTS, Layout, unit_file
from provisioner.remote.sdk import Ctx


def is_there(ctx: Ctx, layout: Layout) -> bool:
    """Also when it was being retired and that was cut off: the journals go last."""
    return any(ctx.stat(path) is not None for path in (layout.release_journal, layout.journal)) or bool(
        _units(ctx, layout))  # fmt: skip


def retire(ctx: Ctx, layout: Layout) -> None:
    if not is_there(ctx, layout):
        return
    units = _units(ctx, layout)
    if units:
        ctx.run(["systemctl", "disable", "--now", "--quiet", *units], check=True, timeout=300)
        ctx.run(["systemctl", "reset-failed", *units], timeout=30)
    for slot in (*SLOTS, SINGLE):
        place = layout.slot(slot)
        for path in (place.env_file, place.credentials, place.link):
            ctx.remove(path, recursive=True)
    for path in (
        *map(unit_file, units), layout.env_backup, layout.credentials_backup, layout.current_env,
        layout.current_credentials, layout.current_node, layout.live,
        *("%s/%s" % (layout.lanes, name) for name in ctx.listdir(layout.lanes)), layout.overrides, layout.recovery,
        layout.release_journal, layout.journal,
    ):  # fmt: skip
        ctx.remove(path, recursive=True)
    ctx.run(["systemctl", "daemon-reload"], check=True, timeout=60)


def _units(ctx: Ctx, layout: Layout) -> "List[str]":
    found = [unit for slot in (*SLOTS, SINGLE) for unit in slots.units(ctx, layout, slot)]
    recovery = [layout.recovery_unit] if ctx.stat(unit_file(layout.recovery_unit)) is not None else []
    return [*found, *recovery]
