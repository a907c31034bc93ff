"""Root filesystems of lab hosts: a base per Debian release and layers of extra packages over it, built once.

Both live in the cache under a name that holds the hash of everything that went into them. They are built beside that
name and renamed when complete, in a process and mount namespace that dies with this process: a killed build leaves
only a directory the next build (or `lab down --all`) removes.
"""

from __future__ import annotations

import collections
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioner.diag import LabError, near
from provisioner.lab import command, settings
from provisioner.lab.lock import locked, locked_if_free
from provisioner.lab.mirror import sources

RELEASES = ("bullseye", "bookworm", "trixie", "forky")
DEFAULT_RELEASE = "bookworm"
VARIANT = "minbase"  # Debian's "required" packages and apt: what every real host has
BUILDER_VERSION = 1  # part of the hash: raise it when what a build does changes
PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "openssh-server", "python3", "iproute2", "ca-certificates", "sudo", "procps",
)  # fmt: skip
PACKAGE_NAME = re.compile(r"[a-z0-9][a-z0-9.+-]+(?:=[\w.+:~-]+)?")
BUILDING, LOCK = ".building", ".lock"
DYING_SECONDS = 3
# Whoever dies takes the whole build along: the kernel kills `unshare` with this process and, with it, its children.
CONFINED = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
BASE_LINES, LAYER_LINES = 1400, 60  # of output, about; they only pace the progress bar

INSTALL = """
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/layer,workdir=$2/work" "$2/root"
mount -t proc proc "$2/root/proc"
mount --bind /dev "$2/root/dev"
root=$2/root
shift 2
printf '#!/bin/sh\\nexit 101\\n' > "$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
chroot "$root" apt-get -q update
chroot "$root" apt-get -q -y --no-install-recommends install "$@"
chroot "$root" apt-get clean
rm -rf "$root/usr/sbin/policy-rc.d" "$root"/var/lib/apt/lists/*
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a build is: 0 to 1, and what it does now."""

    title: str
    fraction: float
    text: str


Report = Callable[[Progress], None]


class ExpiredMirror(LabError):
    """The package mirror serves a frozen archive whose signature says it is too old."""


def ensure(cache: Path, release: str, packages: Sequence[str], report: Report) -> tuple[Path, ...]:
    """Directories to stack as a host's lower layers, topmost first; builds what the cache lacks."""
    if release not in RELEASES:
        raise LabError(f"No Debian release {release!r} for lab hosts", hint=near(release, RELEASES) or _known())
    wanted = tuple(sorted(set(packages)))
    for package in wanted:
        if not PACKAGE_NAME.fullmatch(package):
            raise LabError(f"{package!r} is not a Debian package name", hint="give names as for apt-get install")
    base = cache / _base_name(release)
    _once(base, f"Debian {release}", report, lambda build: _build_base(release, build))
    if not wanted:
        return (base / "rootfs",)
    layer = cache / f"{base.name}+{_digest(base.name, wanted, BUILDER_VERSION)}"
    _once(layer, ", ".join(wanted), report, lambda build: _build_layer(base / "rootfs", wanted, build))
    return (layer / "layer", base / "rootfs")


def remove_unfinished(cache: Path) -> None:
    """Delete what killed builds left; a build that still runs is left alone."""
    for name in {path.stem for end in (BUILDING, LOCK) for path in cache.glob(f"*{end}")}:
        # a killed build's processes hold the lock until the last of them is gone
        with locked_if_free(cache / f"{name}{LOCK}", DYING_SECONDS) as held:
            if held:
                shutil.rmtree(cache / f"{name}{BUILDING}", ignore_errors=True)
                (cache / f"{name}{LOCK}").unlink()


def _known() -> str:
    return f"there are {', '.join(RELEASES)}"


def _base_name(release: str) -> str:
    authorities = [[name, hashlib.sha256(text).hexdigest()] for name, text in settings.extra_authorities().items()]
    machine = platform.machine()
    return f"{release}-{_digest(release, PACKAGES, VARIANT, BUILDER_VERSION, machine, sources(release), *authorities)}"


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class _Build:
    title: str
    directory: Path
    lock: int
    report: Callable[[float, str], None]

    def run(self, argv: Sequence[str], lines: int) -> None:
        """Run a step of the build in its own namespaces; every line of output moves the progress."""
        tail: collections.deque[str] = collections.deque(maxlen=400)
        # The child inherits the lock, so that no second builder starts before the last process of this one is gone.
        with subprocess.Popen(
            [*CONFINED, *argv],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", pass_fds=(self.lock,),
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
        ) as child:  # fmt: skip
            assert child.stdout is not None
            try:
                for count, line in enumerate(child.stdout):
                    tail.append(line.rstrip())
                    self.report(min(count / lines, 0.99), "".join(filter(str.isprintable, line)).strip())
            except BaseException:
                child.kill()
                raise
        if child.returncode != 0:
            kind = ExpiredMirror if any("is expired" in line for line in tail) else LabError
            last = "".join(f"\n  {line}" for line in list(tail)[-command.LAST_LINES :])
            raise kind(f"Building the root filesystem for lab hosts ({self.title}) failed:{last}")


def _once(target: Path, title: str, report: Report, build: Callable[[_Build], None]) -> None:
    """Build `target` unless it is there, alone and all or nothing."""
    if target.is_dir():
        return
    lock, directory = (target.parent / f"{target.name}{end}" for end in (LOCK, BUILDING))

    def waiting() -> None:
        report(Progress(title, 0, "waiting for another build of it"))

    with locked(lock, waiting) as descriptor:
        try:
            if not target.is_dir():
                shutil.rmtree(directory, ignore_errors=True)
                settings.make_directories(directory)
                build(_Build(title, directory, descriptor, lambda part, text: report(Progress(title, part, text))))
                directory.rename(target)
                report(Progress(title, 1, "ready"))
        finally:
            shutil.rmtree(directory, ignore_errors=True)
            lock.unlink()


def _build_base(release: str, build: _Build) -> None:
    try:
        _bootstrap(release, build, ())
    except ExpiredMirror:
        # A mirror that stands still (a snapshot, an office cache) ends the validity of testing's lists after days.
        # For a throw-away host an old list is better than none; stable releases have no such date.
        build.report(0, "the mirror's lists are out of date; using them all the same")
        shutil.rmtree(build.directory / "rootfs", ignore_errors=True)
        _bootstrap(release, build, ('Acquire::Check-Valid-Until "false";',))
    shutil.rmtree(build.directory / "tmp")
    _finish_base(build.directory / "rootfs")


def _bootstrap(release: str, build: _Build, apt: Sequence[str]) -> None:
    root, scratch = build.directory / "rootfs", build.directory / "tmp"
    scratch.mkdir(exist_ok=True)
    scratch.chmod(0o1777)  # apt's downloader drops to a user of its own
    settings.make_directories(root)
    options = [f"--aptopt={line}" for line in [*settings.apt_settings().splitlines(), *apt]]
    include = f"--include={','.join(PACKAGES)}"
    argv = ["mmdebstrap", "--verbose", "--mode=root", f"--variant={VARIANT}", include, *options]
    build.run(["env", f"TMPDIR={scratch}", *argv, release, str(root), *sources(release)], BASE_LINES)
    if apt:
        settings.write_files(root, {"etc/apt/apt.conf.d/91lab-frozen-mirror": "\n".join([*apt, ""])})


def _finish_base(root: Path) -> None:
    """What all hosts of a release share; whatever must differ between hosts is taken out."""
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (root / "etc/machine-id").write_text("")
    (root / "etc/apt/apt.conf.d/99mmdebstrap").unlink(missing_ok=True)
    authorities = root / "usr/local/share/ca-certificates"
    settings.make_directories(authorities)
    for name, content in settings.extra_authorities().items():
        (authorities / name).write_bytes(content)
        (authorities / name).chmod(0o644)
    command.run(["chroot", str(root), "update-ca-certificates"])


def _build_layer(base: Path, packages: Iterable[str], build: _Build) -> None:
    for name in ("layer", "work", "root"):
        settings.make_directories(build.directory / name)
    settings.write_files(build.directory / "layer", settings.network_files())
    build.run(["sh", "-ec", INSTALL, "sh", str(base), str(build.directory), *packages], LAYER_LINES)
    shutil.rmtree(build.directory / "work")
    (build.directory / "root").rmdir()
