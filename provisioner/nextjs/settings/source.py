"""Where an app's sources are: a directory, or a git repository."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.remote.spec import Arg, Problem, Spec

GIT = {
    "repo": Arg(required=True, doc="Address of the repository, as `git clone` takes it. The controller fetches it"),
    "version": Arg(default="HEAD", doc="Branch, tag or commit"),
    "path": Arg(default="", doc="The directory of the repository that is the source; nothing else of it is seen"),
}


@dataclass(frozen=True, slots=True)
class Directory:
    path: str


@dataclass(frozen=True, slots=True)
class Git:
    repo: str
    version: str = "HEAD"
    path: str = ""


def directory(value: str) -> str | None:
    """A directory inside the source as it is named everywhere, "" for its top; None for one elsewhere."""
    path = posixpath.normpath(value or ".")
    if path.startswith(("/", "../")) or path == "..":
        return None
    return "" if path == "." else path


def read(value: Any, found: list[Problem]) -> Directory | Git | None:
    """The source from the argument; None with what is wrong added to `found`."""
    if isinstance(value, str) and value:
        return Directory(value)
    inner = Spec(
        name="source",
        summary="",
        args={"git": Arg(type="dict", required=True, options=GIT, doc="Where the sources are")},
    )
    if not isinstance(value, Mapping):
        found.append(Problem("source", "`source` must be a directory or `git: {repo, version}`"))
        return None
    wrong = inner.problems(value)
    if wrong:
        found.extend(Problem("source", problem.message, problem.hint) for problem in wrong)
        return None
    return Git(**inner.bind(value).git)
