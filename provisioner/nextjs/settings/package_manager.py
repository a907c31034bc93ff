"""The package manager, where it is not the one that the app's files name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from provisioner.remote.spec import Arg, Problem, Spec

Name = Literal["npm", "pnpm", "yarn", "bun"]

OPTIONS = {
    "name": Arg(required=True, choices=get_args(Name), doc="npm, pnpm, yarn or bun; the source needs its lockfile"),
    "version": Arg(type="str", doc="A version, or the beginning of one (9, 9.15, 9.15.0)"),
}
_VERSION = re.compile(r"\d+(\.\d+){0,2}(-[\w.]+)?")


@dataclass(frozen=True, slots=True)
class PackageManager:
    """version: None for the one that the app's files name."""

    name: Name
    version: str | None = None


def read(value: Any, found: list[Problem]) -> PackageManager | None:
    """The value of the argument, `pnpm@9.15.0` or a mapping; what is wrong with it is added to `found`."""
    if value is None:
        return None
    if isinstance(value, str):
        name, _, version = value.partition("@")
        value = {"name": name, "version": version} if version else {"name": name}
    if not isinstance(value, Mapping):
        found.append(Problem("package_manager", f"`package_manager: {value}` is neither a name nor a mapping",
                             "as in pnpm@9.15.0"))  # fmt: skip
        return None
    inner = Spec(name="package_manager", summary="", args=OPTIONS)
    wrong = inner.problems(value)
    if wrong:
        found.extend(Problem("package_manager", problem.message, problem.hint) for problem in wrong)
        return None
    bound = inner.bind(value)
    if bound.version is not None and not _VERSION.fullmatch(bound.version):
        found.append(Problem("package_manager", f"`{bound.version}` is no version of {bound.name}", "as in 9.15.0"))
        return None
    return PackageManager(bound.name, bound.version)
