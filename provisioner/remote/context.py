"""The real `sdk.Ctx`: one task's hands on the host. Writers raise in check mode, whatever the module believes."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import stat
import time
from typing import (
    IO,
    TYPE_CHECKING,
    Any,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    NamedTuple,
    Optional,
    Protocol,
    Sequence,
)

from provisioner.remote import files
from provisioner.remote.modebits import mode_bits
from provisioner.remote.sdk import Completed, ModuleFailed, NotKnown, Stat, WriteInCheckMode

if TYPE_CHECKING:
    from provisioner.remote.process import Watch

QUERY_LANGUAGE = {"LC_ALL": "C.UTF-8", "LANGUAGE": ""}
"""Output that is parsed must not depend on the host's language; `run` leaves it to the user."""

ROOT_STATE = "/var/lib/provisioner"
PUBLIC = ("/tmp", "/var/tmp")  # noqa: S108 - parents of private directories with random names
LINES_WAIT = 0.1  # seconds between two sendings of live output
HEARING = 0.2  # seconds between two looks at the controller while a module waits
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})", re.ASCII)


class Task(NamedTuple):
    """What a task frame says about how to run, besides the module and its arguments."""

    module: str
    check: bool = False
    diff: bool = False
    environment: "Mapping[str, str]" = {}  # noqa: RUF012 - a tuple's default
    predicted: "Mapping[str, Mapping[str, Any]]" = {}  # noqa: RUF012
    deadline: Optional[float] = None
    """`time.monotonic()` at which it must be over."""


class Source(Protocol):
    """Where content comes from and goes to: `content.Contents`, or a test's own."""

    def open(self, ref: "Mapping[str, Any]") -> "IO[bytes]": ...
    def ask_ahead(self, refs: "Iterable[Mapping[str, Any]]") -> None: ...
    def send(self, source: "IO[bytes]") -> int: ...


class Services(NamedTuple):
    """What a context needs from the session it lives in; the unit tests give simpler ones."""

    watch: "Watch"
    contents: Source
    emit: "Callable[[str, bytes], None]"
    """Live output: (stream, bytes)."""
    tick: "Callable[[], None]"
    call: "Callable[[Context, str, Mapping[str, Any]], dict[str, Any]]"
    home: str
    umask: int
    folder: str = ""
    """Where relative paths begin; empty: at home."""


class Context:
    """See `sdk.Ctx` for what each method promises. `close` removes what the task must not leave."""

    def __init__(self, task: Task, services: Services) -> None:
        self.check = task.check
        self.want_diff = task.diff
        self.environment = task.environment
        self.module = task.module
        self.state_dir = ROOT_STATE if os.geteuid() == 0 else os.path.join(services.home, ".local/state/provisioner")
        self.warnings: "list[str]" = []
        self._task = task
        self._services = services
        self._temporary: "list[str]" = []

    def for_module(self, module: str) -> "Context":
        """The context of a module that this one calls."""
        inner = Context(self._task._replace(module=module), self._services)
        inner.warnings = self.warnings
        return inner

    def close(self) -> None:
        for path in self._temporary:
            try:
                files.remove(path, recursive=True)
            except (OSError, ModuleFailed) as error:  # the task's own result matters more
                self.warn("the temporary directory %s could not be removed: %s" % (path, error))
        self._temporary.clear()

    # -- reading -------------------------------------------------------------------------------------------
    def query(self, argv: "Sequence[str]", *, input: Optional[bytes] = None, cwd: Optional[str] = None,
              env: "Optional[Mapping[str, str]]" = None, timeout: Optional[float] = None,
              check: bool = False) -> Completed:
        return self._process(argv, input, cwd, {**QUERY_LANGUAGE, **(env or {})}, timeout, check)

    def which(self, program: str) -> Optional[str]:
        from provisioner.remote.process import find_program  # noqa: PLC0415 - subprocess costs 15 ms

        return find_program(program, {**os.environ, **self.environment})

    def stat(self, path: str, *, follow: bool = False) -> Optional[Stat]:
        try:
            status = os.stat(path, follow_symlinks=follow)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):  # the last: links that lead to themselves
                return None
            raise
        kind = files.kind_of(status.st_mode)
        return Stat(
            kind, "%04o" % stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid,
            files.user_name(status.st_uid), files.group_name(status.st_gid), status.st_size,
            status.st_mtime, status.st_atime, status.st_ctime, status.st_ino, status.st_dev, status.st_nlink,
            os.readlink(path) if kind == "link" else None,
        )  # fmt: skip

    def read(self, path: str, limit: int = 64 << 20) -> Optional[bytes]:
        source = _open_regular(path)
        if source is None:
            return None
        with source:
            data = source.read(limit + 1)
        if len(data) > limit:
            raise ModuleFailed("%s is larger than %d bytes" % (path, limit))
        self._services.tick()
        return data

    def read_text(self, path: str, limit: int = 64 << 20) -> Optional[str]:
        data = self.read(path, limit)
        return None if data is None else data.decode("utf-8", "surrogateescape")

    def sha256(self, path: str) -> Optional[str]:
        return self.digest(path, "sha256")

    def digest(self, path: str, algorithm: str) -> Optional[str]:
        source = _open_regular(path)
        if source is None:
            return None
        try:
            digest = hashlib.new(algorithm)
        except ValueError:
            source.close()
            raise ModuleFailed("this host's Python has no checksum called `%s`" % algorithm) from None
        with source:
            for piece in iter(lambda: source.read(files.COPY_SIZE), b""):
                digest.update(piece)
                self._services.tick()
        return digest.hexdigest()

    def listdir(self, path: str) -> "list[str]":
        try:
            return sorted(os.listdir(path))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def expand(self, path: str) -> str:
        known = {**os.environ, **self.environment}
        path = os.path.expanduser(path)
        path = _VARIABLE.sub(lambda found: known.get(found[1] or found[2], found[0]), path)
        trailing = "/" if path.endswith("/") and path.strip("/") else ""  # `copy` gives it a meaning
        return os.path.normpath(os.path.join(self._services.folder or self._services.home, path)) + trailing

    # -- changing ------------------------------------------------------------------------------------------
    def run(self, argv: "Sequence[str]", *, input: Optional[bytes] = None, cwd: Optional[str] = None,
            env: "Optional[Mapping[str, str]]" = None, timeout: Optional[float] = None, check: bool = False,
            live: bool = False, umask: Optional[int] = None) -> Completed:
        self._writing("run %s" % argv[0])
        return self._process(argv, input, cwd, env or {}, timeout, check, live=live, umask=umask)

    def write(self, path: str, data: bytes, *, mode: Optional[str] = None, owner: Optional[str] = None,
              group: Optional[str] = None, follow: bool = True) -> None:
        self._writing("write %s" % path)
        self._replace(path, data, mode, owner, group, follow)

    def write_from(self, path: str, source: "IO[bytes]", *, mode: Optional[str] = None, owner: Optional[str] = None,
                   group: Optional[str] = None, follow: bool = True, sync: bool = True) -> None:
        self._writing("write %s" % path)
        self._replace(path, source, mode, owner, group, follow, sync)

    def mkdir(self, path: str, *, mode: Optional[str] = None, owner: Optional[str] = None, group: Optional[str] = None,
              parents: bool = False) -> None:
        self._writing("make the directory %s" % path)
        who = files.owner_of(owner, group)
        missing = [path.rstrip("/") or "/"]
        while parents and not os.path.lexists(os.path.dirname(missing[-1])):
            missing.append(os.path.dirname(missing[-1]))
        for folder in reversed(missing):
            files.make_directory(folder, mode, who, self._services.umask)

    def symlink(self, target: str, path: str) -> None:
        self._writing("make the link %s" % path)
        files.make_link(path, lambda name, folder: os.symlink(target, name, dir_fd=folder))

    def hardlink(self, target: str, path: str) -> None:
        self._writing("make the link %s" % path)

        def make(name: str, folder: int) -> None:
            with files.opened(target, follow=False) as source:
                os.link(source.name, name, src_dir_fd=source.folder, dst_dir_fd=folder, follow_symlinks=False)

        files.make_link(path, make)

    def rename(self, source: str, path: str) -> None:
        self._writing("rename %s" % source)
        with files.opened(source, follow=False) as old, files.opened(path, follow=False) as new:
            files.rename_over(old.folder, old.name, new)
            os.fsync(new.folder)

    def remove(self, path: str, *, recursive: bool = False) -> None:
        self._writing("remove %s" % path)
        files.remove(path, recursive=recursive)

    def chmod(self, path: str, mode: str, *, follow: bool = True) -> None:
        self._writing("change the mode of %s" % path)
        with files.held(path, follow=follow) as fd:
            status = os.fstat(fd)
            if stat.S_ISLNK(status.st_mode):
                return  # Linux has no modes of links
            is_directory = stat.S_ISDIR(status.st_mode)
            bits = mode_bits(mode, status.st_mode, is_directory=is_directory, umask=self._services.umask)
            os.chmod(files.reference(fd), bits)

    def chown(self, path: str, owner: Optional[str], group: Optional[str], *, follow: bool = True) -> None:
        self._writing("change the owner of %s" % path)
        who = files.owner_of(owner, group)
        with files.held(path, follow=follow) as fd:
            os.chown(files.reference(fd), *who)

    def utime(self, path: str, *, atime: Optional[float] = None, mtime: Optional[float] = None) -> None:
        self._writing("change the times of %s" % path)
        with files.held(path, follow=True) as fd:
            if atime is None and mtime is None:
                os.utime(files.reference(fd))
                return
            status = os.fstat(fd)
            read = status.st_atime_ns if atime is None else int(atime * 1e9)
            changed = status.st_mtime_ns if mtime is None else int(mtime * 1e9)
            os.utime(files.reference(fd), ns=(read, changed))

    def tempdir(self) -> str:
        path = os.path.join(_temporary_root(self._services.home), "provision-" + os.urandom(12).hex())
        os.mkdir(path, 0o700)
        self._temporary.append(path)
        os.chmod(path, 0o700)
        return path

    # -- content -----------------------------------------------------------------------------------------
    def content(self, ref: "Mapping[str, Any]") -> bytes:
        with self._services.contents.open(ref) as source:
            return source.read()

    def content_file(self, ref: "Mapping[str, Any]") -> "IO[bytes]":
        return self._services.contents.open(ref)

    def ask_ahead(self, refs: "Iterable[Mapping[str, Any]]") -> None:
        self._services.contents.ask_ahead(refs)

    def send(self, source: "IO[bytes]") -> int:
        return self._services.contents.send(source)

    # -- telling -----------------------------------------------------------------------------------------
    def warn(self, message: str) -> None:
        if message not in self.warnings:
            self.warnings.append(message)

    def progress(self, text: str) -> None:
        self._services.emit("progress", text.encode("utf-8", "backslashreplace"))

    def sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while True:
            self._services.tick()
            left = end - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, HEARING))

    def fail(self, message: str, **data: Any) -> ModuleFailed:
        return ModuleFailed(message, **data)

    def unknown(self, reason: str) -> NotKnown:
        return NotKnown(reason)

    def predicted(self, kind: str, name: str) -> "Optional[Mapping[str, Any]]":
        return self._task.predicted.get(kind, {}).get(name) if self.check else None

    def call(self, module: str, args: "Mapping[str, Any]") -> "dict[str, Any]":
        return self._services.call(self, module, args)

    # -- inside ------------------------------------------------------------------------------------------
    def _writing(self, what: str) -> None:
        if self.check:
            raise WriteInCheckMode(what)

    def _replace(self, path: str, source: Any, mode: Optional[str], owner: Optional[str], group: Optional[str],
                 follow: bool, sync: bool = True) -> None:
        files.replace(path, source, mode=mode, owner=files.owner_of(owner, group), umask=self._services.umask,
                      follow=follow, sync=sync, tick=self._services.tick)  # fmt: skip

    def _process(self, argv: "Sequence[str]", input: Optional[bytes], cwd: Optional[str],
                 env: "Mapping[str, str]", timeout: Optional[float], check: bool, *,
                 live: bool = False, umask: Optional[int] = None) -> Completed:
        from provisioner.remote import process  # noqa: PLC0415 - subprocess costs 15 ms, many tasks need none

        if any("\0" in part for part in argv):
            raise ModuleFailed("an argument of %s holds a NUL character" % argv[0])
        merged = {**os.environ, **self.environment, **env}
        order = process.Order(tuple(argv), merged, input, cwd, timeout, self._task.deadline, umask)
        with self._live(live) as on_output:
            try:
                done = process.run(order, self._services.watch, on_output)
            except process.Overdue as late:
                message = "`%s` took longer than %s s and was ended" % (argv[0], timeout)
                raise ModuleFailed(message, **_fields(late.completed)) from None
        if check and done.rc != 0:
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            words = "`%s` failed: %s" % (" ".join(argv), process.describe(done.rc))
            raise ModuleFailed(": ".join([words, *last]), **_fields(done))
        return done

    @contextlib.contextmanager
    def _live(self, wanted: bool) -> "Iterator[Callable[[str, bytes], None]]":
        """Output as it comes, in whole lines and not more often than anybody can read."""
        if not wanted:
            yield lambda stream, data: None
            return
        held: "dict[str, bytearray]" = {"stdout": bytearray(), "stderr": bytearray()}
        last = [0.0]

        def on_output(stream: str, data: bytes) -> None:
            held[stream] += data
            if time.monotonic() - last[0] > LINES_WAIT or len(held[stream]) > files.COPY_SIZE >> 4:
                send(whole_lines=True)

        def send(whole_lines: bool) -> None:
            last[0] = time.monotonic()
            for stream, data in held.items():
                end = data.rfind(b"\n") + 1 if whole_lines and len(data) < files.COPY_SIZE >> 4 else len(data)
                if end:
                    self._services.emit(stream, bytes(data[:end]))
                    del data[:end]

        try:
            yield on_output
        finally:
            send(whole_lines=False)


def _fields(done: Completed) -> "dict[str, Any]":
    return {"rc": done.rc, "stdout": done.stdout, "stderr": done.stderr, "cmd": list(done.argv)}


def _open_regular(path: str) -> "Optional[IO[bytes]]":
    """A regular file for reading; a FIFO or device somebody put there must not block or answer."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    mode = os.fstat(fd).st_mode
    if not stat.S_ISREG(mode):
        os.close(fd)
        raise ModuleFailed("%s is a %s, not a regular file" % (path, files.kind_of(mode)))
    return open(fd, "rb")


def _temporary_root(home: str) -> str:
    """Where a private directory can be made from which programs may be started (/tmp is often `noexec`)."""
    candidates = [folder for folder in (os.environ.get("TMPDIR"), *PUBLIC, home) if folder]
    usable = [folder for folder in candidates if os.access(folder, os.W_OK | os.X_OK)]
    for folder in usable:
        if not os.statvfs(folder).f_flag & os.ST_NOEXEC:
            return folder
    if not usable:
        raise ModuleFailed("no directory for temporary files can be written: tried %s" % ", ".join(candidates))
    return usable[0]
