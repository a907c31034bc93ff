"""Where the loader looks for files of tasks, roles and variables."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Protocol

from provisioner.diag import Collector, Span
from provisioner.lang.context import Context
from provisioner.lang.source import YAML_SUFFIXES, first_file, is_directory, is_file, join, near_file


def find_tasks(name: str, context: Context, span: Span, found: Collector) -> str | None:
    """The file that `include_tasks`/`import_tasks` means: beside the file, in the role, beside the playbook."""
    folders = ("handlers", "tasks") if context.handlers else ("tasks",)
    directories = [os.path.dirname(context.file)]
    if context.role is not None:
        for role in (context.role, *context.role.parents):
            directories += [*(join(role.path, folder) for folder in folders), role.path]
    directories += [join(context.playbook_dir, "tasks"), context.playbook_dir]
    candidates = _unique(join(directory, name) for directory in directories)
    path = first_file(candidates)
    if path is None:
        missing("File not found", f"no file of tasks `{name}`", candidates, span, found)
    return path


class Places(Protocol):
    """Where roles are looked for besides beside playbooks (`state.Options` is the real one)."""

    @property
    def roles_path(self) -> Iterable[str]: ...
    @property
    def collections_path(self) -> Iterable[str]: ...


def find_role(name: str, context: Context, places: Places, span: Span, found: Collector) -> str | None:
    """The directory of a role: roles/ beside the playbook, `roles_path`, beside this role, beside the playbook.

    `namespace.collection.role` is a role of a collection first: of `collections/` beside the playbook, then of
    `collections_path`.
    """
    directories = [join(context.playbook_dir, "roles"), *map(os.path.expanduser, places.roles_path)]
    if context.role is not None:
        directories.append(os.path.dirname(context.role.path))
    directories.append(context.playbook_dir)
    candidates = _unique([*_in_collections(name, context, places), *(join(place, name) for place in directories)])
    path = next((candidate for candidate in candidates if is_directory(candidate)), None)
    if path is None:
        missing("Role not found", f"there is no role `{name}`", candidates, span, found)
    return path


def _in_collections(name: str, context: Context, places: Places) -> list[str]:
    parts = name.split(".")
    if len(parts) != 3 or not all(parts):
        return []
    namespace, collection, role = parts
    below = join(join("ansible_collections", namespace), join(collection, join("roles", role)))
    shelves = [join(context.playbook_dir, "collections"), *map(os.path.expanduser, places.collections_path)]
    return [join(shelf, below) for shelf in shelves]


def role_files(role_path: str, folder: str, name: str | None) -> list[str]:
    """The files of one part of a role (`tasks`, `vars` …): `main` or `name`, a file or a directory of files.

    A name that leads out of the role finds nothing.
    """
    base = join(join(role_path, folder), name or "main")
    if is_outside(base, role_path):
        return []
    if name and is_file(base):
        return [base]
    for suffix in (*YAML_SUFFIXES, ""):
        if is_file(base + suffix):
            return [base + suffix]
    if is_directory(base):
        return directory_files(base)
    return []


def is_outside(path: str, role_path: str) -> bool:
    return os.path.relpath(path, role_path).split(os.sep)[0] == os.pardir


def directory_files(directory: str) -> list[str]:
    """YAML files below a directory, sorted by path; hidden ones and editors' backups are left out."""
    files: list[str] = []
    for parent, folders, names in os.walk(directory):
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        files += [
            os.path.join(parent, name) for name in names
            if not name.startswith(".") and not name.endswith("~")
            and (name.endswith(YAML_SUFFIXES) or "." not in name)
        ]
    return sorted(files)


def missing(summary: str, what: str, tried: Iterable[str], span: Span, found: Collector, *, hint: str = "") -> None:
    paths = list(tried)
    searched = ", ".join(f"`{path}`" for path in paths)
    found.error(summary, f"{what}; looked for {searched}", span, hint=hint or near_file(paths))


def _unique(paths: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(os.path.normpath(path) for path in paths))
