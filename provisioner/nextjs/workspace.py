"""Where in the source the app is, and which of its neighbours it is made from. Pure: works on the texts of the files.

A workspace is a directory with several packages and one lockfile, as pnpm, npm, yarn and bun know it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.nextjs.package_json import dependencies, part
from provisioner.nextjs.package_json import package as package_of

Packages = Mapping[str, Mapping[str, Any]]
"""Directory -> what its package.json says."""


def find_app(files: Mapping[str, str], wanted: str | None) -> tuple[str, str | None]:
    """The app's directory ("" for the top of the source), and why it can't be told, if it can't."""
    members = packages(files)
    apps = sorted(path for path, package in members.items() if "next" in dependencies(package))
    if wanted:
        if f"{wanted}/package.json" in files:
            return wanted, None
        known = f"; the apps of this workspace: {', '.join(apps)}" if apps else ""
        return "", f"`app: {wanted}` has no package.json in the source{known}"
    if wanted == "" or not apps or "next" in dependencies(package_of(files)):
        return "", None
    if len(apps) > 1:
        return "", f"the source is a workspace with several apps ({', '.join(apps)}); say which one: `app: {apps[0]}`"
    return apps[0], None


def own_files(files: Mapping[str, str], app: str) -> Mapping[str, str]:
    """Those below the app's directory, named from there."""
    if not app:
        return files
    return {path.removeprefix(f"{app}/"): text for path, text in files.items() if path.startswith(f"{app}/")}


def build_order(files: Mapping[str, str], app: str) -> tuple[str, ...]:
    """Directories in which the script `build` has to run: those of the workspace's packages that the app depends on
    and that have one, each after its own dependencies, and the app's as the last one."""
    members = packages(files)
    homes = {str(package.get("name")): path for path, package in members.items()}
    order: dict[str, None] = {}
    begun: set[str] = set()

    def visit(path: str, package: Mapping[str, Any]) -> None:
        if path in begun:  # packages may depend on each other in a circle
            return
        begun.add(path)
        for name in dependencies(package):
            if name in homes:
                visit(homes[name], members[homes[name]])
        if path == app or "build" in part(package, "scripts"):
            order[path] = None

    visit(app, package_of(files, app))
    return tuple(order)


def packages(files: Mapping[str, str]) -> Packages:
    """The members of the workspace, without its root; none when the source is no workspace."""
    patterns = list(_patterns(files))
    chosen = [_matcher(pattern) for pattern in patterns if not pattern.startswith("!")]
    refused = [_matcher(pattern[1:]) for pattern in patterns if pattern.startswith("!")]
    found: dict[str, Mapping[str, Any]] = {}
    for name in sorted(files):
        path, _, base = name.rpartition("/")
        if base != "package.json" or not any(chosen_one.fullmatch(path) for chosen_one in chosen):
            continue
        if not any(refused_one.fullmatch(path) for refused_one in refused):
            found[path] = package_of(files, path)
    return found


def _patterns(files: Mapping[str, str]) -> Iterator[str]:
    listed: Any = package_of(files).get("workspaces")
    if isinstance(listed, dict):
        listed = listed.get("packages")
    yield from (pattern for pattern in listed or () if isinstance(pattern, str))
    block = re.search(
        r"^packages:[ \t]*(?:\[(?P<flow>[^\]]*)\]|(?P<lines>(?:\n+[ \t]*(?:-|#)[^\n]*)*))",
        files.get("pnpm-workspace.yaml", ""),
        re.MULTILINE,
    )
    if block and block["flow"] is not None:
        yield from (item.strip(" \t\n'\"") for item in block["flow"].split(",") if item.strip())
    elif block:
        items = re.finditer(r"^[ \t]*-[ \t]*['\"]?([^'\"#\n]*[^'\"#\s])", block["lines"], re.MULTILINE)
        yield from (found[1] for found in items)


def _matcher(pattern: str) -> re.Pattern[str]:
    """`*` is within a directory, `**` is any depth."""
    parts = pattern.removeprefix("./").strip("/").split("/")
    text = "/".join(".+" if part == "**" else re.escape(part).replace(r"\*", "[^/]*") for part in parts)
    return re.compile(text)
