"""What systemd and cron are told to run."""

from __future__ import annotations

import hashlib
import os
from typing import Any, Dict, List, Mapping

from provisioner.remote.crontab import without_header
from provisioner.remote.sdk import Ctx
from provisioner.remote.survey.conffiles import is_shipped, sums
from provisioner.remote.survey.found import Unreadable, content, found, names, statements, text

_UNITS = "/etc/systemd/system"
_SNAPS = ("snap-", "var-lib-snapd-snap-")
"""Mounts of snaps, which change with every refresh of one."""
_TABLES = "/var/spool/cron/crontabs"
_SCRIPTS = ("/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly")
_WAIT = 60.0  # seconds


def units(ctx: Ctx, settings: "Mapping[str, Any]") -> "Dict[str, Any]":
    """What was said on this host about units: enabled, masked, overridden by drop-ins; and units of its own."""
    items: "Dict[str, List[str]]" = {}
    for name in names(_UNITS):
        path = "%s/%s" % (_UNITS, name)
        if name.startswith(_SNAPS):
            continue
        if os.path.islink(path):
            target = os.readlink(path)
            items[name] = ["masked" if target == "/dev/null" else "link to %s" % target]
        elif name.endswith((".wants", ".requires")):
            for unit in names(path):
                if not unit.startswith(_SNAPS):
                    items.setdefault(unit, []).append("enabled for %s" % name.rpartition(".")[0])
        elif name.endswith(".d"):
            for each in names(path):
                if each.endswith(".conf"):
                    items["%s/%s" % (name, each)] = [_sum("%s/%s" % (path, each))]
        elif os.path.isfile(path):
            items.setdefault(name, []).append(_sum(path))
    return found({item: sorted(lines) for item, lines in items.items()})


def _sum(path: str) -> str:
    return "sha256 %s" % hashlib.sha256(content(path)).hexdigest()[:16]


def crontabs(ctx: Ctx, settings: "Mapping[str, Any]") -> "Dict[str, Any]":
    """Jobs by file: of users, of the system, and scripts that run every hour, day and so on."""
    items: "Dict[str, List[str]]" = {}
    tables = ["/etc/crontab", *("/etc/cron.d/%s" % name for name in names("/etc/cron.d") if "." not in name),
              *("%s/%s" % (_TABLES, name) for name in names(_TABLES))]  # fmt: skip
    for path in tables:
        lines = statements("\n".join(without_header(text(path))))
        if lines:
            items[path] = lines
    for folder in _SCRIPTS:
        for name in names(folder):
            if "." not in name:
                items["%s/%s" % (folder, name)] = [_sum("%s/%s" % (folder, name))]
    shipped = sums(ctx)
    return found(items, [path for path in items if is_shipped(shipped, path)])


def failed_units(ctx: Ctx, settings: "Mapping[str, Any]") -> "Dict[str, Any]":
    done = ctx.query(["systemctl", "list-units", "--failed", "--plain", "--no-legend", "--no-pager", "--full"],
                     timeout=_WAIT)  # fmt: skip
    if done.rc != 0:
        raise Unreadable("systemctl can't tell: %s" % (done.stderr.strip() or "rc %d" % done.rc))
    fields = (line.split(None, 4) for line in done.stdout.splitlines() if line.strip())
    return found({entry[0]: [entry[4] if len(entry) > 4 else "failed"] for entry in fields})
