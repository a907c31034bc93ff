"""What an app's files tell about it. Pure: works on the texts of the files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Manager = Literal["npm", "pnpm", "yarn", "bun"]

LOCKFILES: Mapping[str, Manager] = {
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "yarn",
    "bun.lock": "bun",
    "bun.lockb": "bun",
}
DEFAULT_TOOLS: Mapping[Manager, str] = {"npm": "npm", "pnpm": "pnpm@10", "yarn": "yarn@1", "bun": "bun@1"}
PNPM_BY_LOCKFILE = {"5": "7", "6": "8", "9": "10"}

#: Lowest Node.js by major version of Next.js, from the `engines` of the packages.
ENGINES: Mapping[int, tuple[int, int]] = {12: (12, 22), 13: (16, 14), 14: (18, 17), 15: (18, 18), 16: (20, 9)}
SHARP = "0.33.5"  # the newest line that asks for no more than Node.js 18.17


@dataclass(frozen=True, slots=True)
class Install:
    """How dependencies get installed, development ones too: the build needs them.

    tool: what npm must fetch before (`pnpm@9.1.0`); None for npm itself.
    """

    manager: Manager
    lockfile: str
    command: tuple[str, ...]
    build: tuple[str, ...]
    tool: str | None = None


@dataclass(frozen=True, slots=True)
class App:
    """errors: why it can't be deployed. warnings: what its owner should know."""

    next_version: str | None = None
    install: Install | None = None
    sharp: str | None = None
    start: str = ""
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    scripts: Mapping[str, str] = field(default_factory=dict)

    @property
    def next_major(self) -> int | None:
        found = re.match(r"\D*(\d+)", self.next_version or "")
        return int(found[1]) if found else None


def detect(files: Mapping[str, str]) -> App:
    """What the app is. `files` are its texts by path; only those at the top matter here."""
    package = _json(files.get("package.json"))
    if package is None:
        missing = "package.json" not in files
        return App(errors=("the source has no package.json" if missing else "package.json is not a JSON object",))
    errors: list[str] = []
    warnings: list[str] = []
    scripts = {name: text for name, text in _mapping(package.get("scripts")).items() if isinstance(text, str)}
    dependencies = {**_mapping(package.get("devDependencies")), **_mapping(package.get("dependencies"))}
    if "next" not in dependencies:
        errors.append("package.json does not depend on `next`")
    if "build" not in scripts:
        errors.append('package.json has no script `build`; add "build": "next build"')
    install = _install(files, package, errors, warnings)
    version = (_locked_version(files, install.lockfile) if install else None) or _declared(dependencies.get("next"))
    major = _major(version)
    sharp = SHARP if major is not None and major <= 14 and "sharp" not in dependencies else None
    start = scripts.get("start", "")
    if start and "next start" not in start:
        warnings.append(f"the script `start` is `{start}`, but the service runs `next start`")
    return App(version, install, sharp, start, tuple(errors), tuple(warnings), scripts)


def node_problem(app: App, node: str) -> str | None:
    """Why this Node.js (a major version or an exact one) is too old for the app, or None."""
    lowest = ENGINES.get(app.next_major or 0)
    if lowest is None:
        return None
    parts = tuple(map(int, node.split(".")))
    if (parts if len(parts) > 1 else (*parts, 99)) >= lowest:
        return None
    return f"Next.js {app.next_version} needs Node.js {lowest[0]}.{lowest[1]} or newer, but `node` is {node}"


# -- package managers ------------------------------------------------------------------------------------------


def _install(
    files: Mapping[str, str], package: Mapping[str, Any], errors: list[str], warnings: list[str]
) -> Install | None:
    present = [name for name in LOCKFILES if name in files]
    declared, _, version = str(package.get("packageManager", "")).partition("@")
    version = version.partition("+")[0]
    fitting = [name for name in present if LOCKFILES[name] == declared] or present
    if not fitting:
        errors.append(
            "the source has no lockfile (package-lock.json, pnpm-lock.yaml, yarn.lock, bun.lock), so two builds could "
            "get different packages; run your package manager and commit its lockfile"
        )
        return None
    lockfile = fitting[0]
    if len({LOCKFILES[name] for name in present}) > 1:
        warnings.append(f"there are several lockfiles ({', '.join(present)}); {lockfile} is used")
    manager = LOCKFILES[lockfile]
    if declared and declared != manager:
        errors.append(f"package.json asks for {declared} by `packageManager`, but the only lockfile is {lockfile}")
    return _COMMANDS[manager](files, lockfile, version if declared == manager else "")


def _npm(files: Mapping[str, str], lockfile: str, version: str) -> Install:
    return Install("npm", lockfile, ("npm", "ci", "--include=dev"), ("npm", "run", "build"))


def _pnpm(files: Mapping[str, str], lockfile: str, version: str) -> Install:
    found = re.search(r"^lockfileVersion:\s*'?(\d+)", files[lockfile], re.MULTILINE)
    wanted = version or PNPM_BY_LOCKFILE.get(found[1] if found else "", "10")
    return Install(
        "pnpm",
        lockfile,
        ("pnpm", "install", "--frozen-lockfile", "--prod=false"),
        ("pnpm", "run", "build"),
        f"pnpm@{wanted}",
    )


def _yarn(files: Mapping[str, str], lockfile: str, version: str) -> Install:
    settings = files.get(".yarnrc.yml")
    if settings is None and not version.startswith(("2", "3", "4")):
        command = ("yarn", "install", "--frozen-lockfile", "--production=false", "--non-interactive")
        return Install("yarn", lockfile, command, ("yarn", "run", "build"), f"yarn@{version or '1'}")
    own = re.search(r"^yarnPath:\s*[\"']?([^\"'\n]+)", settings or "", re.MULTILINE)
    if own:  # the project brings its yarn along
        return Install(
            "yarn",
            lockfile,
            ("node", own[1].strip(), "install", "--immutable"),
            ("node", own[1].strip(), "run", "build"),
        )
    return Install(
        "yarn",
        lockfile,
        ("yarn", "install", "--immutable"),
        ("yarn", "run", "build"),
        f"@yarnpkg/cli-dist@{version or '4'}",
    )


def _bun(files: Mapping[str, str], lockfile: str, version: str) -> Install:
    return Install(
        "bun", lockfile, ("bun", "install", "--frozen-lockfile"), ("bun", "run", "build"), f"bun@{version or '1'}"
    )


_COMMANDS: Mapping[Manager, Callable[[Mapping[str, str], str, str], Install]] = {
    "npm": _npm,
    "pnpm": _pnpm,
    "yarn": _yarn,
    "bun": _bun,
}


# -- the version of Next.js ------------------------------------------------------------------------------------


def _locked_version(files: Mapping[str, str], lockfile: str) -> str | None:
    text = files[lockfile]
    if lockfile in ("package-lock.json", "npm-shrinkwrap.json"):
        data = _json(text) or {}
        packages = _mapping(data.get("packages")) or {
            "node_modules/next": _mapping(data.get("dependencies")).get("next")
        }
        version = _mapping(packages.get("node_modules/next")).get("version")
        return version if isinstance(version, str) else None
    patterns = {
        "pnpm-lock.yaml": r"^\s+'?next'?:\n\s+specifier:.*\n\s+version: '?([0-9][^('\s]*)"
        r"|^\s+/?'?next[@/](\d[^('\s:]*)[^\n]*:$",
        "yarn.lock": r"^\"?next@[^\n]*:\n\s+version:? \"?([0-9][^\"\s]*)",
        "bun.lock": r"^\s*\"next\": \[\"next@([0-9][^\"]*)\"",
    }
    found = re.search(patterns.get(lockfile, r"(?!)"), text, re.MULTILINE)
    return next((group for group in found.groups() if group), None) if found else None


def _declared(wanted: Any) -> str | None:
    """A version from what package.json asks for: `^14.2.0` is at least of major 14."""
    found = re.search(r"\d+(?:\.\d+)*(?:-[\w.]+)?", wanted) if isinstance(wanted, str) else None
    return found[0] if found else None


def _major(version: str | None) -> int | None:
    return int(version.partition(".")[0]) if version and version.partition(".")[0].isdigit() else None


def _json(text: str | None) -> dict[str, Any] | None:
    try:
        data = json.loads(text or "")
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
