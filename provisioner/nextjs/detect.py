"""What an app's files tell about it. Pure: works on the texts of the files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from provisioner.nextjs import managers, next_config
from provisioner.nextjs.managers import Install
from provisioner.nextjs.package_json import dependencies as every_dependency
from provisioner.nextjs.package_json import parsed, part
from provisioner.nextjs.settings.package_manager import PackageManager
from provisioner.nextjs.workspace import build_order, find_app, own_files

#: Lowest Node.js by major version of Next.js, from the `engines` of the packages.
ENGINES: Mapping[int, tuple[int, int]] = {12: (12, 22), 13: (16, 14), 14: (18, 17), 15: (18, 18), 16: (20, 9)}
CONFIGS = ("next.config.js", "next.config.mjs", "next.config.ts")  # in the order in which Next.js looks for them
SHARP = "0.33.5"  # the newest line that asks for no more than Node.js 18.17


@dataclass(frozen=True, slots=True)
class App:
    """errors: why it can't be deployed. warnings: what its owner should know.

    path: the app's directory in the source, "" for its top. builds: the directories that the script `build` runs in,
    the app's own as the last one. output: what next.config says, where it is always the same.
    """

    next_version: str | None = None
    install: Install | None = None
    sharp: str | None = None
    start: str = ""
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    scripts: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    builds: tuple[str, ...] = ("",)
    output: str | None = None

    own_deployment_id: bool = False
    """`next.config` sets `deploymentId` itself."""

    @property
    def knows_deployments(self) -> bool:
        """Whether NEXT_DEPLOYMENT_ID has a meaning that is not taken by the project's own."""
        found = re.match(r"(\d+)\.(\d+)", self.next_version or "")
        return found is not None and (int(found[1]), int(found[2])) >= (13, 5) and not self.own_deployment_id

    @property
    def takes_adapters(self) -> bool:
        return (self.next_major or 0) >= 16

    @property
    def next_major(self) -> int | None:
        found = re.match(r"\D*(\d+)", self.next_version or "")
        return int(found[1]) if found else None


def detect(files: Mapping[str, str], *, app: str | None = None, manager: PackageManager | None = None) -> App:
    """What the app is. `files`: the texts of the source by path. `app`: its directory there; by default it is looked
    for. `manager`: the package manager that is to be used."""
    path, missing = find_app(files, app)
    own = own_files(files, path)
    package = parsed(own.get("package.json"))
    if missing is None and package is None:
        missing = "package.json is not a JSON object" if "package.json" in own else "the source has no package.json"
    if package is None or missing is not None:
        return App(errors=(str(missing),), path=path)
    errors: list[str] = []
    warnings: list[str] = []
    scripts = {name: text for name, text in part(package, "scripts").items() if isinstance(text, str)}
    dependencies = every_dependency(package)
    if "next" not in dependencies:
        errors.append("package.json does not depend on `next`")
    if "build" not in scripts:
        errors.append('package.json has no script `build`; add "build": "next build"')
    top = parsed(files.get("package.json")) or {}
    install = managers.choose(files, top if "packageManager" in top else package, manager, errors, warnings)
    version = _locked_version(files, install.lockfile, path) if install else None
    version = version or _declared(dependencies.get("next"))
    major = _major(version)
    sharp = SHARP if major is not None and major <= 14 and "sharp" not in dependencies else None
    return App(
        version, install, sharp, scripts.get("start", ""), tuple(errors), tuple(warnings), scripts, path,
        build_order(files, path), next_config.output(own), bool(next_config.values(own, "deploymentId")),
    )  # fmt: skip


def node_problem(app: App, node: str) -> str | None:
    """Why this Node.js (a major version or an exact one) is too old for the app, or None."""
    lowest = ENGINES.get(app.next_major or 0)
    if lowest is None:
        return None
    parts = tuple(map(int, node.split(".")))
    if (parts if len(parts) > 1 else (*parts, 99)) >= lowest:
        return None
    return f"Next.js {app.next_version} needs Node.js {lowest[0]}.{lowest[1]} or newer, but `node` is {node}"


# -- the version of Next.js ------------------------------------------------------------------------------------


def _locked_version(files: Mapping[str, str], lockfile: str, path: str) -> str | None:
    text = files[lockfile]
    if lockfile in ("package-lock.json", "npm-shrinkwrap.json"):
        data = parsed(text) or {}
        packages = part(data, "packages") or {
            "node_modules/next": part(data, "dependencies").get("next")
        }
        own = part(packages, f"{path}/node_modules/next")  # of a workspace whose apps differ
        version = (own or part(packages, "node_modules/next")).get("version")
        return version if isinstance(version, str) else None
    if lockfile == "pnpm-lock.yaml" and path:
        text = _importer(text, path)
    patterns = {
        "pnpm-lock.yaml": r"^\s+'?next'?:\n\s+specifier:.*\n\s+version: '?([0-9][^('\s]*)"
        r"|^\s+/?'?next[@/](\d[^('\s:]*)[^\n]*:$",
        "yarn.lock": r"^\"?next@[^\n]*:\n\s+version:? \"?([0-9][^\"\s]*)",
        "bun.lock": r"^\s*\"next\": \[\"next@([0-9][^\"]*)\"",
    }
    found = re.search(patterns.get(lockfile, r"(?!)"), text, re.MULTILINE)
    return next((group for group in found.groups() if group), None) if found else None


def _importer(text: str, path: str) -> str:
    """The part of pnpm's lockfile about one package of a workspace; all of it where that has none."""
    found = re.search(rf"^  '?{re.escape(path)}'?:\n((?:    .*\n|\n)*)", text, re.MULTILINE)
    return found[1] if found else text


def _declared(wanted: Any) -> str | None:
    """A version from what package.json asks for: `^14.2.0` is at least of major 14."""
    found = re.search(r"\d+(?:\.\d+)*(?:-[\w.]+)?", wanted) if isinstance(wanted, str) else None
    return found[0] if found else None


def _major(version: str | None) -> int | None:
    return int(version.partition(".")[0]) if version and version.partition(".")[0].isdigit() else None
