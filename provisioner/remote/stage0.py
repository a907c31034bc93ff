"""The first code that runs on a host: finds the runner's code in a cache or takes it from stdin, and starts it.

How a session starts (the controller's side is `transport/bootstrap.py`, the texts are made by `packing.py`):

1. The controller runs  `python3 -I -S -X utf8 -c TEXT SHA NONCE`  (`packing.command`). TEXT is this file, packed
   into one line without quotes or backslashes; SHA names the core (below); NONCE is random, hex.
2. Without waiting the controller may write frames (`wire.py`): nothing sent early is lost.
3. This code writes the line  `PROVISION-<NONCE> have` or `PROVISION-<NONCE> need`  to stdout. Whatever came before
   it (a message of the day, a chatty .bashrc) is not ours; every byte after its newline is a frame.
   It starts with a newline of its own, so look for the words anywhere, not only at the start of a line.
4. After `need` the controller writes one frame `{"t": "core"}` with the packed core as body. Frames that were
   sent before it are kept and given to the runner afterwards, in order.
5. The runner says `hello`. Code of modules that is neither in the cache nor sent in `code` frames is asked for by
   `{"t": "want", "code": NAME}`; the controller answers with a `code` frame. A controller that knows that the host
   is new (`need`) saves that round trip by sending the `code` of the modules in its segment right after the core.

If the bytes are wrong, stdout ends without `hello` and stderr says why; exit status 3.

The cache is `~/.cache/provisioner` of the user this process runs as (the home of the user database, never $HOME,
which sudo may keep from somebody else). Only a directory of that user that nobody else may enter is used, and only
files of that user; a file is opened once, without following links, and the bytes that were read are the bytes that
are hashed and run. It holds code compiled by this very Python, never anything another user can write. No cache
(no home, read-only, disk full) means that the core is sent every time: never an error.
"""

from __future__ import annotations

import hashlib
import json
import marshal
import os
import stat
import struct
import sys
import zlib

TYPE_CHECKING = False  # what type checkers take for `typing.TYPE_CHECKING`, without the 5 ms of `typing`
if TYPE_CHECKING:
    from typing import Any, Optional

MOST_FILES = 200


class Cache:
    """Compiled code by name; every method is quiet about a disk that does not want to."""

    def __init__(self, folder: Optional[str] = None) -> None:
        self.suffix = ".%x" % sys.hexversion
        self.fd = -1
        try:
            self.fd = self._open(folder or _cache_folder())
        except (OSError, KeyError, ImportError):
            return

    def _open(self, folder: str) -> int:
        for part in (os.path.dirname(folder), folder):
            try:
                os.mkdir(part, 0o700)
                os.chmod(part, 0o700)
            except FileExistsError:
                pass
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        status = os.fstat(fd)
        if status.st_uid != os.geteuid() or status.st_mode & 0o077:
            os.close(fd)
            return -1
        return fd

    def get(self, name: str) -> Any:
        """The code kept under `name`, or None."""
        if self.fd < 0:
            return None
        try:
            fd = os.open(name + self.suffix, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.fd)
        except OSError:
            return None
        with open(fd, "rb") as file:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
                return None
            data = file.read()
        digest, code = data[:32], data[32:]
        if hashlib.sha256(code).digest() != digest:
            return None
        return marshal.loads(code)  # noqa: S302 - written by this user, in a directory nobody else can enter

    def put(self, name: str, value: Any) -> None:
        """Keep code under `name`. A torn write is found by its digest, so nothing is synced."""
        if self.fd < 0:
            return
        code = marshal.dumps(value)
        temp = ".%s.%d" % (name, os.getpid())
        try:
            self._prune()
            fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=self.fd)
            try:
                with open(fd, "wb") as file:
                    os.fchmod(fd, 0o600)
                    file.write(hashlib.sha256(code).digest() + code)
                os.rename(temp, name + self.suffix, src_dir_fd=self.fd, dst_dir_fd=self.fd)
            except OSError:
                os.unlink(temp, dir_fd=self.fd)
        except OSError:
            pass

    def names(self) -> list[str]:
        """Everything that is kept for this Python."""
        found = os.listdir(self.fd) if self.fd >= 0 else []
        return sorted(name[: -len(self.suffix)] for name in found if name.endswith(self.suffix))

    def _prune(self) -> None:
        names = [name for name in os.listdir(self.fd) if "." in name]  # a controller keeps a directory of its own here
        if len(names) > MOST_FILES:
            oldest = sorted((os.stat(name, dir_fd=self.fd, follow_symlinks=False).st_mtime, name) for name in names)
            for _, name in oldest[: MOST_FILES // 2]:
                os.unlink(name, dir_fd=self.fd)


def _cache_folder() -> str:
    import pwd  # noqa: PLC0415 - there may be none

    return os.path.join(pwd.getpwuid(os.geteuid()).pw_dir, ".cache", "provisioner")


def compile_core(packed: bytes, sha: str) -> dict[str, Any]:
    """The packed core as {"code": {name: code}, "packages": [name], "manifest": {name: [sha256, [name]]}}."""
    text = zlib.decompress(packed)
    if hashlib.sha256(text).hexdigest() != sha:
        raise SystemExit("the runner's code is not what its checksum says")
    core: dict[str, Any] = json.loads(text)
    for name, source in core["code"].items():
        core["code"][name] = compile(source, "<%s>" % name, "exec", dont_inherit=True)
    return core


def read_exactly(fd: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = os.read(fd, size - len(data))
        if not piece:
            raise SystemExit(3)  # the controller went away before it sent the runner
        data += piece
    return data


def receive_core(fd: int) -> tuple[bytes, bytes]:
    """The body of the `core` frame, and the bytes of all frames before it."""
    early = b""
    while True:
        lengths = read_exactly(fd, 8)
        header_size, body_size = struct.unpack(">II", lengths)
        if header_size > 1 << 24 or body_size > 1 << 26:
            raise SystemExit("the controller sent something that is not a frame")
        header = read_exactly(fd, header_size)
        body = read_exactly(fd, body_size)
        if json.loads(header).get("t") == "core":
            return body, early
        early += lengths + header + body


def own_descriptors() -> tuple[int, int]:
    """Input and output of the protocol. Nobody but the runner may touch them: a stray print goes to stderr. On a
    terminal stderr is the same device as stdout, so there it goes nowhere."""
    source, sink, null = os.dup(0), os.dup(1), os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    if os.isatty(2):
        os.dup2(null, 2)
    os.dup2(2, 1)
    os.close(null)
    return source, sink


def main() -> None:
    sha, nonce = sys.argv[1:3]
    source, sink = own_descriptors()
    cache = Cache()
    core = cache.get(sha)
    os.write(sink, ("\nPROVISION-%s %s\n" % (nonce, "have" if core else "need")).encode())
    early = b""
    if not core:
        packed, early = receive_core(source)
        core = compile_core(packed, sha)
        cache.put(sha, core)
    scope: dict[str, Any] = {"__name__": "provisioner.remote.importer"}
    exec(core["code"]["provisioner.remote.importer"], scope)  # noqa: S102 - its checksum was compared
    scope["start"](core, cache, source, sink, early)


if __name__ == "__main__":
    main()
