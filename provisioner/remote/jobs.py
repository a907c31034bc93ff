"""Jobs: tasks with `async`, each in a process and a session of its own that outlives the runner.

A job has one file in a directory that only its user may enter. The file says who does the job while it runs, and
holds the module's result from then on; `async_status` reads it.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import stat
import subprocess
from typing import Any, Callable, Mapping, NoReturn, Optional

from provisioner.remote.identity import identity
from provisioner.remote.plain import plain
from provisioner.remote.process import find_program
from provisioner.remote.sdk import ModuleFailed

ID = re.compile(r"[A-Za-z0-9]+\.[0-9]+")
_SCOPE = (
    "call", "--quiet", "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
    "StartTransientUnit", "ssa(sv)a(sa(sv))",
)  # fmt: skip


class Nobody:
    """The channel of a process that has no controller: nothing can be sent, nothing is awaited."""

    ended = False
    cancelled = False
    in_segment = True

    def fileno(self) -> int:
        return -1

    def nothing(self, *given: Any) -> None:
        """Telling somebody who is not there."""

    pump = tick = forget_blobs = send = send_live = nothing

    def refuse(self, *given: Any) -> NoReturn:
        raise ModuleFailed("a job of `async` can't ask the controller for anything")

    want = send_bulk = next_blob = wait_until = refuse


def start(folder: str, home: str, work: "Callable[[], Mapping[str, Any]]") -> "dict[str, Any]":
    """Begin a job; gives what its task results in."""
    try:
        kept = directory(folder, home)
        job = "j%d.%d" % (random.SystemRandom().randrange(10**11, 10**12), os.getpid())
        path = os.path.join(kept, job)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        _spawn(job, path, work)
    except ModuleFailed as error:
        return {"failed": True, "changed": False, "msg": error.message}
    except OSError as error:
        return {"failed": True, "changed": False, "msg": "the job could not be started: %s" % error}
    return {"changed": True, "started": True, "finished": False, "ansible_job_id": job, "results_file": path}


def directory(folder: str, home: str) -> str:
    """The directory of jobs, made if needed. Raises ModuleFailed where others could write into it."""
    path = os.path.join(home, os.path.expandvars(home + folder[1:] if folder.startswith("~/") else folder))
    os.makedirs(path, 0o700, exist_ok=True)
    status = os.stat(path)
    if status.st_uid not in (os.geteuid(), 0):
        raise ModuleFailed("the directory of jobs %s belongs to another user" % path)
    if stat.S_IMODE(status.st_mode) & 0o077:
        if status.st_uid != os.geteuid():
            raise ModuleFailed("others may enter the directory of jobs %s" % path)
        os.chmod(path, 0o700)
    return path


def read(path: str) -> "Optional[dict[str, Any]]":
    """What the file of a job says; None when there is no such job. One that died says so."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    state: "dict[str, Any]" = json.loads(text) if text else {"started": True, "finished": False}
    process = state.pop("process", None)
    if process is not None and process != identity(process[0]):
        return {"started": True, "finished": True, "failed": True, "changed": False,
                "msg": "the job ended without a result: it was killed, or the host was started anew"}
    return state


def _spawn(job: str, path: str, work: "Callable[[], Mapping[str, Any]]") -> None:
    """Two forks: the job is nobody's child, and no child of the runner's is left to end."""
    ready, told = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            if os.fork() == 0:
                _be_job(job, path, told, work)
        finally:
            os._exit(0)
    os.close(told)
    os.waitpid(child, 0)
    begun = os.read(ready, 1)
    os.close(ready)
    if not begun:
        raise ModuleFailed("the job ended before it began")


def _be_job(job: str, path: str, told: int, work: "Callable[[], Mapping[str, Any]]") -> None:
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.dup2(told, 3)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 3:
            with contextlib.suppress(OSError):  # the one that listed them
                os.close(int(name))
    _leave_the_session(job)
    _write(path, {"started": True, "finished": False, "ansible_job_id": job, "process": identity(os.getpid())})
    os.write(3, b"1")
    os.close(3)
    _write(path, plain({**_result(work), "ansible_job_id": job, "started": True, "finished": True}))


def _result(work: "Callable[[], Mapping[str, Any]]") -> "Mapping[str, Any]":
    try:
        return work()
    except Exception as error:  # nobody else could tell it
        import traceback  # noqa: PLC0415

        return {"failed": True, "changed": False, "msg": "the job crashed: %s" % error,
                "exception": traceback.format_exc()}


def _leave_the_session(job: str) -> None:
    """Into a systemd scope of its own: where logind ends what a login leaves behind, a session of its own is not
    enough. Only root may; for others, and without systemd, it stays where it is."""
    program = find_program("busctl", os.environ)
    if os.geteuid() != 0 or program is None or not os.path.isdir("/run/systemd/system"):
        return
    unit = "provision-job-%s.scope" % job
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run([program, *_SCOPE, unit, "fail", "1", "PIDs", "au", "1", str(os.getpid()), "0"],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=10,
                       check=False)  # fmt: skip


def _write(path: str, state: "Mapping[str, Any]") -> None:
    temporary = path + ".new"
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file:
        json.dump(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.rename(temporary, path)
