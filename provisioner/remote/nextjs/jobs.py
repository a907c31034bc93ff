"""The units of an app's jobs that are on a host."""

from __future__ import annotations

from typing import Dict, Iterable, List

from provisioner.remote.nextjs.layout import UNITS, Layout
from provisioner.remote.sdk import Ctx


def prefix(layout: Layout) -> str:
    return "%s-cron-" % layout.name


def marker(layout: Layout) -> str:
    """The first line of a job's units. A prefix is no proof: another app may be called like it."""
    return "# Made by provision for a job of the app %s; changes made here are overwritten." % layout.name


def found(ctx: Ctx, layout: Layout) -> "Dict[str, str]":
    """File name -> text."""
    texts = {}
    for name in ctx.listdir(UNITS):
        if name.startswith(prefix(layout)) and name.endswith((".service", ".timer")):
            path = "%s/%s" % (UNITS, name)
            there = ctx.stat(path)
            text = ctx.read_text(path) if there is not None and there.kind == "file" else None
            if text is not None and text.startswith(marker(layout)):
                texts[name] = text
    return texts


def timers(names: "Iterable[str]") -> "List[str]":
    return sorted(name for name in names if name.endswith(".timer"))


def resting(ctx: Ctx, names: "Iterable[str]") -> "List[str]":
    """Those of these timers that do not run, or would not after a boot."""
    asked = timers(names)
    if not asked:
        return []
    argv = ["systemctl", "show", "--property", "Id,ActiveState,UnitFileState,NeedDaemonReload", *asked]
    good = set()
    for block in ctx.query(argv, timeout=30).stdout.split("\n\n"):
        told = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if (told.get("ActiveState"), told.get("UnitFileState"), told.get("NeedDaemonReload")) == (
            "active", "enabled", "no"):  # fmt: skip
            good.add(told.get("Id"))
    return [name for name in asked if name not in good]
