"""Everything that can be told about a path, with the field names of Ansible's `stat` and `find`."""

from __future__ import annotations

import fcntl
import os
import stat as bits
import struct
from typing import Any, Optional

from provisioner.remote.files import group_name, user_name

_GET_FLAGS, _GET_VERSION = 0x80086601, 0x80087601  # FS_IOC_GETFLAGS, FS_IOC_GETVERSION of linux/fs.h (64 bit)
_FLAGS = (
    ("s", "secdel", 0x1),
    ("u", "undelete", 0x2),
    ("c", "compressed", 0x4),
    ("S", "synchronous", 0x8),
    ("i", "immutable", 0x10),
    ("a", "append", 0x20),
    ("d", "nodump", 0x40),
    ("A", "noatime", 0x80),
    ("I", "indexed", 0x1000),
    ("j", "journalled", 0x4000),
    ("t", "notail", 0x8000),
    ("D", "dirsync", 0x10000),
    ("T", "topdir", 0x20000),
    ("e", "extents", 0x80000),
    ("V", "verity", 0x100000),
    ("C", "nocow", 0x800000),
    ("x", "dax", 0x2000000),
    ("N", "inline", 0x10000000),
    ("P", "project", 0x20000000),
    ("F", "casefold", 0x40000000),
)


def permissions(status: os.stat_result) -> "dict[str, Any]":
    """`mode`, the kind, and each permission bit."""
    mode = status.st_mode
    found: "dict[str, Any]" = {
        "mode": "%04o" % bits.S_IMODE(mode),
        "isdir": bits.S_ISDIR(mode),
        "ischr": bits.S_ISCHR(mode),
        "isblk": bits.S_ISBLK(mode),
        "isreg": bits.S_ISREG(mode),
        "isfifo": bits.S_ISFIFO(mode),
        "islnk": bits.S_ISLNK(mode),
        "issock": bits.S_ISSOCK(mode),
        "isuid": bool(mode & bits.S_ISUID),
        "isgid": bool(mode & bits.S_ISGID),
    }
    for who, shift in (("usr", 6), ("grp", 3), ("oth", 0)):
        for letter, bit in (("r", 4), ("w", 2), ("x", 1)):
            found[letter + who] = bool(mode >> shift & bit)
    return found


def numbers(status: os.stat_result) -> "dict[str, Any]":
    """Owner, size, times and place."""
    return {
        "uid": status.st_uid,
        "gid": status.st_gid,
        "pw_name": user_name(status.st_uid),
        "gr_name": group_name(status.st_gid),
        "size": status.st_size,
        "inode": status.st_ino,
        "dev": status.st_dev,
        "nlink": status.st_nlink,
        "atime": status.st_atime,
        "mtime": status.st_mtime,
        "ctime": status.st_ctime,
    }


def flags(path: str) -> "dict[str, Any]":
    """`attr_flags`, `attributes` and `version` as `lsattr` shows them; empty where the file system has none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return {"attr_flags": "", "attributes": [], "version": None}
    try:
        value = _ask(fd, _GET_FLAGS) or 0
        version = _ask(fd, _GET_VERSION)
    finally:
        os.close(fd)
    known = [(letter, name) for letter, name, bit in _FLAGS if value & bit]
    return {
        "attr_flags": "".join(letter for letter, _ in known),
        "attributes": [name for _, name in known],
        "version": None if version is None else str(version),
    }


def _ask(fd: int, request: int) -> Optional[int]:
    try:
        answer = fcntl.ioctl(fd, request, struct.pack("@l", 0))
    except OSError:
        return None
    number: int = struct.unpack("@I", answer[:4])[0]
    return number


def guessed_type(path: str, status: os.stat_result) -> "tuple[str, str]":
    """MIME type and charset told from the kind and the first bytes, without a process: text or not, that is all."""
    for test, name in (
        (bits.S_ISDIR, "directory"),
        (bits.S_ISLNK, "symlink"),
        (bits.S_ISFIFO, "fifo"),
        (bits.S_ISSOCK, "socket"),
        (bits.S_ISBLK, "blockdevice"),
        (bits.S_ISCHR, "chardevice"),
    ):
        if test(status.st_mode):
            return "inode/" + name, "binary"
    if status.st_size == 0:
        return "inode/x-empty", "binary"
    try:
        with open(path, "rb") as source:
            start = source.read(4096)
    except OSError:
        return "unknown", "unknown"
    if b"\0" in start:
        return "application/octet-stream", "binary"
    if start.isascii():
        return "text/plain", "us-ascii"
    try:
        start[:-4].decode("utf-8")  # the cut may go through a character
    except UnicodeDecodeError:
        return "application/octet-stream", "binary"
    return "text/plain", "utf-8"
