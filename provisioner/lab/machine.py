"""Boots and stops one host: an overlay over the image, in systemd-nspawn, in a network namespace made beforehand."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from provisioner.diag import LabError
from provisioner.lab.command import LAST_LINES, run
from provisioner.lab.mounts import is_mounted, unmount_below
from provisioner.lab.processes import Container
from provisioner.lab.settings import make_directories

CGROUPS = Path("/sys/fs/cgroup")
NSPAWN_STATE = Path("/run/systemd/nspawn")
BOOT_SECONDS = 60
GROUP_SECONDS = 5
ORDERLY_STOP = signal.SIGRTMIN + 4  # systemd: power off

# Moves itself into the host's own control group, then boots the host again for as long as it asks to reboot, which
# systemd-nspawn --keep-unit tells by ending with 133. Without a group of its own a host would share the caller's, and
# stopping a service in one host would stop it in all of them. It is given the lab's lock as its input, and lets it go
# once it can be found among the processes: whoever has the lock next sees every host that was started.
SUPERVISOR = """
exec < /dev/null
while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 1; shift; done; shift
while :; do
  "$@"; code=$?
  [ "$code" = 133 ] || exit "$code"
done
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """One host's place on this machine. `unit` is its name among all containers here, `name` its host name."""

    directory: Path
    unit: str
    name: str
    namespace: Path
    options: tuple[str, ...] = ()

    @property
    def root(self) -> Path:
        return self.directory / "root"

    @property
    def console(self) -> Path:
        return self.directory / "console.log"

    @property
    def container(self) -> Container:
        return Container(self.root, self.directory / "upper")

    def mount(self, layers: Sequence[Path]) -> None:
        """Stack the host's own writable layer over `layers` (topmost first); does nothing where that is done."""
        if is_mounted(self.root):
            return
        parts = {name: self.directory / name for name in ("upper", "work", "root")}
        for part in parts.values():
            make_directories(part)
        for path in (*layers, self.directory):
            if set(str(path)) & set(":,\\"):
                raise LabError(f"A lab cannot be kept in {path}", hint="the path may hold no colon, comma, backslash")
        lower = ":".join(map(str, layers))
        # xino: the names of a hard link keep one inode number, also where the image is on another file system
        options = f"lowerdir={lower},upperdir={parts['upper']},workdir={parts['work']},xino=on"
        run(["mount", "-t", "overlay", "overlay", "-o", options, str(self.root)])

    def start(self, lock: int | None = None) -> None:
        """Start booting; returns at once. The host outlives this process. `lock`: the descriptor of the lab's lock
        (`lock.locked`), if it is held."""
        groups = _own_groups(self.unit)
        for group in groups:
            group.mkdir(parents=True, exist_ok=True)
        argv = [
            "systemd-nspawn", "--quiet", "--boot", f"--directory={self.root}", f"--machine={self.unit}",
            f"--hostname={self.name}", f"--network-namespace-path={self.namespace}", "--register=no",
            "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=read-only", *self.options,
        ]  # fmt: skip
        if groups:
            argv.append("--keep-unit")
        # cgroup v2 inside: current releases of systemd know nothing else. Network settings are the host's own business.
        environment = {
            "PATH": os.environ["PATH"],
            "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
            "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
        }
        with self.console.open("ab") as console:
            subprocess.run(
                ["setsid", "--fork", "sh", "-c", SUPERVISOR, "lab-supervisor", *map(str, groups), "--", *argv],
                stdin=subprocess.DEVNULL if lock is None else lock, stdout=console, stderr=console, env=environment,
                cwd="/", check=True,
            )  # fmt: skip

    def wait_until_up(self, address: str) -> int:
        """Wait for SSH and the end of booting; returns the leader's process id."""
        deadline = time.monotonic() + BOOT_SECONDS
        while not _speaks_ssh(address):
            self._check_alive(deadline)
            time.sleep(0.05)
        while True:
            leader = self.container.leader()
            if leader is not None:
                done = subprocess.run(
                    [*enter(leader), "systemctl", "is-system-running", "--wait"],
                    capture_output=True, text=True, check=False,
                    env=INSIDE, timeout=max(1, deadline - time.monotonic()),
                )  # fmt: skip
                # "degraded" is a host with a failed unit: for the user to see, not for us to refuse
                if done.stdout.strip() in ("running", "degraded"):
                    return leader
            self._check_alive(deadline)
            time.sleep(0.05)

    def stop(self, timeout: float = 20) -> None:
        """An orderly shutdown, or the power cut if that takes longer than `timeout` seconds."""
        self.container.signal_leader(ORDERLY_STOP)
        deadline = time.monotonic() + timeout
        while self.container.is_running() and time.monotonic() < deadline:
            time.sleep(0.05)
        self.container.kill()

    def _check_alive(self, deadline: float) -> None:
        if time.monotonic() > deadline or not self.container.is_running():
            text = self.console.read_text(errors="replace").splitlines()[-LAST_LINES:]
            lines = "".join(f"\n  {line}" for line in text)
            raise LabError(f"Lab host {self.name} did not boot; its console ends with:{lines}", hint=str(self.console))


INSIDE = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}


def enter(leader: int) -> list[str]:
    """Command prefix that runs what follows inside the host whose PID 1 is `leader`."""
    return ["nsenter", f"--target={leader}", "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd", "--"]


def discard(directory: Path) -> None:
    """Kill the host kept in `directory` and delete it, in whatever state of being made it is."""
    root = directory / "root"
    Container(root, directory / "upper").kill()
    with suppress(FileNotFoundError):
        status = root.stat()
        (NSPAWN_STATE / "locks" / f"inode-{status.st_dev}:{status.st_ino}").unlink(missing_ok=True)
    unmount_below(directory)
    shutil.rmtree(directory)


def remove_traces(unit: str) -> None:
    """Remove the control groups and run-time files of the containers whose name matches the glob `unit`."""
    for group in CGROUPS.glob(f"*/{unit}"):
        _remove_group(group)
    for group in CGROUPS.glob(unit):
        _remove_group(group)
    for path in NSPAWN_STATE.glob(f"*/{unit}"):
        unmount_below(path)
        shutil.rmtree(path, ignore_errors=True)


def _own_groups(unit: str) -> list[Path]:
    """Control groups the host needs made by hand; none where systemd runs this machine and makes scopes."""
    if Path("/run/systemd/system").is_dir():
        return []
    if (CGROUPS / "cgroup.procs").exists():
        return [CGROUPS / unit]
    return [CGROUPS / name / unit for name in ("systemd", "unified") if (CGROUPS / name / "cgroup.procs").exists()]


def _remove_group(group: Path) -> None:
    deadline = time.monotonic() + GROUP_SECONDS
    while group.is_dir() and time.monotonic() < deadline:
        for path, _, _ in os.walk(group, topdown=False):
            with suppress(OSError):  # a group takes a moment to notice that its last process is gone
                os.rmdir(path)
        if group.is_dir():
            time.sleep(0.02)


def _speaks_ssh(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
