"""What the host's own records tell of a change: when it was, by whose command, and who had logged in before it.

A hint, no proof: who is root can write these records anew, and not every change leaves one.
"""

from __future__ import annotations

import json
import os
import re
import time
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from provisioner.remote.sdk import Ctx
from provisioner.remote.survey.found import Unreadable, names, text

Trace = Dict[str, Any]
"""moment: seconds since the epoch. what: happened, in words. by: who asked for it, where that is recorded."""

BEFORE = 3600.0  # seconds: who logged in as long before a change may have made it
_MOMENTS = 5  # so many changes, the latest, are looked around at
_LOGINS = 20
_WAIT = 20.0  # seconds, for the journal

_DPKG = ("/var/log/dpkg.log", "/var/log/dpkg.log.1")
_APT = "/var/log/apt/history.log"
_UNITS = "/etc/systemd/system"

_ACCEPTED = re.compile(r"Accepted \S+ for (\S+) from (\S+) port ")
_SUDO = re.compile(r"\s*(\S+) : .*?\bUSER=(\S+) ;")


def of_path(ctx: Ctx, path: str) -> "Optional[Trace]":
    """Of a file that is gone: the last change of the directory that it was in."""
    stat = ctx.stat(path)
    if stat is not None:
        return _trace(stat.ctime, "its content or attributes were changed")
    folder = os.path.dirname(path)
    above = ctx.stat(folder)
    return _trace(above.mtime, "the last change in %s" % folder) if above else None


def of_package(ctx: Ctx, name: str) -> "Optional[Trace]":
    """From dpkg's log, and from apt's, who asked."""
    pattern = re.compile(
        r"^(\S+ \S+) (install|upgrade|remove|purge) %s:\S+ (\S+) (\S+)$" % re.escape(name), re.MULTILINE
    )
    for log in _DPKG:
        lines = pattern.findall(text(log))
        if lines:
            when, verb, old, new = lines[-1]
            what = {"install": "installed: %s" % new, "upgrade": "%s became %s" % (old, new)}.get(verb, "removed")
            moment = _local(when, "%Y-%m-%d %H:%M:%S")
            return _trace(moment, what, _asked(moment)) if moment else None
    return None


def _asked(moment: float) -> str:
    """Who had apt do what it did at that time; sudo's user, so nobody for who was root before."""
    for stanza in reversed(text(_APT).split("\n\n")):
        fields = dict(re.findall(r"^(\S+): +(.*)$", stanza, re.MULTILINE))
        begin, end = (_local(fields.get(key, ""), "%Y-%m-%d  %H:%M:%S") for key in ("Start-Date", "End-Date"))
        if begin and end and begin - 1 <= moment <= end + 1:
            return str(fields.get("Requested-By", "")).partition(" ")[0]
    return ""


def of_unit(ctx: Ctx, name: str) -> "Optional[Trace]":
    """The latest of its state, its files, and of what is enabled."""
    unit = name if "." in name else name + ".service"
    shown = ctx.query(["systemctl", "show", "--no-pager", "--property=StateChangeTimestampMonotonic",
                       "--property=FragmentPath", "--property=DropInPaths", "--", unit])  # fmt: skip
    told = dict(line.partition("=")[::2] for line in shown.stdout.splitlines())
    traces = []
    since = told.get("StateChangeTimestampMonotonic", "")
    if since.isdecimal() and since != "0":
        traces.append(_trace(time.time() - time.monotonic() + int(since) / 1e6, "it was started or stopped"))
    else:  # systemd forgets a unit that does not run and that nothing wants; the journal does not
        for entry in _journal(ctx, "_PID=1", "UNIT=%s" % unit, "--lines=1"):
            traces.append(_trace(entry["moment"], "it was started or stopped"))
    for path in {told.get("FragmentPath", ""), "%s/%s" % (_UNITS, unit), *told.get("DropInPaths", "").split()} - {""}:
        stat = ctx.stat(path)
        if stat is not None:
            traces.append(_trace(stat.ctime, "%s was changed" % path))
    for folder in names(_UNITS):
        stat = ctx.stat("%s/%s" % (_UNITS, folder)) if folder.endswith(".wants") else None
        if stat is not None:
            traces.append(_trace(stat.mtime, "units were enabled or disabled in %s" % folder))
    return max(traces, key=lambda trace: trace["moment"]) if traces else None


KINDS = {"path": of_path, "package": of_package, "unit": of_unit}


def traced(ctx: Ctx, kind: str, name: str) -> "Optional[Trace]":
    try:
        return KINDS[kind](ctx, name)
    except (Unreadable, OSError):
        return None  # a hint less


def logins(ctx: Ctx, moments: "Iterable[float]") -> "List[Dict[str, Any]]":
    """{user, origin, moment}: logins over SSH and uses of sudo within `BEFORE` of the latest of these moments."""
    found: "Dict[Tuple[str, str, float], Dict[str, Any]]" = {}
    for begin, end in _windows(sorted(moments, reverse=True)[:_MOMENTS]):
        for entry in _journal(ctx, "--identifier=sshd", "--identifier=sshd-session", "--identifier=sudo",
                              "--since=@%d" % begin, "--until=@%d" % (end + 1), "--lines=1000"):  # fmt: skip
            came, became = _ACCEPTED.match(entry["message"]), _SUDO.match(entry["message"])
            if came:
                user, origin = came.group(1), came.group(2)
            elif became:
                user, origin = became.group(2), "sudo of %s" % became.group(1)
            else:
                continue
            # the last one of each counts
            found[user, origin, begin] = {"user": user, "origin": origin, "moment": entry["moment"]}
    return sorted(found.values(), key=lambda login: login["moment"])[-_LOGINS:]


def _windows(moments: "Sequence[float]") -> "Iterator[Tuple[float, float]]":
    """From the latest on, those that overlap made one."""
    begin = end = 0.0
    for moment in moments:
        if begin and moment >= begin:
            begin = moment - BEFORE
            continue
        if begin:
            yield begin, end
        begin, end = moment - BEFORE, moment
    if begin:
        yield begin, end


def _journal(ctx: Ctx, *which: str) -> "Iterator[Dict[str, Any]]":
    done = ctx.query(["journalctl", "--quiet", "--no-pager", "--output=json", "--output-fields=MESSAGE", *which],
                     timeout=_WAIT)  # fmt: skip
    for line in done.stdout.splitlines():
        try:
            entry = json.loads(line)
            yield {"message": str(entry["MESSAGE"]), "moment": int(entry["__REALTIME_TIMESTAMP"]) / 1e6}
        except (ValueError, KeyError, TypeError):
            continue  # the middle of much is left out


def _trace(moment: float, what: str, by: str = "") -> Trace:
    return {"moment": moment, "what": what, "by": by}


def _local(when: str, form: str) -> "Optional[float]":
    """These logs are in the host's own time."""
    try:
        return time.mktime(time.strptime(when, form))
    except (ValueError, OverflowError):
        return None

