"""Running apt-get so that it neither asks, nor hangs on a lock, nor stays broken.

A dpkg that was interrupted is completed first; a lock that somebody else holds is waited for and told;
package lists that are too old to find a package are refreshed once.
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
import time
from typing import Mapping, NamedTuple, Optional, Sequence

from provisioner.remote import dpkg
from provisioner.remote.sdk import Completed, Ctx

LISTS = "/var/lib/apt/lists"
_STAMP = "/var/lib/apt/periodic/update-success-stamp"
_SOURCES = ("/etc/apt/sources.list", "/etc/apt/sources.list.d")
_LOCKS = (
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
)
_QUIET = {
    "DEBIAN_FRONTEND": "noninteractive",
    "DEBIAN_PRIORITY": "critical",
    "APT_LISTCHANGES_FRONTEND": "none",
    "LC_ALL": "C.UTF-8",
    "LANGUAGE": "C",
}
_LOCKED = re.compile(
    r"Could not get lock|Unable to lock|is locked by another process|Unable to acquire the dpkg frontend lock"
)
_OLD_LISTS = re.compile(
    r"E: Unable to locate package|has no installation candidate|404 +Not Found|"
    r"Version '[^']*' for '[^']*' was not found"
)


class Step(NamedTuple):
    """One line of what apt would do: `before` or `after` is "" for a package that comes or goes."""

    name: str
    before: str
    after: str


class AptGet:
    """apt-get for one task. `options` go to every install, remove and upgrade."""

    def __init__(self, ctx: Ctx, options: "Sequence[str]", lock_timeout: int) -> None:
        self._ctx = ctx
        self._options = list(options)
        self._deadline = time.monotonic() + max(lock_timeout, 0)
        self._lock_timeout = lock_timeout
        self.refreshed = False
        """Whether the package lists were refreshed by this task."""

    def simulate(self, words: "Sequence[str]") -> "tuple[Completed, list[Step]]":
        """What apt-get would do; needs no lock and changes nothing."""
        done = self._ctx.query(
            [
                "apt-get",
                "-s",
                "-y",
                "-o",
                "APT::Get::Show-User-Simulation-Note=false",
                *without_caches(self._ctx),
                *self._options,
                *words,
            ],
            env=_QUIET,
        )
        if done.rc == 127:
            raise self._ctx.fail("there is no apt-get on this host: the module `apt` is for Debian and its relatives")
        return done, _steps(done.stdout)

    def change(self, words: "Sequence[str]") -> Completed:
        """Run apt-get for real; a failure that fresher package lists may mend is tried again with them."""
        self.heal()
        argv = ["apt-get", "-y", "-o", "DPkg::Lock::Timeout=%d" % self._left(), *self._options, *words]
        done = self._patiently(argv)
        if done.rc and not self.refreshed and _OLD_LISTS.search(done.stdout + done.stderr):
            self._ctx.progress("refreshing the package lists, then trying again")
            self.update(1, 1)
            done = self._patiently(argv)
        if done.rc:
            raise failure(self._ctx, words[0], done)
        return done

    def heal(self) -> None:
        """Complete what an interrupted dpkg left behind, if it did."""
        broken = interrupted(self._ctx)
        if broken is None:
            return
        self._ctx.progress("completing an interrupted installation")
        done = self._patiently(["dpkg", "--force-confdef", "--force-confold", "--configure", "-a"])
        if done.rc or dpkg.Database.read(self._ctx).broken():
            done = self._patiently(["apt-get", "-y", *self._options, "--fix-broken", "install"])
        if done.rc:
            raise failure(self._ctx, "--fix-broken install", done)
        self._ctx.warn(
            "an interrupted installation was completed first (dpkg --configure -a)%s"
            % (": " + ", ".join(broken) if broken else "")
        )

    def update(self, retries: int, longest_pause: int) -> None:
        """Refresh the package lists."""
        pause = 1.0
        for attempt in range(max(retries, 1)):
            done = self._patiently(["apt-get", "-q", "-o", "APT::Update::Error-Mode=any", "update"])
            if done.rc == 0:
                self.refreshed = True
                self._ctx.utime(LISTS, mtime=time.time())  # apt leaves it alone when nothing was new
                return
            if attempt + 1 < retries:
                self._ctx.progress("the package lists could not be refreshed, trying again")
                self._ctx.query(["sleep", "%.1f" % pause])
                pause = min(pause * 2, max(longest_pause, 1))
        raise self._ctx.fail(
            "Failed to update apt cache: %s" % _reason(done), rc=done.rc, stdout=done.stdout, stderr=done.stderr
        )

    def _patiently(self, argv: "Sequence[str]") -> Completed:
        """Run it when nobody holds a lock; give up when the task's patience is at its end."""
        while True:
            self._wait_for_locks()
            done = self._ctx.run(argv, env=_QUIET, live=True)
            if done.rc == 127:
                raise self._ctx.fail(
                    "there is no %s on this host: the module `apt` is for Debian and its relatives" % argv[0]
                )
            if done.rc == 0 or not _LOCKED.search(done.stderr) or self._left() == 0:
                return done
            self._ctx.query(["sleep", "0.5"])

    def _wait_for_locks(self) -> None:
        started = time.monotonic()
        holder = lock_holder()
        while holder is not None:
            if self._left() == 0:
                raise self._ctx.fail(
                    "another program holds the package lock: %s. Waited %d s (`lock_timeout`)"
                    % (holder, self._lock_timeout)
                )
            self._ctx.progress(
                "waiting for the package lock held by %s (%d s, at most %d s)"
                % (holder, time.monotonic() - started, self._lock_timeout)
            )
            self._ctx.query(["sleep", "0.5"])  # a child, so that the wait ends when the run is cancelled
            holder = lock_holder()

    def _left(self) -> float:
        return max(0.0, self._deadline - time.monotonic())


def without_caches(ctx: Ctx) -> "list[str]":
    """Options with which apt writes no caches: in check mode not even those may change. Costs half a second."""
    return ["-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="] if ctx.check else []


def interrupted(ctx: Ctx) -> "Optional[list[str]]":
    """Packages that an interrupted dpkg left half done (possibly none by name); None when none was interrupted."""
    broken = dpkg.Database.read(ctx).broken()
    return broken if broken or any(name.isdigit() for name in ctx.listdir(dpkg.UPDATES)) else None


def lock_holder(paths: "Sequence[str]" = _LOCKS) -> Optional[str]:
    """Who holds one of the package locks ("unattended-upgr (process 1234)"), None when they are free."""
    for path in paths:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            answer = struct.unpack("hhqqi4x", fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
        except OSError:
            continue
        finally:
            os.close(descriptor)
        if answer[0] != fcntl.F_UNLCK:
            return "%s (process %d)" % (_process_name(answer[4]), answer[4])
    return None


def _process_name(pid: int) -> str:
    try:
        with open("/proc/%d/comm" % pid) as file:
            return file.read().strip()
    except OSError:
        return "another program"


def lists_age(ctx: Ctx) -> Optional[float]:
    """Seconds since the package lists were refreshed; None when there are none or a source is newer than they are."""
    if not any("_Packages" in name or name.endswith("_InRelease") for name in ctx.listdir(LISTS)):
        return None
    times = [found.mtime for found in (ctx.stat(LISTS), ctx.stat(_STAMP)) if found is not None]
    refreshed = max(times)
    sources = [*_SOURCES, *("%s/%s" % (_SOURCES[1], name) for name in ctx.listdir(_SOURCES[1]))]
    changed = [found.mtime for found in map(ctx.stat, sources) if found is not None and found.kind == "file"]
    if any(moment > refreshed for moment in changed):
        return None
    return max(0.0, time.time() - refreshed)


def failure(ctx: Ctx, what: str, done: Completed) -> Exception:
    """The error for a failed apt-get, with apt's own reason first."""
    missing = re.search(
        r"E: (?:Unable to locate package (\S+)|Package '([^']+)' has no installation candidate)", done.stderr
    )
    if missing:
        message = "No package matching '%s' is available" % (missing.group(1) or missing.group(2))
    else:
        message = "apt-get %s failed: %s" % (what, _reason(done))
    return ctx.fail(message, rc=done.rc, stdout=done.stdout, stderr=done.stderr)


def _reason(done: Completed) -> str:
    errors = [line[3:] for line in done.stderr.splitlines() if line.startswith("E: ")]
    if errors:
        return "; ".join(errors)
    return (
        (done.stderr.strip() or done.stdout.strip()).splitlines()[-1]
        if done.stderr.strip() or done.stdout.strip()
        else "no reason given"
    )


_INST = re.compile(r"^Inst (\S+)(?: \[([^\]]*)\])?(?: \((\S+))?", re.MULTILINE)
_REMV = re.compile(r"^(?:Remv|Purg) (\S+)(?: \[([^\]]*)\])?", re.MULTILINE)


def _steps(output: str) -> "list[Step]":
    steps: "dict[str, Step]" = {}
    for match in _REMV.finditer(output):
        steps[match.group(1)] = Step(match.group(1), match.group(2) or "", "")
    for match in _INST.finditer(output):
        steps[match.group(1)] = Step(match.group(1), match.group(2) or "", match.group(3) or "")
    return list(steps.values())


def difference(steps: "Sequence[Step]") -> "dict[str, Mapping[str, str]]":
    """before/after of the packages that come, go or change."""
    return {
        "before": {step.name: step.before for step in steps if step.before},
        "after": {step.name: step.after for step in steps if step.after},
    }
