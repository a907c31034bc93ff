"""Finding the controller's files that lookups name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from glob import glob as globbed
from pathlib import Path

from provisioner.values import Value

CHECKS: Mapping[str, Callable[[str], bool]] = {
    "exists": os.path.exists, "file": os.path.isfile, "directory": os.path.isdir, "link": os.path.islink,
    "link_exists": os.path.lexists, "mount": os.path.ismount,
    "vaulted": lambda path: Path(path).is_file() and Path(path).read_bytes()[:14] == b"$ANSIBLE_VAULT",
}
PATHS: Mapping[str, Callable[..., Value]] = {
    "expanduser": os.path.expanduser, "expandvars": os.path.expandvars, "realpath": os.path.realpath,
    "same_file": os.path.samefile,
    "fileglob": lambda pattern: sorted(str(found) for found in globbed(pattern) if os.path.isfile(found)),
}


def find(name: str, search_paths: Sequence[Path], subdirs: Sequence[str]) -> Path:
    """The first that exists of each path's subdirectories and the path itself; `OSError` names what was tried."""
    path = Path(os.path.expanduser(name))
    if path.is_absolute():
        if path.exists():
            return path
        raise FileNotFoundError(f"{name} does not exist")
    tried = [base / sub / path for base in search_paths for sub in (*subdirs, "")]
    for candidate in tried:
        if candidate.exists():
            return candidate
    where = "".join(f"\n  {candidate}" for candidate in tried)
    raise FileNotFoundError(f"No such file or directory: {name} was not found" + (f"; tried:{where}" if tried else ""))


def glob(pattern: str, search_paths: Sequence[Path]) -> list[str]:
    """Files (not directories) that match, sorted. With a directory in the pattern the first that exists decides, else
    the first that has a match."""
    path = Path(os.path.expanduser(pattern))
    parents = [path.parent] if path.is_absolute() else [
        base / sub / path.parent for base in search_paths for sub in ("files", "")]
    for parent in parents:
        found = sorted(str(match) for match in parent.glob(path.name) if match.is_file()) if parent.is_dir() else []
        if found or (parent.is_dir() and path.parent != Path()):
            return found
    return []


def first_found(terms: Sequence[Value], options: Mapping[str, Value], search_paths: Sequence[Path]) -> list[str]:
    """The first candidate that exists, as a list of one; empty with `skip: true`, else `OSError`.

    `subdir` of the options is tried inside each directory before the directory itself.
    """
    subdirs, places = (str(options.get("subdir", "files")),), _with_tasks(search_paths)
    skip, candidates = bool(options.get("skip", False)), []
    for term in terms or [{}]:
        if isinstance(term, Mapping) or options.get("files") or options.get("paths"):
            given = term if isinstance(term, Mapping) else {"files": [term] if term else []}
            given = {**options, **given}
            skip = skip or bool(given.get("skip", False))
            candidates += _combined(_words(given.get("files", [])), _words(given.get("paths", [])))
        else:
            candidates += [str(found) for found in (term if isinstance(term, list) else [term])]
    for candidate in candidates:
        try:
            return [str(find(candidate, places, subdirs))]
        except FileNotFoundError:
            continue
    if skip:
        return []
    raise FileNotFoundError(f"none of {', '.join(candidates) or 'no files'} exists; `skip: true` allows that")


def _with_tasks(search_paths: Sequence[Path]) -> list[Path]:
    """Before a directory inside a role's `tasks`, `tasks` itself."""
    return [place for path in search_paths
            for place in ((path.parent, path) if path.parent.name == "tasks" else (path,))]


def _combined(names: list[str], paths: list[str]) -> list[str]:
    return [os.path.join(path, name) for path in paths for name in names] if paths and names else names or paths


def _words(value: Value) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in value.replace(";", ",").split(",") if part.strip()]
    return [str(item) for item in value or []]
