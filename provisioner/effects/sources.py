"""The controller's files that tasks send to hosts: found by name, read, or listed as a whole tree.

    find_file   (name, subdirs) -> {"path", "kind": "file" | "directory", "mode", "size", "sha256", "sha1", "data",
                                    "decrypted"}
    read_text   (name, subdirs) -> {"path", "fullpath", "text", "mode", "mtime", "owner", "node", "read_at",
                                    "decrypted"}
    tree        (path, follow)  -> [{"path", "kind", "mode", "size", "sha256", "source", "target", "data",
                                    "decrypted"}], kinds also "link"

`data` is there for small files, and for those that were encrypted: no decrypted byte goes to a disk of the controller.
Names are looked for in the option `search` (directories), each with every subdirectory of `subdirs` before the
directory itself. The option `decrypt: False` leaves encrypted files as they are.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import pwd
import stat
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from provisioner.diag import Span
from provisioner.lang.source import is_encrypted
from provisioner.values import Value, Vault

SMALL = 32 << 10
_PIECE = 1 << 20


def find_file(args: Sequence[Value], options: Mapping[str, Any], vault: Vault) -> dict[str, Value]:
    name, subdirs = args
    path = find(str(name), options["search"], tuple(subdirs))
    if path.is_dir():
        return {"path": str(path), "kind": "directory"}
    return {"path": str(path), "kind": "file", **_digest(path, vault if options.get("decrypt", True) else None)}


def read_text(args: Sequence[Value], options: Mapping[str, Any], vault: Vault) -> dict[str, Value]:
    name, subdirs = args
    path = find(str(name), options["search"], tuple(subdirs))
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a directory, not a file")
    status = path.stat()
    content, decrypted = plain_content(path, vault)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text (byte {error.start})") from None
    return {
        "path": str(path),
        "fullpath": os.path.abspath(path),
        "text": text,
        "mode": _mode(status),
        "mtime": status.st_mtime,
        "owner": _owner(status.st_uid),
        "node": os.uname().nodename,
        "read_at": datetime.now().astimezone().replace(tzinfo=None),
        "decrypted": decrypted,
    }


def plain_content(path: Path, vault: Vault) -> tuple[bytes, bool]:
    """The bytes of a file, and whether they had to be decrypted."""
    content = path.read_bytes()
    return (vault.decrypt(content, Span(str(path), 1)), True) if is_encrypted(content) else (content, False)


def tree(args: Sequence[Value], options: Mapping[str, Any], vault: Vault) -> list[dict[str, Value]]:
    """Everything below a directory, sorted, each directory before what is in it."""
    root, follow = args
    opened = vault if options.get("decrypt", True) else None
    return list(_walk(Path(root), "", bool(follow), (os.path.realpath(root),), opened))


def find(name: str, search: Sequence[str | Path], subdirs: Sequence[str]) -> Path:
    """The first that exists; `FileNotFoundError` lists the directories looked in and a near name."""
    if not name or "\0" in name:
        raise ValueError(
            "the name of a local file is empty" if not name else "the name of a local file holds a NUL byte"
        )
    path = Path(os.path.expanduser(name))
    if path.is_absolute():
        candidates = [path]
    else:
        candidates = list(dict.fromkeys(Path(base) / sub / path for base in search for sub in (*subdirs, "")))
    for candidate in candidates:
        if candidate.exists():
            return candidate
    parents = [candidate.parent for candidate in candidates]
    lines = "".join(f"\n  {parent}" for parent in parents)
    near = _near(path.name, parents)
    raise FileNotFoundError(f"there is no file `{name}`{near}; looked in:{lines}")


def _near(name: str, directories: Sequence[Path]) -> str:
    names = [found.name for directory in directories if directory.is_dir() for found in directory.iterdir()]
    match = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f" (did you mean `{match[0]}`?)" if match else ""


def _digest(path: Path, vault: Vault | None) -> dict[str, Any]:
    """vault: opens the file if it is encrypted."""
    with path.open("rb") as source:
        status = os.fstat(source.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{path} is not a regular file")
        sha256, sha1 = hashlib.sha256(), hashlib.sha1(usedforsecurity=False)
        size, data, start = 0, b"", b""
        for piece in iter(lambda: source.read(_PIECE), b""):
            sha256.update(piece)
            sha1.update(piece)
            size += len(piece)
            data, start = piece, start or piece[:64]
    if vault is not None and is_encrypted(start):
        data = vault.decrypt(path.read_bytes(), Span(str(path), 1))
        sha256, sha1 = hashlib.sha256(data), hashlib.sha1(data, usedforsecurity=False)
        return _content(sha256.hexdigest(), sha1.hexdigest(), len(data), status, data, decrypted=True)
    small = data if size <= SMALL else None
    return _content(sha256.hexdigest(), sha1.hexdigest(), size, status, small, decrypted=False)


def _content(sha256: str, sha1: str, size: int, status: os.stat_result, data: bytes | None, *,
             decrypted: bool) -> dict[str, Any]:
    return {"sha256": sha256, "sha1": sha1, "size": size, "mode": _mode(status), "data": data, "decrypted": decrypted}


def _walk(directory: Path, prefix: str, follow: bool, above: tuple[str, ...],
          vault: Vault | None) -> Iterator[dict[str, Value]]:
    for path in sorted(directory.iterdir(), key=lambda path: (path.is_dir(), path.name)):
        relative, real = f"{prefix}{path.name}", os.path.realpath(path)
        # what leads nowhere or back to where we are can only be copied as a link
        if path.is_symlink() and (not follow or real in above or not path.exists()):
            yield {"path": relative, "kind": "link", "target": os.readlink(path)}
        elif path.is_dir():
            yield {"path": relative, "kind": "directory", "mode": _mode(path.stat())}
            yield from _walk(path, f"{relative}/", follow, (*above, real), vault)
        elif path.is_file():
            found = _digest(path, vault)
            if not found["decrypted"]:
                del found["data"]
            yield {"path": relative, "kind": "file", "source": str(path), **found}
        # sockets and pipes can't be copied


def _mode(status: os.stat_result) -> str:
    return f"{stat.S_IMODE(status.st_mode):04o}"


def _owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


SOURCES: Mapping[str, Any] = {"find_file": find_file, "read_text": read_text, "tree": tree}
