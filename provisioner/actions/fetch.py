"""`fetch`: a file of the host stored on the controller. What a host calls its files never leads out of `dest`."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from provisioner.actions.base import Driving
from provisioner.actions.local import flag, local_name
from provisioner.values import contains_unknown


def run(call: Driving) -> Mapping[str, Any]:
    unknown = contains_unknown(dict(call.args))
    if unknown is not None:
        return {"changed": False, "unknown": unknown.reason}
    source, dest = call.args.get("src"), call.args.get("dest")
    if not source or not dest:
        return _failed("`fetch` needs `src` and `dest`")
    try:
        target = destination(local_name(source), local_name(dest), str(call.host), flat=flag(call.args, "flat", False))
    except ValueError as error:
        return _failed(str(error))
    have = _digest(target, "sha256")
    with _spool(target, call.check) as spool:
        answer = call.call("fetch", {"src": source, "_have": have}, sink=spool.file if spool else None)
        if answer.get("failed") or "unknown" in answer:
            return _unfetched(call, answer)
        if not answer["exists"]:
            return _missing(call, str(answer["file"]))
        return _stored(call, answer, target, have, spool)


def destination(source: str, dest: str, host: str, *, flat: bool) -> Path:
    """Where the file goes. Raises ValueError for names that would lead elsewhere.

    >>> destination("/etc/hosts", "out", "web", flat=False)
    PosixPath('out/web/etc/hosts')
    """
    if "\0" in source + dest:
        raise ValueError("a path holds a NUL byte")
    parts = [part for part in source.replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        raise ValueError(f"`src` must name a file without `..`: {source}")
    base = Path(os.path.expanduser(dest))
    if flat:
        if dest.endswith("/") or base.is_dir():
            return base / parts[-1]
        return base
    if host in ("", ".", "..") or "/" in host:
        raise ValueError(f"the host name {host!r} can't be a directory; use `flat: true` with a path of your own")
    target = base / host / Path(*parts)
    if not Path(os.path.realpath(target)).is_relative_to(os.path.realpath(base)):
        raise ValueError(f"{target} leads out of {dest} through a link")
    return target


@contextmanager
def _spool(target: Path, check: bool) -> Iterator[_Spool | None]:
    """A private file beside the target, so that storing it is one rename; gone in the end unless it was renamed."""
    if check:
        yield None
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".fetch-")
    try:
        with os.fdopen(handle, "w+b") as spool:
            yield _Spool(spool, Path(name))
    finally:
        Path(name).unlink(missing_ok=True)


class _Spool(NamedTuple):
    file: BinaryIO
    path: Path


def _stored(
    call: Driving, answer: Mapping[str, Any], target: Path, have: str | None, spool: _Spool | None
) -> Mapping[str, Any]:
    same = have == answer["sha256"]
    result = {
        "changed": not same,
        "dest": os.path.abspath(target),
        "file": answer["file"],
        "checksum": answer["sha1"],
        "remote_checksum": answer["sha1"],
        "md5sum": _digest(target, _md5) if same else None,
        "remote_md5sum": None,
    }
    if spool is None or same:
        return result
    spool.file.flush()
    if _digest(spool.path, "sha256") != answer["sha256"]:
        return _failed(
            "the file changed on the host while it was fetched; run again", file=answer["file"], dest=str(target)
        )
    if have is not None:
        spool.path.chmod(target.stat().st_mode & 0o777)  # a new file is private: it may be a key
    spool.path.replace(target)
    return {**result, "md5sum": _digest(target, _md5)}


def _unfetched(call: Driving, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    if "unknown" not in answer and not flag(call.args, "fail_on_missing", True):
        return {"changed": False, "msg": f"{answer.get('msg')}, ignored", "file": answer.get("file")}
    return dict(answer)


def _missing(call: Driving, path: str) -> Mapping[str, Any]:
    if call.check:
        return {"changed": False, "unknown": f"{path} does not exist yet"}
    message = "the remote file does not exist"
    if flag(call.args, "fail_on_missing", True):
        return _failed(message, file=path)
    return {"changed": False, "msg": f"{message}, not transferring, ignored", "file": path}


def _failed(message: str, **more: Any) -> Mapping[str, Any]:
    return {"failed": True, "changed": False, "msg": message, **more}


def _md5() -> Any:
    """Nobody is to be kept out by it: it is told for playbooks that read it."""
    return hashlib.md5(usedforsecurity=False)


def _digest(path: Path, algorithm: str | Callable[[], Any]) -> str | None:
    try:
        with path.open("rb") as source:
            return hashlib.file_digest(source, algorithm).hexdigest()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
