"""Looks for what differs between an app as it was released and as it is on a host now. Reads only.

A finding is {kind, what, expected, found}; none tells the value of a variable.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from typing import Any, Dict, Iterator, Mapping, Optional, Set

from provisioner.remote.nextjs import certificates, credentials, envfile, lanes, links, manifest, service, slots
from provisioner.remote.nextjs.layout import MANIFEST_FILE, RELEASE_FILE, SINGLE, Layout, read_state, unit_file
from provisioner.remote.nextjs.listeners import listeners
from provisioner.remote.nextjs.slots import Occupant
from provisioner.remote.sdk import Ctx, Stat

Finding = Dict[str, Any]

SHOWN = 5  # paths of a release that differ
EXPIRES = 14  # days; what renews by itself does so a month ahead

_EXEC = re.compile(r"^ExecStart=(\S+)", re.MULTILINE)
_PRELOAD = re.compile(r"^Environment=LD_PRELOAD=(\S+)$", re.MULTILINE)
_CREDENTIAL = re.compile(r"^LoadCredential=([^:\n]+):", re.MULTILINE)
_SET = re.compile(r"^Environment=(.*)$", re.MULTILINE)
#: What systemd adds to a service's variables by itself.
_GIVEN = frozenset([
    "LANG", "PATH", "HOME", "LOGNAME", "USER", "SHELL", "INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID",
    "MEMORY_PRESSURE_WATCH", "MEMORY_PRESSURE_WRITE", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET",
])  # fmt: skip


def findings(ctx: Ctx, layout: Layout) -> "Iterator[Finding]":
    """Of everything that runs: what is live, and the release before where it is kept running."""
    journal = slots.read_journal(ctx, layout)
    live = slots.live(ctx, layout, journal)
    if live is None:
        yield _finding("release", layout.name, "a release that runs", "none")
        return
    if slots.is_interrupted(journal):
        stuck = "interrupted at %s" % journal["step"]
        yield _finding("release", layout.release_journal, "a release that is over", stuck)
    yield from _links(ctx, layout, live)
    yield from _certificates(ctx, layout)
    for occupant in filter(None, (live, slots.warm(journal))):
        yield from _slot(ctx, layout, occupant)


def _finding(kind: str, what: str, expected: str, found: str) -> Finding:
    return {"kind": kind, "what": what, "expected": expected, "found": found}


def _differs(kind: str, what: str, expected: "Optional[str]", found: "Optional[str]") -> "Iterator[Finding]":
    if expected != found:
        yield _finding(kind, what, expected or "none", found or "none")


# -- links and requests ----------------------------------------------------------------------------------------------


def _links(ctx: Ctx, layout: Layout, live: Occupant) -> "Iterator[Finding]":
    yield from _differs("link", layout.current, live.release, slots.linked(ctx, layout.current))
    if slots.linked(ctx, layout.current) == live.release and links.followed(ctx, layout, live.slot) != live.release:
        where = "%s and %s" % (layout.current_env, layout.current_node)
        yield _finding("link", where, "variables and Node.js of release %s" % live.release, "others")
    if live.slot != SINGLE:
        lane = lanes.opened(ctx, layout)
        yield from _differs("proxy", layout.live, "slot %s" % live.slot, "slot %s" % lane.to if lane else None)


def _certificates(ctx: Ctx, layout: Layout) -> "Iterator[Finding]":
    for shown in certificates.of_site(ctx, layout):
        if "days" not in shown:
            yield _finding("certificate", shown["name"], "a certificate", "nothing answers over HTTPS")
        elif not shown["fits"]:
            yield _finding("certificate", shown["name"], "a certificate for this name", ", ".join(shown["names"]))
        elif shown["days"] < EXPIRES:
            yield _finding("certificate", shown["name"], "%d days left or more" % EXPIRES, "%d days" % shown["days"])


# -- a slot: release, variables, units, processes ---------------------------------------------------------------------


def _slot(ctx: Ctx, layout: Layout, occupant: Occupant) -> "Iterator[Finding]":
    place = layout.slot(occupant.slot)
    yield from _differs("link", place.link, occupant.release, slots.linked(ctx, place.link))
    if occupant.release:
        yield from _release(ctx, layout, occupant.release)
    yield from _env_file(ctx, place.env_file)
    yield from _credential_files(ctx, place.credentials)
    units = slots.units(ctx, layout, occupant.slot)
    wanted = [layout.unit_of(occupant.slot, number + 1) for number in range(len(occupant.upstreams))]
    yield from _differs("unit", "units of slot %s" % occupant.slot, " ".join(wanted), " ".join(units))
    for unit in units:
        yield from _unit(ctx, layout, unit, occupant, place.env_file)


def _release(ctx: Ctx, layout: Layout, release: str) -> "Iterator[Finding]":
    home = layout.release(release)
    about = read_state(ctx, "%s/%s" % (home, RELEASE_FILE))
    if not about:
        yield _finding("release", "%s/%s" % (home, RELEASE_FILE), "what the release was made from", "none")
    recorded = ctx.read("%s/%s" % (home, MANIFEST_FILE))
    if recorded is None:
        yield _finding("release", "%s/%s" % (home, MANIFEST_FILE), "what the release consists of", "none")
        return
    differences = manifest.compare(manifest.decode(recorded), manifest.read_tree(home))
    for word, paths in zip(("is missing", "was changed", "was added"), differences):
        shown = [*paths[:SHOWN], *(["and %d more" % (len(paths) - SHOWN)] if paths[SHOWN:] else [])]
        if paths:
            yield _finding("release", home, "the files of its manifest", "%s: %s" % (word, ", ".join(shown)))


def _env_file(ctx: Ctx, path: str) -> "Iterator[Finding]":
    found, text = ctx.stat(path), ctx.read_text(path)
    if found is None or text is None:
        yield _finding("env", path, "the variables of the app", "no file")
        return
    yield from _differs("env", path, "0600 root:root", _access(found))
    if envfile.render(envfile.parse(text)) != text:
        yield _finding("env", path, "lines as they were written", "lines of another form")


def _access(found: Stat) -> str:
    return "%s %s:%s" % (found.mode, found.owner, found.group)


def _credential_files(ctx: Ctx, folder: str) -> "Iterator[Finding]":
    found = ctx.stat(folder)
    if found is not None:
        yield from _differs("credentials", folder, "0700 root:root", _access(found))
    for name, access in credentials.access(ctx, folder).items():
        if access is not None:
            yield _finding("credentials", "%s/%s" % (folder, name), "0600 root:root", access)


def _unit(ctx: Ctx, layout: Layout, unit: str, occupant: Occupant, env_file: str) -> "Iterator[Finding]":
    state, text = service.show(ctx, unit), ctx.read_text(unit_file(unit)) or ""
    yield from _differs("unit", "%s: file" % unit, unit_file(unit), state.get("FragmentPath"))
    if state.get("NeedDaemonReload") == "yes":
        yield _finding("unit", unit, "systemd goes by the file as it is", "the file has changed since it was read")
    for path in (state.get("DropInPaths") or "").split():
        if not path.startswith("/usr/"):  # a distribution may bring some for all services
            yield _finding("unit", unit, "no drop-in", path)
    yield from _differs("unit", "%s: at boot" % unit, "enabled", state.get("UnitFileState"))
    yield from _differs("unit", "%s: state" % unit, "active", state.get("ActiveState"))
    pid = int(state.get("MainPID") or 0)
    if not pid:
        return
    age = time.monotonic() - int(state.get("ExecMainStartTimestampMonotonic") or 0) / 1e6
    file = ctx.stat(unit_file(unit))
    if file is not None and file.mtime > time.time() - age:
        yield _finding("unit", unit, "a process started after the last change of the unit", "an older process")
    yield from _process(ctx, layout, unit, text, pid, occupant)
    yield from _variables(ctx, unit, text, pid, env_file)
    yield from _credentials(ctx, unit, text, layout.slot(occupant.slot).credentials)


def _process(ctx: Ctx, layout: Layout, unit: str, text: str, pid: int, occupant: Occupant) -> "Iterator[Finding]":
    if occupant.release:
        yield from _differs("process", "%s: release" % unit, layout.release(occupant.release),
                            service.runs_in(ctx, str(pid)))  # fmt: skip
    program, exe = _EXEC.search(text), ctx.stat("/proc/%d/exe" % pid)
    if program:
        yield from _differs("node", unit, os.path.realpath(program[1]), exe.target if exe else None)
    preload = _PRELOAD.search(text)
    if preload:
        library = os.path.realpath(preload[1])
        maps = ctx.read_text("/proc/%d/maps" % pid) or ""
        if library + "\n" not in maps:
            yield _finding("jemalloc", unit, library, "not loaded")
    yield from _listening(ctx, unit, text)


def _listening(ctx: Ctx, unit: str, text: str) -> "Iterator[Finding]":
    wanted = slots.listens(text)
    if wanted is None:
        return
    address, port = wanted[0].strip("[]"), wanted[1]
    held = [found for found in listeners(ctx, [port]) if found["unit"] == unit]
    found = ", ".join(sorted(str(entry["address"]) for entry in held))
    yield from _differs("listening", "%s: port %d" % (unit, port), address, found)


def _variables(ctx: Ctx, unit: str, text: str, pid: int, env_file: str) -> "Iterator[Finding]":
    """By digests of the values at the start of the process and in the file."""
    before = _digests(_environ(ctx, pid))
    after = _digests(envfile.parse(ctx.read_text(env_file) or ""))
    own = {word.partition("=")[0] for line in _SET.findall(text) for word in line.split()}
    for name in sorted({*before, *after} - own - _GIVEN - _of_all_services(ctx)):
        if name not in after:
            yield _finding("env", "%s: %s" % (unit, name), "not in %s" % env_file, "in the process")
        elif before.get(name) != after[name]:
            yield _finding("env", "%s: %s" % (unit, name), "as in %s" % env_file,
                           "another value" if name in before else "not in the process")  # fmt: skip


def _credentials(ctx: Ctx, unit: str, text: str, folder: str) -> "Iterator[Finding]":
    """What the process was given with what lies there now, by digests."""
    kept, given = folder, credentials.given(unit)
    for name in sorted({*_CREDENTIAL.findall(text), *ctx.listdir(kept)}):
        there, held = ctx.sha256("%s/%s" % (kept, name)), ctx.sha256("%s/%s" % (given, name))
        if there is None:
            yield _finding("credentials", "%s/%s" % (kept, name), "a credential of the app", "no file")
        elif there != held:
            yield _finding("credentials", "%s: %s" % (unit, name), "as in %s" % kept,
                           "another value" if held else "not given to the process")  # fmt: skip


def _of_all_services(ctx: Ctx) -> "Set[str]":
    """Names of the variables that systemd on this host gives to every service."""
    done = ctx.query(["systemctl", "show-environment"], timeout=30)
    return {line.partition("=")[0] for line in done.stdout.splitlines()}


def _environ(ctx: Ctx, pid: int) -> "Mapping[str, str]":
    pairs = (entry.split("=", 1) for entry in (ctx.read_text("/proc/%d/environ" % pid) or "").split("\0"))
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def _digests(values: "Mapping[str, str]") -> "Dict[str, str]":
    return {
        name: hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest() for name, value in values.items()
    }

