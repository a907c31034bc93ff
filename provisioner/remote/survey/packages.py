"""Packages, what they own, and what is to be upgraded for safety, from dpkg's and apt's own files."""

from __future__ import annotations

import os
import re
import stat
from typing import Any, Dict, Iterator, List, Mapping, Set, Tuple

from provisioner.remote.dpkg import compare_versions
from provisioner.remote.sdk import Ctx
from provisioner.remote.survey.conffiles import STATUS
from provisioner.remote.survey.found import MOST_ITEMS, Unreadable, content, found, names, refused, text

_AUTOMATIC = "/var/lib/apt/extended_states"
_LISTS = "/var/lib/apt/lists"
_OWNED = "/var/lib/dpkg/info"
_KERNEL = re.compile(r"linux-.*\d+\.\d+\.\d+-\d+")
"""Packages of one version of the kernel come and go with upgrades."""
_NOT_THERE = (" not-installed", " config-files")
_UPGRADE = re.compile(r"^Inst (\S+) .*\((\S+) ([^)]*)\[", re.MULTILINE)
_WAIT = 120.0  # seconds, for apt on a busy host

MANUAL, AUTOMATIC = "installed", "installed automatically"


def packages(ctx: Ctx, settings: "Mapping[str, Any]") -> "Dict[str, Any]":
    """Installed packages, each with whether it came as a dependency of others."""
    automatic = _automatic(text(_AUTOMATIC))
    return found({name: [AUTOMATIC if name in automatic else MANUAL]
                  for name in _installed() if not _KERNEL.match(name)})  # fmt: skip


def _installed() -> "Dict[str, str]":
    """Package -> version; also of those that dpkg is about to upgrade at this moment."""
    status = content(STATUS)
    if not status:
        raise Unreadable("packages can be watched where dpkg installs them, and %s is not there" % STATUS)
    stanzas = (_fields(stanza) for stanza in status.split(b"\n\n"))
    return {fields["Package"]: fields.get("Version", "") for fields in stanzas
            if "Package" in fields and not fields.get("Status", "").endswith(_NOT_THERE)}  # fmt: skip


def _fields(stanza: bytes) -> "Dict[str, str]":
    found_there = re.findall(rb"^(Package|Status|Version): (.*)$", stanza, re.MULTILINE)
    return {name.decode(): value.decode("utf-8", "replace") for name, value in found_there}


def _automatic(states: str) -> "Set[str]":
    stanzas = (dict(re.findall(r"^(\S+): (.*)$", stanza, re.MULTILINE)) for stanza in states.split("\n\n"))
    return {stanza["Package"] for stanza in stanzas if stanza.get("Auto-Installed") == "1" and "Package" in stanza}


def security_updates(ctx: Ctx, settings: "Mapping[str, Any]") -> "Dict[str, Any]":
    """Packages of which an archive for security has a newer version, by the lists that the host has."""
    lists = ["%s/%s" % (_LISTS, name) for name in names(_LISTS) if "security" in name and "_Packages" in name]
    if all(path.endswith("_Packages") for path in lists):
        installed = _installed()
        return found({name: [version] for path in lists for name, version in _newer(content(path), installed)})
    return found(_simulated(ctx))


def _newer(offered: bytes, installed: "Mapping[str, str]") -> "Iterator[Tuple[str, str]]":
    """10 ms for the 2.5 MB that Debian has; apt-get takes a second, each time, to say the same."""
    for stanza in offered.split(b"\n\n"):
        name = stanza[9 : stanza.find(b"\n")].decode("utf-8", "replace") if stanza.startswith(b"Package: ") else ""
        if name in installed:
            version = _fields(stanza).get("Version", "")
            if version != installed[name] and compare_versions(version, installed[name]) > 0:
                yield name, version


def _simulated(ctx: Ctx) -> "Dict[str, List[str]]":
    """The same by apt-get, which can read lists that are compressed."""
    # Without a cache of its own in memory apt may write one to the disk: a check leaves nothing behind.
    done = ctx.query(["apt-get", "-s", "-q", "-o", "Debug::NoLocking=true", "-o", "Dir::Cache::pkgcache=",
                      "-o", "Dir::Cache::srcpkgcache=", "--with-new-pkgs", "upgrade"], timeout=_WAIT)  # fmt: skip
    if done.rc != 0:
        raise Unreadable("apt-get can't tell: %s" % (done.stderr.strip().splitlines() or ["rc %d" % done.rc])[-1])
    return {name: [version] for name, version, origin in _UPGRADE.findall(done.stdout) if "security" in origin.lower()}


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
