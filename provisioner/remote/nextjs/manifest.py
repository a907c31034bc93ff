"""What a release consists of: every file with its mode, size and SHA-256, every link with its target.

Kept beside the release as MANIFEST.json. A release that arrives is checked against it, only what differs from an
earlier release is sent, and a release that was edited later is recognised by it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Tuple

from provisioner.remote.nextjs.layout import MANIFEST_FILE, RELEASE_FILE

Entry = List[Any]
"""[mode, size, sha256] of a file, mode as four octal digits; ["link", target] of a link."""
Manifest = Dict[str, Entry]

_PIECE = 1 << 20
#: Made by a running app, or of use only to the next build. Data fetched by the build is the build's own.
_NO_PART = re.compile(
    r"(.*/)?(\.next/(cache/(?!fetch-cache/)|server/route-cache/|standalone/|trace(-build)?$|diagnostics/)|node_modules/\.cache/)"
)
#: A running app makes pages anew in place (up to Next.js 14 in .next/server, and what it fetched in .next/cache).
_REWRITTEN = re.compile(r"(.*/)?\.next/(cache/|server/(app|pages)/.*\.(html|json|rsc|body|meta)$)")
#: Belongs to the app's user: never one inode with another release.
_OWN = re.compile(r"(.*/)?\.next/(cache|server)/")


class Differences(NamedTuple):
    """Between a manifest and what is there, as sorted paths."""

    missing: "Tuple[str, ...]"
    changed: "Tuple[str, ...]"
    added: "Tuple[str, ...]"

    @property
    def broken(self) -> "Tuple[str, ...]":
        """What a release can't be without."""
        return (*self.missing, *self.changed)


def is_part(path: str) -> bool:
    """Whether a file of a build belongs to the release."""
    return path not in (RELEASE_FILE, MANIFEST_FILE) and not _NO_PART.match(path)


def is_rewritten(path: str) -> bool:
    """Whether a running app may give the file another content."""
    return _REWRITTEN.match(path) is not None


def is_own(path: str) -> bool:
    """Whether the app's user may write the file."""
    return _OWN.match(path) is not None


def compare(manifest: "Mapping[str, Entry]", found: "Mapping[str, Entry]") -> Differences:
    """What differs, without what a running app rewrites (that must only be there)."""
    return Differences(
        tuple(sorted(path for path in manifest if path not in found)),
        tuple(sorted(path for path, entry in manifest.items()
                     if path in found and found[path] != entry and not is_rewritten(path))),
        tuple(sorted(path for path in found if path not in manifest and not is_rewritten(path))),
    )  # fmt: skip


def patch(base: "Mapping[str, Entry]", new: "Mapping[str, Entry]") -> "Dict[str, Any]":
    """What makes `new` of `base`."""
    return {
        "gone": sorted(path for path in base if path not in new),
        "files": {path: entry for path, entry in new.items() if base.get(path) != entry},
    }


def patched(base: "Mapping[str, Entry]", difference: "Mapping[str, Any]") -> Manifest:
    gone = set(difference["gone"])
    return {**{path: entry for path, entry in base.items() if path not in gone}, **difference["files"]}


def digest(manifest: "Mapping[str, Entry]") -> str:
    return hashlib.sha256(encode(manifest)).hexdigest()


def encode(manifest: "Mapping[str, Entry]") -> bytes:
    """The text of MANIFEST.json: a line for every file, in order, so that it can be read and compared by people."""
    lines = ("%s: %s" % (json.dumps(path), json.dumps(entry)) for path, entry in sorted(manifest.items()))
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode("ascii")


def decode(data: bytes) -> Manifest:
    found = json.loads(data)
    if not isinstance(found, dict):
        raise ValueError("a manifest is a JSON object")
    return found


def read_tree(root: str) -> Manifest:
    """The manifest of what is there."""
    return {path: entry_of(os.path.join(root, path)) for path in walk(root) if is_part(path)}


def walk(root: str) -> "Iterator[str]":
    """Every path below `root` that is no directory; links are not followed."""
    pending = [""]
    while pending:
        below = pending.pop()
        with os.scandir(os.path.join(root, below)) as entries:
            for entry in entries:
                path = os.path.join(below, entry.name)
                if entry.is_dir(follow_symlinks=False):
                    pending.append(path)
                elif entry.is_symlink() or entry.is_file(follow_symlinks=False):
                    yield path


def entry_of(path: str) -> Entry:
    """Opened without following a link: what lies in a build directory belongs to the app's user."""
    try:
        return ["link", os.readlink(path)]
    except OSError:
        pass
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(handle, "rb", buffering=0) as stream:
        status = os.fstat(handle)
        found = hashlib.sha256()
        for piece in iter(lambda: stream.read(_PIECE), b""):
            found.update(piece)
    return ["%04o" % (status.st_mode & 0o777), status.st_size, found.hexdigest()]
