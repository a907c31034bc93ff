"""What a host has that may be in an app's way. Only reads; what it means is decided on the controller."""

from __future__ import annotations

import os
import pwd
import re
import time
from typing import Any, Dict, List, Mapping, Optional

from provisioner.remote.nextjs import service, swap
from provisioner.remote.nextjs.layout import NODE_ROOT, Layout
from provisioner.remote.nextjs.listeners import listeners
from provisioner.remote.nextjs.sites import servers
from provisioner.remote.sdk import Ctx, ModuleFailed

UNITS = "/etc/systemd/system"
PACKAGED_UNITS = "/lib/systemd/system"  # where /lib is a link to /usr/lib, too
SITES = ("/etc/nginx/conf.d", "/etc/nginx/sites-enabled")
_OURS = re.compile(r"# Made by provision for the app ([a-z0-9-]+)[;\n]")
_PORT = re.compile(r"(?:^X-Listen=.*:|^\s*server [^;\n]*:)(\d+)\b", re.MULTILINE)


def look(ctx: Ctx, layout: Layout, user: str, asked: "Mapping[str, Any]") -> "Dict[str, Any]":
    """asked: {ports: those to look at, domains: names the app shall answer for, server: in front of it,
    calendars: times of jobs, credentials: whether systemd has to hand some to the app}."""
    nginx = asked["server"] == "nginx" and service.show(ctx, "nginx.service").get("ActiveState") == "active"
    return {
        "root": os.geteuid() == 0,
        "systemd": ctx.stat("/run/systemd/system") is not None,
        "apt": ctx.which("apt-get") is not None,
        "time": time.time(),
        "space": {path: room(path) for path in (layout.root, NODE_ROOT, swap.FOLDER)},
        "account": account(user),
        "taken": _taken(ctx, layout, user),
        "listeners": listeners(ctx, asked["ports"]),
        "apps": _apps(ctx, layout),
        "sites": _sites(ctx, layout, [name.lower() for name in asked["domains"]]),
        "calendars": {calendar: _misread(ctx, calendar) for calendar in asked.get("calendars", ())},
        "systemd_version": _systemd_version(ctx) if asked.get("credentials") else None,
        "nginx_refuses": _refused(ctx, layout) if nginx else None,
    }


def room(path: str) -> "Dict[str, int]":
    """Free bytes where `path` is or will be."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    found = os.statvfs(path)
    return {"free": found.f_bavail * found.f_frsize, "device": os.stat(path).st_dev}


def account(user: str) -> "Optional[Dict[str, Any]]":
    """What the system knows of a user."""
    try:
        found = pwd.getpwnam(user)
    except KeyError:
        return None
    return {"uid": found.pw_uid, "shell": found.pw_shell, "home": found.pw_dir, "comment": found.pw_gecos}


def _taken(ctx: Ctx, layout: Layout, user: str) -> "List[str]":
    """Paths of this app that something else has: a unit that is not ours, directories with foreign things in them."""
    if any(ctx.stat(path) is not None for path in (layout.journal, layout.release_journal)):
        return []
    text = _text(ctx, layout.unit_file)
    found = [layout.unit_file] if text is not None and not _OURS.match(text) else []
    packaged = "%s/%s" % (PACKAGED_UNITS, layout.unit)
    found += [packaged] if ctx.stat(packaged) is not None else []
    for path in (layout.root, layout.config):
        there = ctx.stat(path)
        if there and not (there.kind == "directory" and (there.group == user or not ctx.listdir(path))):
            found.append(path)
    return found


def _apps(ctx: Ctx, layout: Layout) -> "List[Dict[str, Any]]":
    """Other apps of ours with the ports that their units and sites name, running or not."""
    found: "Dict[str, List[int]]" = {}
    for folder, suffix in ((UNITS, ".service"), (SITES[0], ".conf")):
        for name in ctx.listdir(folder):
            text = _text(ctx, "%s/%s" % (folder, name)) if name.endswith(suffix) else None
            owner = _OURS.match(text or "")
            if text and owner and owner[1] != layout.name:
                found.setdefault(owner[1], []).extend(map(int, _PORT.findall(text)))
    return [{"name": name, "ports": sorted(set(ports))} for name, ports in sorted(found.items())]


def _sites(ctx: Ctx, layout: Layout, domains: "List[str]") -> "List[Dict[str, Any]]":
    """Other sites on port 80 that have one of the names, or that answer for every name where the app shall do so."""
    found = []
    for folder in SITES:
        for name in ctx.listdir(folder):
            path = "%s/%s" % (folder, name)
            if path == layout.site or (folder == SITES[0] and not name.endswith(".conf")):
                continue
            text = _text(ctx, path) or ""
            owner = _OURS.match(text)
            for server in servers(text):
                names = sorted(server.names.intersection(domains))
                if 80 in server.ports and (names or (server.default and not domains)):
                    found.append({"file": path, "names": names, "app": owner[1] if owner else None})
    return found


def _systemd_version(ctx: Ctx) -> "Optional[int]":
    found = re.match(r"systemd (\d+)", ctx.query(["systemctl", "--version"], timeout=15).stdout)
    return int(found[1]) if found else None


def _misread(ctx: Ctx, calendar: str) -> "Optional[str]":
    """Why a timer would never run at these times."""
    done = ctx.query(["systemd-analyze", "calendar", "--", calendar], timeout=15)
    if done.rc not in (0, 126, 127):
        return (done.stderr.strip() or done.stdout.strip()).partition("\n")[0]
    return "%s never comes" % calendar if "Next elapse: never" in done.stdout else None


def _text(ctx: Ctx, path: str) -> "Optional[str]":
    """Of a file or a link to one; a masked unit is a link to /dev/null."""
    found = ctx.stat(path, follow=True)
    return ctx.read_text(path) if found is not None and found.kind == "file" else None


def _refused(ctx: Ctx, layout: Layout) -> "Optional[str]":
    """Why nginx would not take its present configuration; an error in the app's own site is mended later."""
    try:
        done = ctx.query(["nginx", "-t", "-q"], timeout=15)
    except ModuleFailed:  # it waits for a name server: no statement
        return None
    return done.stderr.strip() if done.rc not in (0, 126, 127) and layout.site not in done.stderr else None
