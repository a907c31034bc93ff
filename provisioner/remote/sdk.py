"""What a module may use on the host: the context, its results and its errors.

A *state module* has three functions and the framework (`statecycle`) does the rest:

    def current(ctx, a) -> dict            what is there now; JSON data, names rather than numbers for owners
    def wanted(ctx, a, current) -> dict    what shall be there; equal to `current` when nothing is to do
    def apply(ctx, a, current, wanted)     make it so; may return a dict of extra result fields

and may have `report(ctx, a, current, wanted) -> dict` (result fields, also when unchanged),
`diff(ctx, a, current, wanted) -> dict | list[dict]` (instead of the default before/after of the state) and
`predictions(ctx, a, current, wanted) -> list[(kind, name, attributes)]` (what would exist after check mode).

An *action module* has `run(ctx, a) -> Result`; its `Spec.check` says what check mode does.

Modules run inside one long-lived process, so they must not chdir, set umask or environ, print, exit, start
threads or keep globals. Processes go through `ctx.query` (reads) and `ctx.run` (changes); files are changed
through the writers of `ctx`, which raise in check mode: a wrong module cannot touch the host.
"""

from __future__ import annotations

from typing import IO, Any, Callable, Iterable, Mapping, NamedTuple, Optional, Protocol, Sequence


class ModuleFailed(Exception):
    """The module cannot do it. `data` are further fields of the failed result (rc, stdout …)."""

    def __init__(self, message: str, **data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class NotKnown(Exception):
    """In check mode: what was asked depends on something that is not there yet. The task becomes `unknown`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WriteInCheckMode(Exception):
    """A writer was called in check mode: a bug of the module, told with its name."""


class Cancelled(Exception):
    """The controller is gone or the deadline has passed; children were ended."""


class Result:
    """What a module gives back. Fields are the user's (`register`), so they follow Ansible's names."""

    def __init__(self, changed: bool = False, failed: bool = False, skipped: bool = False,
                 diff: Any = None, predictions: "Sequence[tuple[str, str, Mapping[str, Any]]]" = (),
                 **data: Any) -> None:
        self.changed = changed
        self.failed = failed
        self.skipped = skipped
        self.diff = diff
        self.predictions = predictions
        self.data = data


class Completed(NamedTuple):
    """A finished process. Text is decoded as UTF-8 with undecodable bytes escaped; `stdout` may be capped."""

    rc: int
    stdout: str
    stderr: str
    argv: "Sequence[str]" = ()
    truncated: bool = False


class Stat(NamedTuple):
    """`os.lstat` in words. kind: file, directory, link, fifo, socket, block, char."""

    kind: str
    mode: str  # four octal digits, "0644"
    uid: int
    gid: int
    owner: str  # the name, or the number as text when it has none
    group: str
    size: int
    mtime: float
    atime: float
    ctime: float
    inode: int
    device: int
    links: int
    target: Optional[str]  # of a link, as stored


class Ctx(Protocol):
    """A task's hands on the host. `provisioner.remote.context.Context` is the real one."""

    check: bool
    want_diff: bool
    environment: "Mapping[str, str]"
    """From the `environment:` keyword; added to every child process."""
    module: str
    state_dir: str
    """`/var/lib/provisioner` for root, else `~/.local/state/provisioner`; made on first write."""

    # -- reading -----------------------------------------------------------------------------------------
    def query(self, argv: "Sequence[str]", *, input: "Optional[bytes]" = None, cwd: Optional[str] = None,
              env: "Optional[Mapping[str, str]]" = None, timeout: Optional[float] = None,
              check: bool = False) -> Completed:
        """Run a program that only reads, in the C locale. `check`: a non-zero exit raises ModuleFailed.

        A missing program gives rc 127, one that can't be started 126. Of more than 1 MiB of output the middle is
        left out. More than `timeout` seconds: ended, ModuleFailed.
        """
        ...

    def which(self, program: str) -> Optional[str]: ...
    def stat(self, path: str, *, follow: bool = False) -> Optional[Stat]: ...
    def read(self, path: str, limit: int = 64 << 20) -> Optional[bytes]:
        """The file's content, None when it is not there; larger than `limit` raises ModuleFailed."""
        ...

    def read_text(self, path: str, limit: int = 64 << 20) -> Optional[str]: ...
    def sha256(self, path: str) -> Optional[str]: ...
    def digest(self, path: str, algorithm: str) -> Optional[str]: ...
    def listdir(self, path: str) -> "list[str]":
        """Sorted names; empty when the directory is not there."""
        ...

    def expand(self, path: str) -> str:
        """`~`, `~user` and `$VAR` expanded, made absolute against the login directory."""
        ...

    # -- changing (each raises WriteInCheckMode in check mode) ----------------------------------------------
    def run(self, argv: "Sequence[str]", *, input: "Optional[bytes]" = None, cwd: Optional[str] = None,
            env: "Optional[Mapping[str, str]]" = None, timeout: Optional[float] = None, check: bool = False,
            live: bool = False, umask: Optional[int] = None) -> Completed:
        """Run a program that changes something. `live`: its output is shown line by line while it runs."""
        ...

    def write(self, path: str, data: bytes, *, mode: Optional[str] = None, owner: Optional[str] = None,
              group: Optional[str] = None, follow: bool = True) -> None:
        """Replace or make a file atomically: temp file in the same directory (O_EXCL, 0600), owner and mode set
        before content is readable, fsync, rename, fsync of the directory. Without mode/owner/group those of
        the old file are kept (xattrs and ACLs too); a new file gets 0644 & ~umask of root, owner of the process."""
        ...

    def write_from(self, path: str, source: "IO[bytes]", *, mode: Optional[str] = None, owner: Optional[str] = None,
                   group: Optional[str] = None, follow: bool = True, sync: bool = True) -> None:
        """The same from a file object. `sync=False` leaves it to the kernel when the bytes reach the disk: for one of
        thousands of files that the next run would repair."""
        ...

    def mkdir(self, path: str, *, mode: Optional[str] = None, owner: Optional[str] = None, group: Optional[str] = None,
              parents: bool = False) -> None: ...
    def symlink(self, target: str, path: str) -> None:
        """Make or replace a symbolic link atomically."""
        ...

    def hardlink(self, target: str, path: str) -> None: ...
    def rename(self, source: str, path: str) -> None: ...
    def remove(self, path: str, *, recursive: bool = False) -> None:
        """Remove whatever is at `path` (a link itself, never its target). Not being there is fine."""
        ...

    def chmod(self, path: str, mode: str, *, follow: bool = True) -> None: ...
    def chown(self, path: str, owner: Optional[str], group: Optional[str], *, follow: bool = True) -> None: ...
    def utime(self, path: str, *, atime: Optional[float] = None, mtime: Optional[float] = None) -> None:
        """Set one time or both; with neither given both become the present one, as touch(1) does it."""
        ...

    def tempdir(self) -> str:
        """A private 0700 directory that is removed when the task ends. Allowed in check mode."""
        ...

    # -- content from and to the controller ---------------------------------------------------------------
    def content(self, ref: "Mapping[str, Any]") -> bytes:
        """The bytes behind a `content` argument ({"sha256", "size"}), pulled from the controller if need be."""
        ...

    def content_file(self, ref: "Mapping[str, Any]") -> "IO[bytes]":
        """The same as a file object, spooled to a private temp file when large."""
        ...

    def ask_ahead(self, refs: "Iterable[Mapping[str, Any]]") -> None:
        """Ask for contents that are wanted next, in this order, so that they come in one round trip. At most a few
        dozen, about 1 MiB, at a time: what is on its way waits in memory."""
        ...

    def send(self, source: "IO[bytes]") -> int:
        """Stream bytes up to whoever asked for this task on the controller; gives their number."""
        ...

    # -- telling ----------------------------------------------------------------------------------------
    def warn(self, message: str) -> None: ...
    def progress(self, text: str) -> None:
        """A short line of what is going on, for the live area."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; ends early with `Cancelled` when the controller is gone or the task's time is up."""
        ...

    def fail(self, message: str, **data: Any) -> "ModuleFailed":
        """`raise ctx.fail("…", rc=1)`"""
        ...

    def unknown(self, reason: str) -> "NotKnown":
        """`raise ctx.unknown("…")` in check mode when it depends on what is not there yet."""
        ...

    def predicted(self, kind: str, name: str) -> "Optional[Mapping[str, Any]]":
        """In check mode: what earlier tasks would have made of ("path" | "user" | "group" | "package" | "service",
        name), or None. For a path {"kind": "file" | "directory" | "link" | "absent", …}."""
        ...

    def call(self, module: str, args: "Mapping[str, Any]") -> "dict[str, Any]":
        """Run another module in this process with the same mode; its result as a dict (for composed modules)."""
        ...


StateFunction = Callable[..., Any]
