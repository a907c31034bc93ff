"""Changing files so that nobody can see, or be tricked into, a state in between.

Content: a temporary file without a name (or with a random one, O_EXCL and 0600) in the same directory; owner, extended
attributes and mode are set while nobody can open it; fsync, rename, fsync of the directory. A reader sees the old file
or the new one. Kept from the old file: mode, owner, ACLs, SELinux label and user attributes, unless given anew; file
capabilities are not (they belonged to the old program). A file with several hard links is replaced under this name
only: its other names keep the old content.

Links: a directory somebody else can write in is not trusted. A symbolic link is followed only if it belongs to root or
to us, or to the owner of what it leads to (so `current -> releases/7` of a deploy user works, and the same user's
`log -> /etc` does not). The path is walked with open directories, so swapping a part of it meanwhile gains nothing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from typing import IO, Callable, Iterator, NamedTuple, Optional, Union

from provisioner.remote.modebits import mode_bits
from provisioner.remote.sdk import ModuleFailed

COPY_SIZE = 1 << 20
MOST_LINKS = 40
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PATH = getattr(os, "O_PATH", os.O_RDONLY) | os.O_NOFOLLOW | os.O_CLOEXEC


class Owner(NamedTuple):
    """Numbers for chown; -1 leaves it as it is."""

    uid: int = -1
    gid: int = -1


class Place(NamedTuple):
    """A name in an open directory: what an operation on a path works on. Close it by `with opened(…)`."""

    folder: int
    name: str
    path: str


class opened:  # noqa: N801 - reads as a word: `with opened(path) as place`
    """Walk to `path` and hold its directory open. follow: also where the last part is a link."""

    def __init__(self, path: str, *, follow: bool) -> None:
        self._path = path
        self._follow = follow

    def __enter__(self) -> Place:
        self.place = _walk(self._path, self._follow)
        return self.place

    def __exit__(self, *exc: object) -> None:
        os.close(self.place.folder)


def _walk(path: str, follow: bool) -> Place:
    if not path.startswith("/"):
        raise ModuleFailed("a path must be absolute: %s" % path)
    if "\0" in path:
        raise ModuleFailed("a path can't hold a NUL character")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts:
        return Place(os.open("/", _DIRECTORY), ".", "/")
    folder = os.open("/", _DIRECTORY)
    link_owners: "list[int]" = []
    links = 0
    try:
        while True:
            name = parts.pop(0)
            status = _lstat(folder, name)
            is_link = status is not None and stat.S_ISLNK(status.st_mode)
            if is_link and (parts or follow):
                links += 1
                if links > MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                assert status is not None
                if status.st_uid not in (0, os.geteuid()):
                    link_owners.append(status.st_uid)
                target = os.readlink(name, dir_fd=folder)
                if target.startswith("/"):
                    folder = _exchange(folder, os.open("/", _DIRECTORY))
                parts = [part for part in target.split("/") if part not in ("", ".")] + parts
                if not parts:
                    parts = ["."]
                continue
            if not parts:
                _check_links(link_owners, folder, status, path)
                return Place(folder, name, path)
            folder = _exchange(folder, _enter(folder, name, path))
    except BaseException:
        os.close(folder)
        raise


def _enter(folder: int, name: str, path: str) -> int:
    try:
        return os.open(name, _DIRECTORY, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ENOTDIR and stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise ModuleFailed("%s changes while it is used: somebody puts links into it" % path) from None
        raise OSError(error.errno, os.strerror(error.errno or 0), path) from None


def _exchange(old: int, new: int) -> int:
    os.close(old)
    return new


def _lstat(folder: int, name: str) -> "Optional[os.stat_result]":
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _check_links(owners: "list[int]", folder: int, status: "Optional[os.stat_result]", path: str) -> None:
    if not owners:
        return
    reached = {os.fstat(folder).st_uid} | ({status.st_uid} if status is not None else set())
    for owner in owners:
        if reached != {owner}:
            raise ModuleFailed(
                "%s leads through a symbolic link of user %s to something not theirs; refused, as it may be a trap"
                % (path, user_name(owner)))


# -- names and modes ------------------------------------------------------------------------------------------

def user_name(uid: int) -> str:
    """The login name, or the number as text when it has none."""
    import pwd  # noqa: PLC0415 - not every session needs the databases

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid: int) -> str:
    import grp  # noqa: PLC0415

    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def owner_of(owner: "Optional[str]", group: "Optional[str]") -> Owner:
    """Numbers from names; a number as text is taken as it is. Raises ModuleFailed for an unknown name."""
    import grp  # noqa: PLC0415
    import pwd  # noqa: PLC0415

    uid = gid = -1
    if owner is not None:
        try:
            uid = int(owner) if owner.isdecimal() else pwd.getpwnam(owner).pw_uid
        except KeyError:
            raise ModuleFailed("there is no user `%s` on this host" % owner) from None
    if group is not None:
        try:
            gid = int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid
        except KeyError:
            raise ModuleFailed("there is no group `%s` on this host" % group) from None
    return Owner(uid, gid)


# -- whole files ----------------------------------------------------------------------------------------------

def replace(path: str, source: "Union[bytes, IO[bytes]]", *, mode: "Optional[str]", owner: Owner, umask: int,
            follow: bool = True, sync: bool = True, tick: "Callable[[], None]" = lambda: None) -> None:
    """Make or replace a regular file, all or nothing. Without `sync` a power cut may leave it empty or away."""
    with opened(path, follow=follow) as place:
        old = _lstat(place.folder, place.name)
        if old is not None and not stat.S_ISREG(old.st_mode):
            if not stat.S_ISLNK(old.st_mode):
                raise ModuleFailed("%s is a %s, not a regular file" % (path, kind_of(old.st_mode)))
            old = None
        if old is not None:
            _check_planted(place, old, owner)
        with _Temporary(place) as temp:
            for piece in _pieces(source):
                temp.write(piece)
                tick()
            _dress(temp.fd, place, old, mode, owner, umask)
            if sync:
                os.fsync(temp.fd)
            temp.publish()
        if sync:
            os.fsync(place.folder)


def _check_planted(place: Place, old: os.stat_result, owner: Owner) -> None:
    """Where everybody may make files, keeping the owner of one that is already there would hand the content over."""
    if os.fstat(place.folder).st_mode & 0o002 and old.st_uid not in (0, os.geteuid()) and owner.uid == -1:
        raise ModuleFailed(
            "%s belongs to user %s and lies where everybody can put files; refused, as it may be a trap (give `owner`)"
            % (place.path, user_name(old.st_uid)))


def _pieces(source: "Union[bytes, IO[bytes]]") -> "Iterator[bytes]":
    if isinstance(source, (bytes, bytearray, memoryview)):
        yield source
        return
    while True:
        piece = source.read(COPY_SIZE)
        if not piece:
            return
        yield piece


def _dress(fd: int, place: Place, old: "Optional[os.stat_result]", mode: "Optional[str]", owner: Owner,
           umask: int) -> None:
    """Owner first, as changing it clears bits of the mode; the ACL before an asked-for mode: that has the last word."""
    uid, gid = owner
    if old is not None:
        uid = old.st_uid if uid == -1 else uid
        gid = old.st_gid if gid == -1 else gid
    now = os.fstat(fd)
    if (uid, gid) not in ((-1, -1), (now.st_uid, now.st_gid)):
        _chown_new(fd, uid, gid, asked=owner)
    base = old.st_mode & 0o7777 if old is not None else 0o644 & ~(umask & 0o077)
    if old is not None and os.fstat(fd).st_uid != uid:
        base &= ~0o6000  # nobody is given somebody else's setuid bit
    os.fchmod(fd, base)
    if old is not None:
        _copy_attributes(place, fd)
    if mode is not None:
        os.fchmod(fd, mode_bits(mode, base, is_directory=False, umask=umask))
    # The kernel stamps by a clock that ticks every few ms: what was written just before would be as new as this.
    now_ns = time.time_ns()
    os.utime(fd, ns=(now_ns, now_ns))


def _chown_new(fd: int, uid: int, gid: int, *, asked: Owner) -> None:
    try:
        os.fchown(fd, uid, gid)
    except PermissionError:
        if asked != Owner() or os.geteuid() == 0:
            raise
        # who may write in the directory may replace the file, which then is theirs; the group may be one of theirs
        with contextlib.suppress(PermissionError):
            os.fchown(fd, -1, gid)


def _copy_attributes(place: Place, fd: int) -> None:
    source = "/proc/self/fd/%d/%s" % (place.folder, place.name)
    try:
        names = os.listxattr(source, follow_symlinks=False)
    except OSError:
        return
    for name in names:
        if name in ("security.capability", "security.ima", "security.evm"):
            continue
        try:
            os.setxattr(fd, name, os.getxattr(source, name, follow_symlinks=False))
        except OSError as error:
            if name.startswith("system.posix_acl"):
                raise ModuleFailed("can't keep the ACL of %s: %s" % (place.path, error.strerror)) from None


class _Temporary:
    """A file that nobody can see until `publish`; gone when that is not reached."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._name: Optional[str] = None
        self.fd = -1

    def __enter__(self) -> "_Temporary":
        flags = os.O_RDWR | os.O_CLOEXEC
        try:  # without a name even SIGKILL leaves nothing behind
            self.fd = os.open(".", flags | os.O_TMPFILE, 0o600, dir_fd=self._place.folder)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL):
                raise OSError(error.errno, os.strerror(error.errno or 0), self._place.path) from None
            name = self._random_name()
            self.fd = os.open(name, flags | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=self._place.folder)
            self._name = name
        os.fchmod(self.fd, 0o600)  # whatever the umask was
        return self

    def __exit__(self, *exc: object) -> None:
        os.close(self.fd)
        if self._name is not None:
            _forget(self._place.folder, self._name)

    def _random_name(self) -> str:
        return ".%s.%s.new" % (self._place.name[:200], os.urandom(6).hex())

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self.fd, view):]

    def publish(self) -> None:
        folder = self._place.folder
        if self._name is None:
            name = self._random_name()
            os.link("/proc/self/fd/%d" % self.fd, name, dst_dir_fd=folder, follow_symlinks=True)
            self._name = name
        rename_over(folder, self._name, self._place)
        self._name = None


def _forget(folder: int, name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def rename_over(folder: int, name: str, place: Place) -> None:
    """rename(2) onto `place`, with its odder errors in words."""
    try:
        os.rename(name, place.name, src_dir_fd=folder, dst_dir_fd=place.folder)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise ModuleFailed(
                "%s is a mount point (a file bound into place), so it can't be replaced in one step; "
                "change the file it is bound from, or unmount it" % place.path) from None
        raise OSError(error.errno, os.strerror(error.errno or 0), place.path) from None


# -- other objects ----------------------------------------------------------------------------------------------

_KINDS = ((stat.S_ISREG, "file"), (stat.S_ISDIR, "directory"), (stat.S_ISLNK, "link"), (stat.S_ISFIFO, "fifo"),
          (stat.S_ISSOCK, "socket"), (stat.S_ISBLK, "block"), (stat.S_ISCHR, "char"))  # fmt: skip


def kind_of(mode: int) -> str:
    """file, directory, link, fifo, socket, block or char."""
    return next(name for test, name in _KINDS if test(mode))


def make_directory(path: str, mode: "Optional[str]", owner: Owner, umask: int) -> None:
    """mkdir with its final owner and mode; nobody can look in before they are set."""
    with opened(path, follow=False) as place:
        os.mkdir(place.name, 0o700, dir_fd=place.folder)
        fd = os.open(place.name, _DIRECTORY, dir_fd=place.folder)
        try:
            if owner != Owner():
                os.fchown(fd, *owner)
            kept = os.fstat(fd).st_mode & 0o7000  # setgid handed down by the parent
            base = kept | (0o755 & ~(umask & 0o077))
            os.fchmod(fd, mode_bits(mode, base, is_directory=True, umask=umask) if mode is not None else base)
        finally:
            os.close(fd)
        os.fsync(place.folder)


def make_link(path: str, make: "Callable[[str, int], None]") -> None:
    """Put a link that `make(name, folder)` makes to `path`, replacing a file or link there in one step."""
    with opened(path, follow=False) as place:
        old = _lstat(place.folder, place.name)
        if old is not None and stat.S_ISDIR(old.st_mode):
            raise ModuleFailed("%s is a directory; remove it before a link can take its place" % path)
        name = ".%s.%s.new" % (place.name[:200], os.urandom(6).hex())
        make(name, place.folder)
        try:
            rename_over(place.folder, name, place)
        finally:
            _forget(place.folder, name)  # still there after a failure, or when both were one file
        os.fsync(place.folder)


def remove(path: str, *, recursive: bool) -> None:
    """Remove what is at `path`, never following a link, not even one that is put there meanwhile."""
    try:
        walked = opened(path, follow=False)
        with walked as place:
            if place.name in (".", ".."):
                raise ModuleFailed("%s can't be removed" % path)
            _remove_entry(place.folder, place.name, path, recursive)
            os.fsync(place.folder)
    except (FileNotFoundError, NotADirectoryError):
        return


def _remove_entry(folder: int, name: str, path: str, recursive: bool) -> None:
    status = _lstat(folder, name)
    if status is None:
        return
    if not stat.S_ISDIR(status.st_mode):
        _unlink(folder, name, path)
        return
    if recursive:
        fd = os.open(name, _DIRECTORY, dir_fd=folder)
        try:
            for child in os.listdir(fd):
                _remove_entry(fd, child, path + "/" + child, True)
        finally:
            os.close(fd)
    try:
        os.rmdir(name, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise ModuleFailed("%s is a mount point; unmount it before it is removed" % path) from None
        raise OSError(error.errno, os.strerror(error.errno or 0), path) from None


def _unlink(folder: int, name: str, path: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise ModuleFailed("%s is a mount point; unmount it before it is removed" % path) from None
        raise OSError(error.errno, os.strerror(error.errno or 0), path) from None


class held:  # noqa: N801 - `with held(path) as fd`
    """The object at `path` itself, opened without reading it, so that a change hits what was looked at."""

    def __init__(self, path: str, *, follow: bool) -> None:
        self._walk = opened(path, follow=follow)
        self._path = path

    def __enter__(self) -> int:
        with self._walk as place:
            self._fd = os.open(place.name, _PATH, dir_fd=place.folder)
            status = os.fstat(self._fd)
            if status.st_nlink > 1 and stat.S_ISREG(status.st_mode):
                self._check_hard_link(status, os.fstat(place.folder))
        return self._fd

    def _check_hard_link(self, status: os.stat_result, folder: os.stat_result) -> None:
        """A user who may write in the directory could have linked somebody else's file there."""
        foreign = folder.st_uid not in (0, os.geteuid(), status.st_uid)
        if foreign or (folder.st_mode & 0o002 and status.st_uid != os.geteuid()):
            os.close(self._fd)
            raise ModuleFailed(
                "%s has other names (hard links) and lies in a directory of %s; refused, as it may be a trap"
                % (self._path, user_name(folder.st_uid)))

    def __exit__(self, *exc: object) -> None:
        os.close(self._fd)


def reference(fd: int) -> str:
    """A path that means exactly the held object."""
    return "/proc/self/fd/%d" % fd
