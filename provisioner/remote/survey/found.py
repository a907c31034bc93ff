"""What a watch gives: items, each with its lines, within bounds."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import Any, Dict, Iterable, List, Mapping, Sequence

Items = Dict[str, List[str]]
"""Item (a package, a user, a file …) -> what is to be known of it. An item that is there has at least one line."""

LONGEST_LINE = 400  # characters
MOST_ITEMS = 20000
LARGEST_FILE = 32 << 20  # bytes


class Unreadable(Exception):
    """Why a watch can't tell what there is."""


def found(items: "Mapping[str, Iterable[str]]", shipped: "Iterable[str]" = ()) -> "Dict[str, Any]":
    """shipped: items that are exactly as a package has brought them, so that upgrades of it change them."""
    if len(items) > MOST_ITEMS:
        raise Unreadable("there are %d items, more than %d" % (len(items), MOST_ITEMS))
    return {
        "items": {short(item): [short(line) for line in lines] for item, lines in sorted(items.items())},
        "shipped": sorted(map(short, shipped)),
    }


def short(text: str) -> str:
    """A long text keeps its beginning and a hash of the whole, so that another end is another text."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    if len(text) <= LONGEST_LINE:
        return text
    return "%s… (sha256 %s)" % (text[:LONGEST_LINE], hashlib.sha256(text.encode()).hexdigest()[:16])


def content(path: str) -> bytes:
    """A file's content; nothing of one that is not there, is no file or is a pipe that would never end."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except PermissionError:
        raise refused(path) from None
    except OSError as error:
        raise Unreadable("%s: %s" % (path, error.strerror)) from None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return b""
        data = file.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise Unreadable("%s is larger than %d bytes" % (path, LARGEST_FILE))
    return data


def text(path: str) -> str:
    return content(path).decode("utf-8", "surrogateescape")


def kernels(path: str) -> str:
    """A table of the kernel's. It has no size, and one read for all that may come is refused for want of memory."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:  # no IPv6, say
        return ""


def names(folder: str) -> "List[str]":
    """Sorted; nothing when it is not there."""
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError:
        raise refused(folder) from None


def refused(path: str) -> Unreadable:
    return Unreadable("%s may not be read by this user: `become: true` for the watch list" % path)


def statements(source: str) -> "List[str]":
    """The lines that say something: without comments, continued lines joined, blanks made one."""
    lines = (" ".join(line.split()) for line in source.replace("\\\n", " ").splitlines())
    return [line for line in lines if line and (not line.startswith("#") or line.startswith("#include"))]


def words(lines: "Sequence[str]") -> "List[List[str]]":
    """The fields of a file like /etc/passwd."""
    return [line.split(":") for line in lines if line and not line.startswith("#")]
