"""Finds and kills the processes of one container by what they are, never by a remembered number.

A process belongs to a container if it is a supervisor or systemd-nspawn started on exactly its root directory, or if it
is a PID 1 whose file system root is the container's overlay. Signals go through a pidfd that is opened before the
check, so a number the kernel gave to somebody else in the meantime is never hit.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from provisioner.diag import LabError

PROC = Path("/proc")
KTHREADD = 2
EXEC_LOOKS = 100


@dataclass(frozen=True, slots=True)
class Container:
    """The running parts of one host. `root` is its mounted root, `upper` the overlay's writable directory."""

    root: Path
    upper: Path

    def supervisors(self) -> list[int]:
        """Processes on this side: the restart loop and systemd-nspawn, parents first."""
        return [pid for pid in _pids() if self._is_supervisor(pid)]

    def leader(self) -> int | None:
        """The host's own PID 1, as this machine numbers it; None while it is not running."""
        return next((pid for pid in _pids() if self._is_leader(pid)), None)

    def is_running(self) -> bool:
        return any(self._is_supervisor(pid) or self._is_leader(pid) for pid in _pids())

    def kill(self, timeout: float = 20) -> None:
        """A power cut: supervisors first, that none restarts it, then PID 1 and with it all the host runs."""
        deadline = time.monotonic() + timeout
        while self.is_running():
            for pid in _pids():
                _signal_if(pid, signal.SIGKILL, self._is_supervisor)
            for pid in _pids():
                _signal_if(pid, signal.SIGKILL, self._is_leader)
            if time.monotonic() > deadline:
                raise LabError(f"The processes of {self.root} do not end")
            time.sleep(0.02)

    def signal_leader(self, number: int) -> None:
        """Send a signal to the host's PID 1 if it runs."""
        for pid in _pids():
            _signal_if(pid, number, self._is_leader)

    def _is_supervisor(self, pid: int) -> bool:
        argv = _command_line(pid)
        return b"systemd-nspawn" in argv and b"--directory=" + os.fsencode(self.root) in argv and not _is_dead(pid)

    def _is_leader(self, pid: int) -> bool:
        if not _is_init_of_a_namespace(pid):
            return False
        upper = b"upperdir=" + os.fsencode(self.upper)
        for line in _read(pid, "mountinfo").splitlines():
            fields = line.split()
            if fields[4] == b"/" and fields[-1].split(b",").count(upper):
                return not _is_dead(pid)
        return False


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir(PROC) if name.isdigit())


def _read(pid: int, name: str) -> bytes:
    try:
        return (PROC / str(pid) / name).read_bytes()
    except OSError:  # it ended
        return b""


def _command_line(pid: int) -> list[bytes]:
    """The arguments of a process. One that is becoming another program has none for a moment, and a busy machine
    can make that moment long: a supervisor that is just being started must not be taken for absent."""
    for _ in range(EXEC_LOOKS):
        line = _read(pid, "cmdline")
        if line or _is_dead(pid) or _is_kernel_thread(pid):
            break
        time.sleep(0.005)
    return line.split(b"\0")


def _is_kernel_thread(pid: int) -> bool:
    """Kernel threads have no arguments at any time; they are kthreadd (2) and its children."""
    after_name = _read(pid, "stat").rpartition(b")")[2].split()
    return pid == KTHREADD or after_name[1:2] == [b"%d" % KTHREADD]


def _is_dead(pid: int) -> bool:
    """Gone, or a zombie nobody has waited for yet."""
    return _read(pid, "stat").rpartition(b")")[2].split()[:1] in ([], [b"Z"], [b"X"])


def _is_init_of_a_namespace(pid: int) -> bool:
    for line in _read(pid, "status").splitlines():
        if line.startswith(b"NSpid:"):
            numbers = line.split()[1:]
            return len(numbers) > 1 and numbers[-1] == b"1"
    return False


def _signal_if(pid: int, number: int, belongs: Callable[[int], bool]) -> None:
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            if belongs(pid):
                signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)
