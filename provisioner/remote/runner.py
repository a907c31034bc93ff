"""Runs tasks on a host, one after the other, in one process, until the controller says `bye` or is gone.

When the controller is gone, the running task is finished (within its own deadline, or an hour when it has none), the
tasks behind it are not begun, and the process ends. SIGTERM ends everything at once; SIGHUP means that a terminal is
gone, which is the same as the controller being gone: a release is never stopped in the middle by a broken line.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from typing import Any, Callable, Mapping, Optional, Protocol

from provisioner.remote.cancel import Terminated, TimedOut
from provisioner.remote.channel import Channel
from provisioner.remote.content import Contents, split_inline
from provisioner.remote.context import Context, Services, Task
from provisioner.remote.plain import plain
from provisioner.remote.sdk import Cancelled
from provisioner.remote.statecycle import execute
from provisioner.remote.wire import PROTOCOL, Frame, WireError

MODULES = "provisioner.remote.modules."
RESULT_LIMIT = 32 << 20
LAST_WAIT = 2.0  # seconds for children to end that were killed
ALARM_AGAIN = 15.0  # seconds after which a module that caught the alarm hears it again


class Loader(Protocol):
    """What the runner needs of `importer.Importer`."""

    fetch: Any

    def cached(self) -> "list[str]": ...
    def knows(self, name: str) -> bool: ...
    def lacking(self, name: str) -> "list[str]": ...
    def receive(self, name: str, sha256: str, source: bytes) -> None: ...


class Surroundings:
    """What belongs to the whole process and no module may change; put back, with a warning, when one did."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.enter("")
        self.umask = os.umask(0o022)
        os.umask(self.umask)
        self.environ = dict(os.environ)

    def enter(self, folder: str) -> None:
        """Go where the next task runs: `folder`, the home directory where there is none or it can't be entered."""
        for place in (folder, self.home, "/"):
            try:
                os.chdir(place)
                break
            except OSError:
                continue
        self.folder = os.getcwd()

    def restore(self) -> "list[str]":
        """What had to be put back, in words."""
        changed = []
        try:
            if os.getcwd() != self.folder:
                changed.append("the working directory")
        except FileNotFoundError:
            changed.append("the working directory (it was removed)")
        if changed:
            os.chdir(self.folder if os.path.isdir(self.folder) else "/")
        if os.umask(self.umask) != self.umask:
            changed.append("the umask")
        if os.environ != self.environ:
            os.environ.clear()
            os.environ.update(self.environ)
            changed.append("the environment")
        return changed


def _takes_any(header: "Mapping[str, Any]") -> "Optional[dict[str, Any]]":
    return None


def _runs_any(module: str, args: "Mapping[str, Any]") -> str:
    return ""


class Runner:
    """One session. `serve` until it is over.

    refused: gives the result of a task that is not run at all, None for others. refusal: says why a module is not run
    with these arguments, also as a part of another one; empty if it is.
    """

    def __init__(self, loader: Loader, source: int, sink: int, early: bytes,
                 refused: "Callable[[Mapping[str, Any]], Optional[dict[str, Any]]]" = _takes_any,
                 refusal: "Callable[[str, Mapping[str, Any]], str]" = _runs_any) -> None:
        self._refuse, self._refusal = refused, refusal
        self.user, self.home = _who()
        self.surroundings = Surroundings(self.home)
        self.loader = loader
        self.loader.fetch = self._fetch
        self._asked: "set[str]" = set()
        self._refused: "dict[str, str]" = {}
        self._stopped: Any = None  # id of the task that ended the segment
        self._predicted: "dict[str, dict[str, Any]]" = {}  # by the check-mode tasks of this segment so far
        self._open_group: Any = None  # the failed task's group while members of it are still to come
        self.channel = Channel(source, sink, self._arrived)
        self.channel.feed(early)

    # -- the session ---------------------------------------------------------------------------------------
    def serve(self) -> None:
        self._hello()
        while True:
            frame = self.channel.next()
            if frame is None:
                return
            if frame.kind == "task":
                self._task(frame)
            elif frame.kind == "seal":
                self._seal(frame)
            elif frame.kind == "bye":
                self.channel.flush()
                return
            else:
                raise WireError("the controller sent a frame `%s`" % frame.kind)

    def _hello(self) -> None:
        self.channel.send({
            "t": "hello", "protocol": PROTOCOL, "python": list(sys.version_info[:3]), "boot_id": _boot_id(),
            "uid": os.geteuid(), "pid": os.getpid(), "user": self.user, "home": self.home,
            "cached": self.loader.cached(),
        })  # fmt: skip
        self.channel.pump()

    def _seal(self, frame: Frame) -> None:
        self.channel.send({"t": "sealed", "segment": frame.header.get("segment"), "stopped": self._stopped})
        self.channel.segment_over()
        self._stopped = self._open_group = None
        self._predicted = {}
        self.channel.pump()

    # -- code ------------------------------------------------------------------------------------------------
    def _arrived(self, frame: Frame) -> None:
        """Sees `code` and `task` frames as soon as they are read, long before the task's turn."""
        header = frame.header
        if frame.kind == "code":
            if header.get("error"):
                self._refused[header["name"]] = str(header["error"])
            else:
                self.loader.receive(header["name"], header["sha256"], frame.body)
        else:
            self._ask(MODULES + str(header.get("module")))

    def _ask(self, name: str) -> None:
        for lacking in self.loader.lacking(name):
            if lacking not in self._asked:
                self._asked.add(lacking)
                self.channel.send({"t": "want", "code": lacking})

    def _fetch(self, name: str) -> None:
        """Wait until the code of `name` is here (asked for when its task was read, or now for a late import)."""
        self._ask(name)
        self.channel.wait_until(lambda: name in self._refused or name not in self.loader.lacking(name))
        if name in self._refused:
            raise ImportError("the controller can't give the code of %s: %s" % (name, self._refused[name]))

    # -- a task ----------------------------------------------------------------------------------------------
    def _task(self, frame: Frame) -> None:
        header = frame.header
        if self._stopped is not None and (self._open_group is None or header.get("group") != self._open_group):
            return
        self.channel.in_segment = True
        self.channel.send({"t": "begin", "id": header["id"]})
        started = time.monotonic()
        result = self._refuse(header)
        if result is None:
            result = self._in_background(frame) if header.get("background") else self._guarded(frame)
        took = (time.monotonic() - started) * 1000
        self._remember(header, result)
        body = _as_json(result)
        self.channel.send({"t": "result", "id": header["id"], "ms": round(took, 3)}, body)
        if result.get("failed") and header.get("stop") and self._stopped is None:
            self._stopped = header["id"]
            self._open_group = header.get("group")
        if result.get("cancelled"):
            self._stopped = header["id"]
            self._open_group = None
        elif header.get("last", True) and header.get("group") == self._open_group:
            self._open_group = None

    def _remember(self, header: "Mapping[str, Any]", result: "Mapping[str, Any]") -> None:
        """A segment is sent as a whole, so the controller can't tell its later tasks what earlier ones predict."""
        if header.get("check"):
            for kind, name, attributes in result.get("predictions") or ():
                self._predicted.setdefault(kind, {})[name] = attributes

    def _foreseen(self, header: "Mapping[str, Any]") -> "dict[str, dict[str, Any]]":
        """What would exist if the tasks before this one had been done for real."""
        known = {kind: dict(named) for kind, named in (header.get("predicted") or {}).items()}
        for kind, named in self._predicted.items():
            known.setdefault(kind, {}).update(named)
        return known

    def _in_background(self, frame: Frame) -> "dict[str, Any]":
        """Start the task as a job of its own and leave it alone."""
        from provisioner.remote import jobs  # noqa: PLC0415 - few tasks are jobs

        seconds, folder = frame.header["background"]
        name = MODULES + frame.header["module"]
        try:
            self.channel.wait_until(lambda: not self.loader.lacking(name) or name in self._refused)
        except Cancelled as stop:
            message = "stopped before it was begun: %s" % stop
            return {"failed": True, "changed": False, "cancelled": True, "msg": message}

        def work() -> "dict[str, Any]":
            self.channel = jobs.Nobody()  # type: ignore[assignment]
            return self._guarded(Frame({**frame.header, "timeout": seconds}, frame.body))

        return jobs.start(folder, self.home, work)

    def _guarded(self, frame: Frame) -> "dict[str, Any]":
        """The task's result, whatever happens, and the process as it was before."""
        timeout = frame.header.get("timeout")
        self.surroundings.enter(frame.header.get("folder") or "")
        context = self._context(frame, timeout)
        alarm = _Alarm(timeout)
        try:
            with alarm:
                verify = bool(frame.header.get("verify"))
                result = self._execute(context, frame.header["module"], frame.header.get("args") or {}, verify)
        except TimedOut as late:
            result = {**late.data, "failed": True, "changed": False, "timedout": {"period": timeout},
                      "msg": "Timed out after %.12g second(s)." % (timeout or 0)}
        except Cancelled as stop:
            message = "stopped before it was done: %s" % stop
            result = {"failed": True, "changed": False, "cancelled": True, "msg": message}
        finally:
            _end_children()
            context.close()
            self.channel.forget_blobs()
        for what in self.surroundings.restore():
            context.warn("module `%s` changed %s of the runner; it was put back" % (context.module, what))
        if context.warnings:
            result["warnings"] = [*result.get("warnings", ()), *context.warnings]
        return result

    def _context(self, frame: Frame, timeout: Optional[float]) -> Context:
        header = frame.header
        task = Task(
            header["module"], bool(header.get("check")), bool(header.get("diff")),
            {name: str(value) for name, value in (header.get("env") or {}).items()},
            self._foreseen(header) if header.get("check") else {},
            None if timeout is None else time.monotonic() + timeout,
        )  # fmt: skip

        def emit(stream: str, data: bytes) -> None:
            self.channel.send_live({"t": "text", "id": header["id"], "stream": stream}, data)

        services = Services(
            self.channel, Contents(self.channel, header["id"], split_inline(frame)), emit, self.channel.tick,
            self._call, self.home, self.surroundings.umask,
            self.surroundings.folder,
        )  # fmt: skip
        return Context(task, services)

    def _call(self, context: Context, module: str, args: "Mapping[str, Any]") -> "dict[str, Any]":
        """`ctx.call`: another module as a part of this task."""
        inner = context.for_module(module)
        try:
            return self._execute(inner, module, args, False)
        finally:
            inner.close()

    def _execute(self, context: Context, name: str, args: "Mapping[str, Any]", verify: bool) -> "dict[str, Any]":
        if not self.loader.knows(MODULES + name):
            return {"failed": True, "changed": False, "msg": "there is no module `%s` for hosts" % name}
        why = self._refusal(name, args)
        if why:
            return {"changed": False, "unknown": why}
        try:
            __import__(MODULES + name)
        except Cancelled:
            raise
        except Exception as error:  # this Python lacks something, or a helper could not be fetched
            return {"failed": True, "changed": False, "msg": "module `%s` can't be loaded: %s" % (name, error)}
        return execute(sys.modules[MODULES + name], context, args, verify=verify)


class _Alarm:
    """SIGALRM at the deadline, for modules that don't wait in a child process."""

    def __init__(self, seconds: Optional[float]) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        if self._seconds is not None:
            signal.signal(signal.SIGALRM, _overdue)
            signal.setitimer(signal.ITIMER_REAL, max(self._seconds, 0.001), ALARM_AGAIN)

    def __exit__(self, *exc: object) -> None:
        if self._seconds is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _overdue(number: int, frame: Any) -> None:
    raise TimedOut("the deadline of the task has passed")


def _as_json(result: "Mapping[str, Any]") -> bytes:
    body = json.dumps(plain(result), separators=(",", ":")).encode("ascii")
    if len(body) > RESULT_LIMIT:
        short = {"failed": True, "changed": bool(result.get("changed")),
                 "msg": "the result is larger than %d MiB" % (RESULT_LIMIT >> 20)}
        return json.dumps(short).encode("ascii")
    return body


def _end_children() -> None:
    """End every child there still is. `process.run` waits for its own, so what is left was being started when a signal
    came. Daemons are nobody's children any more and live on. A child that can't be ended (it is root's, by sudo; it
    hangs in the kernel) is not waited for."""
    until = time.monotonic() + LAST_WAIT
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        with open("/proc/self/task/%d/children" % os.getpid()) as file:
            children = [int(pid) for pid in file.read().split()]
        for pid in children:
            for end in (os.killpg, os.kill):  # its group, and itself if it has not made one yet
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    end(pid, signal.SIGKILL)
            while not os.waitpid(pid, os.WNOHANG)[0] and time.monotonic() < until:
                time.sleep(0.005)
    except OSError:  # no children, or no list of them
        return


def _who() -> "tuple[str, str]":
    import pwd  # noqa: PLC0415

    try:
        entry = pwd.getpwuid(os.geteuid())
    except KeyError:
        return str(os.geteuid()), "/"
    return entry.pw_name, entry.pw_dir


def _boot_id() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


def _set_signals(runner: Runner) -> None:
    def terminate(number: int, frame: Any) -> None:
        raise Terminated

    def hang_up(number: int, frame: Any) -> None:
        if not runner.channel.in_segment:
            raise Terminated
        runner.channel.ended = True

    signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGHUP, hang_up)
    signal.signal(signal.SIGINT, lambda number, frame: None)  # ^C is the controller's to hear; it sends `cancel`
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # a parent that ignored it would hide our children's exit status


def main(loader: Loader, source: int, sink: int, early: bytes,
         refused: "Callable[[Mapping[str, Any]], Optional[dict[str, Any]]]" = _takes_any,
         refusal: "Callable[[str, Mapping[str, Any]], str]" = _runs_any) -> None:
    """Serve one session on two descriptors."""
    runner: Optional[Runner] = None
    try:
        runner = Runner(loader, source, sink, early, refused, refusal)
        _set_signals(runner)
        runner.serve()
    except Terminated:
        _end_children()
        raise SystemExit(128 + signal.SIGTERM) from None
    except Exception:
        import traceback  # noqa: PLC0415 - 12 ms

        text = traceback.format_exc()
        sys.stderr.write(text)
        if runner is not None:
            runner.channel.send({"t": "crash"}, text.encode("utf-8", "backslashreplace"))
            runner.channel.flush()
        raise SystemExit(3) from None
