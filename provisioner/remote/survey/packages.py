"""Packages, what they own, and what is to be upgraded for safety, from dpkg's and apt's own files."""

from __future__ import annotations

import os
import re
import stat
from typing import Any, Dict, List, Mapping, Set

from provisioner.remote.sdk import Ctx
from provisioner.remote.survey.conffiles import STATUS
from provisioner.remote.survey.found import MOST_ITEMS, Unreadable, content, found, names, refused, text

_AUTOMATIC = "/var/lib/apt/extended_states"
_OWNED = "/var/lib/dpkg/info"
_KERNEL = re.compile(r"linux-.*\d+\.\d+\.\d+-\d+")
"""Packages of one version of the kernel come and go with upgrades."""
_UPGRADE = re.compile(r"^Inst (\S+) .*\((\S+) ([^)]*)\[", re.MULTILINE)
_WAIT = 120.0  # seconds, for apt on a busy host

MANUAL, AUTOMATIC = "installed", "installed automatically"


def packages(ctx: Ctx, settings: "Mapping[str, Any]") -> "Dict[str, Any]":
    """Installed packages, each with whether it came as a dependency of others."""
    status = content(STATUS)
    if not status:
        raise Unreadable("packages can be watched where dpkg installs them, and %s is not there" % STATUS)
    automatic = _automatic(text(_AUTOMATIC))
    items = {}
    for stanza in status.decode("utf-8", "replace").split("\n\n"):
        fields = dict(re.findall(r"^(Package|Status): (.*)$", stanza, re.MULTILINE))
        name = fields.get("Package", "")
        if name and fields.get("Status", "").endswith(" installed") and not _KERNEL.match(name):
            items[name] = [AUTOMATIC if name in automatic else MANUAL]
    return found(items)


def _automatic(states: str) -> "Set[str]":
    stanzas = (dict(re.findall(r"^(\S+): (.*)$", stanza, re.MULTILINE)) for stanza in states.split("\n\n"))
    return {stanza["Package"] for stanza in stanzas if stanza.get("Auto-Installed") == "1" and "Package" in stanza}


def security_updates(ctx: Ctx, settings: "Mapping[str, Any]") -> "Dict[str, Any]":
    """Upgrades from an archive for security that apt would install. The lists are those that the host has."""
    if ctx.which("apt-get") is None:
        raise Unreadable("security updates can be watched where apt-get is")
    # Without a cache of its own in memory apt may write one to the disk: a check leaves nothing behind.
    done = ctx.query(["apt-get", "-s", "-q", "-o", "Debug::NoLocking=true", "-o", "Dir::Cache::pkgcache=",
                      "-o", "Dir::Cache::srcpkgcache=", "--with-new-pkgs", "upgrade"], timeout=_WAIT)  # fmt: skip
    if done.rc != 0:
        raise Unreadable("apt-get can't tell: %s" % (done.stderr.strip().splitlines() or ["rc %d" % done.rc])[-1])
    items = {name: [version] for name, version, origin in _UPGRADE.findall(done.stdout) if "security" in origin.lower()}
    return found(items)


def files(ctx: Ctx, settings: "Mapping[str, Any]") -> "Dict[str, Any]":
    """Files below the directories `in` that no package brought."""
    folders = [os.path.realpath(folder) for folder in settings["in"]]
    paths = [path for folder in folders for path in _below(folder)]
    if not paths:
        return found({})
    owned = _owned(folders)
    return found({path: [_kind(path)] for path in paths if path not in owned})


def _below(folder: str) -> "List[str]":
    paths: "List[str]" = []

    def stop(error: OSError) -> None:
        if isinstance(error, PermissionError):
            raise refused(str(error.filename))

    for top, directories, names_there in os.walk(folder, onerror=stop):
        paths += ["%s/%s" % (top.rstrip("/"), name) for name in names_there]
        paths += ["%s/%s" % (top.rstrip("/"), name) for name in directories
                  if os.path.islink("%s/%s" % (top, name))]  # fmt: skip
        if len(paths) > MOST_ITEMS:
            raise Unreadable("there are more than %d files below %s" % (MOST_ITEMS, folder))
    return paths


def _kind(path: str) -> str:
    try:
        return "link to %s" % os.readlink(path)
    except OSError:
        pass
    try:
        return "file" if stat.S_ISREG(os.lstat(path).st_mode) else "neither a file nor a link"
    except OSError:
        return "file"


def _owned(folders: "List[str]") -> "Set[str]":
    """What packages brought to the folders. Lists name paths from before /bin, /lib and so on became links."""
    owned: "Set[str]" = set()
    short = [re.sub(r"^/usr(?=/(?:s?bin|lib)\b)", "", folder) for folder in folders]
    wanted = tuple("%s/" % folder.rstrip("/") for folder in {*folders, *short})
    needles = [folder.encode("utf-8", "surrogateescape") for folder in wanted]
    for name in names(_OWNED):
        if name.endswith((".list", ".conffiles")):
            data = content("%s/%s" % (_OWNED, name))
            if any(needle in data for needle in needles):
                lines = (line.strip() for line in data.decode("utf-8", "surrogateescape").splitlines())
                mine = [line for line in lines if line.startswith(wanted)]
                owned.update(mine)
                owned.update("/usr" + line for line in mine if re.match(r"/(?:s?bin|lib)\b", line))
    return owned
