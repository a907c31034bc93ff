"""Where an app's sources are: a directory, or a git repository; or a build that was made elsewhere."""

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


@dataclass(frozen=True, slots=True)
class Artifact:
    path: str


Source = Directory | Git | Artifact


def directory(value: str) -> str | None:
    """A directory inside the source as it is named everywhere, "" for its top; None for one elsewhere."""
    path = posixpath.normpath(value or ".")
    if path.startswith(("/", "../")) or path == "..":
        return None
    return "" if path == "." else path


def read(value: Any, found: list[Problem]) -> Source | None:
    """The source from the argument; None with what is wrong added to `found`."""
    if isinstance(value, str) and value:
        return Directory(value)
    inner = Spec(
        name="source",
        summary="",
        args={
            "git": Arg(type="dict", options=GIT, doc="Where the sources are"),
            "artifact": Arg(doc="A build: a directory, or a tar.gz"),
        },
    )
    if not isinstance(value, Mapping):
        found.append(Problem("source", "`source` must be a directory, `git: {repo, version}` or `artifact: PATH`"))
        return None
    wrong = inner.problems(value)
    if not wrong and len([name for name in inner.args if value.get(name)]) != 1:
        wrong = [Problem("source", "`source` must have one of `git` and `artifact`")]
    if wrong:
        found.extend(Problem("source", problem.message, problem.hint) for problem in wrong)
        return None
    bound = inner.bind(value)
    return Artifact(bound.artifact) if bound.artifact else Git(**bound.git)
