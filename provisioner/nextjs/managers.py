"""Package managers: which one an app uses, in which version, and how it is called. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from provisioner.nextjs.settings.package_manager import PackageManager

Manager = Literal["npm", "pnpm", "yarn", "bun"]

LOCKFILES: Mapping[str, Manager] = {
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "yarn",
    "bun.lock": "bun",
    "bun.lockb": "bun",
}
PNPM_BY_LOCKFILE = {"5": "7", "6": "8", "9": "10"}


@dataclass(frozen=True, slots=True)
class Install:
    """How dependencies get installed, development ones too: the build needs them.

    tool: what npm must fetch before (`pnpm@9.1.0`); None for the npm of Node.js itself. env: variables for both.
    """

    manager: Manager
    lockfile: str
    command: tuple[str, ...]
    build: tuple[str, ...]
    tool: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)


def choose(
    files: Mapping[str, str],
    package: Mapping[str, Any],
    wanted: PackageManager | None,
    errors: list[str],
    warnings: list[str],
) -> Install | None:
    """`files`: texts of the source, where the lockfile is at the top; `package`: package.json there."""
    present = [name for name in LOCKFILES if name in files]
    declared, _, version = str(package.get("packageManager", "")).partition("@")
    version = version.partition("+")[0]
    source = "package.json asks for {} by `packageManager`"
    if wanted is not None:
        version = wanted.version or (version if declared == wanted.name else "")
        declared, source = wanted.name, "`package_manager` is {}"
    fitting = [name for name in present if LOCKFILES[name] == declared] or present
    if not fitting:
        errors.append(
            "the source has no lockfile (package-lock.json, pnpm-lock.yaml, yarn.lock, bun.lock), so two builds could "
            "get different packages; run your package manager and commit its lockfile"
        )
        return None
    lockfile = fitting[0]
    manager = LOCKFILES[lockfile]
    if len({LOCKFILES[name] for name in present}) > 1 and wanted is None:
        warnings.append(f"there are several lockfiles ({', '.join(present)}); {lockfile} is used")
    if declared and declared != manager:
        errors.append(f"{source.format(declared)}, but the only lockfile is {lockfile}")
    return _COMMANDS[manager](files, lockfile, version if declared == manager else "", wanted is not None)


def _npm(files: Mapping[str, str], lockfile: str, version: str, chosen: bool) -> Install:
    """`packageManager` alone does not bring another npm than that of Node.js: npm itself ignores it too."""
    tool = f"npm@{version}" if version and chosen else None
    return Install("npm", lockfile, ("npm", "ci", "--include=dev"), ("npm", "run", "build"), tool)


def _pnpm(files: Mapping[str, str], lockfile: str, version: str, chosen: bool) -> Install:
    found = re.search(r"^lockfileVersion:\s*'?(\d+)", files[lockfile], re.MULTILINE)
    wanted = version or PNPM_BY_LOCKFILE.get(found[1] if found else "", "10")
    return Install(
        "pnpm",
        lockfile,
        ("pnpm", "install", "--frozen-lockfile", "--prod=false"),
        ("pnpm", "run", "build"),
        f"pnpm@{wanted}",
        # Else pnpm gets the version of `packageManager` by itself and runs that.
        {"npm_config_manage_package_manager_versions": "false", "npm_config_package_manager_strict": "false"},
    )


def _yarn(files: Mapping[str, str], lockfile: str, version: str, chosen: bool) -> Install:
    settings = files.get(".yarnrc.yml")
    is_berry = version[:1] in tuple("23456789") if version else settings is not None or _of_berry(files[lockfile])
    if not is_berry:
        command = ("yarn", "install", "--frozen-lockfile", "--production=false", "--non-interactive")
        return Install("yarn", lockfile, command, ("yarn", "run", "build"), f"yarn@{version or '1'}")
    env = {"YARN_ENABLE_TELEMETRY": "0"}
    if not re.search(r"^nodeLinker:", settings or "", re.MULTILINE):
        env["YARN_NODE_LINKER"] = "node-modules"  # by itself it makes none, and Next.js is started from there
    if chosen:
        env["YARN_IGNORE_PATH"] = "1"
    # Whatever version this is, it calls the one that a project brings along (`yarnPath`).
    tool = f"@yarnpkg/cli-dist@{version or '4'}"
    return Install("yarn", lockfile, ("yarn", "install", "--immutable"), ("yarn", "run", "build"), tool, env)


def _of_berry(text: str) -> bool:
    return re.search(r"^__metadata:", text, re.MULTILINE) is not None


def _bun(files: Mapping[str, str], lockfile: str, version: str, chosen: bool) -> Install:
    return Install(
        "bun", lockfile, ("bun", "install", "--frozen-lockfile"), ("bun", "run", "build"), f"bun@{version or '1'}"
    )


_COMMANDS: Mapping[Manager, Callable[[Mapping[str, str], str, str, bool], Install]] = {
    "npm": _npm,
    "pnpm": _pnpm,
    "yarn": _yarn,
    "bun": _bun,
}
