"""Where in a workspace the app is, and what is built before it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provisioner.nextjs.workspace import build_order, find_app, own_files, packages


def package(*needs: str, name: str = "", **more: Any) -> str:
    return json.dumps({"name": name, "dependencies": dict.fromkeys(needs, "workspace:*"), **more})


BUILDS = {"scripts": {"build": "x"}}
PNPM = {"pnpm-workspace.yaml": "packages:\n  # ours\n  - 'apps/*'\n\n  - \"packages/**\"  # all\n  - '!**/examples'\n"}
WORKSPACE = {
    **PNPM,
    "package.json": package(name="root"),
    "apps/web/package.json": package("next", "ui", "react"),
    "apps/web/next.config.js": "x",
    "packages/ui/package.json": package("tokens", name="ui", **BUILDS),
    "packages/deep/tokens/package.json": package(name="tokens", **BUILDS),
    "packages/unused/package.json": package(name="unused", **BUILDS),
    "packages/examples/package.json": package("next", name="example"),
    "elsewhere/package.json": package("next"),
}


@pytest.mark.parametrize("where", [
    PNPM,
    {"pnpm-workspace.yaml": "onlyBuiltDependencies: [sharp]\npackages: ['apps/*', \"packages/**\", '!**/examples']\n"},
    {"package.json": package(workspaces=["./apps/*", "packages/**/", "!**/examples"])},
    {"package.json": package(workspaces={"packages": ["apps/*", "packages/**", "!packages/examples"]})},
])  # fmt: skip
def test_members_are_those_that_the_patterns_name(where: dict[str, str]) -> None:
    files = {path: text for path, text in WORKSPACE.items() if path != "pnpm-workspace.yaml"}
    assert set(packages({**files, **where})) == {
        "apps/web", "packages/ui", "packages/deep/tokens", "packages/unused"}  # fmt: skip


def test_the_app_is_the_one_member_that_needs_next() -> None:
    assert find_app(WORKSPACE, None) == ("apps/web", None)


def test_an_app_at_the_top_is_the_app_whatever_lies_below() -> None:
    assert find_app({**WORKSPACE, "package.json": package("next")}, None) == ("", None)
    assert find_app({"package.json": package("next"), "docs/package.json": package("next")}, None) == ("", None)


def test_of_several_apps_one_has_to_be_named() -> None:
    files = {**WORKSPACE, "apps/docs/package.json": package("next")}
    path, problem = find_app(files, None)
    assert path == ""
    assert problem is not None
    assert problem.endswith("several apps (apps/docs, apps/web); say which one: `app: apps/docs`")
    assert find_app(files, "apps/web") == ("apps/web", None)


def test_an_app_that_is_not_there_is_told_with_those_that_are() -> None:
    _, problem = find_app(WORKSPACE, "apps/wbe")
    assert problem == "`app: apps/wbe` has no package.json in the source; the apps of this workspace: apps/web"


def test_an_app_that_is_named_need_be_no_member() -> None:
    assert find_app(WORKSPACE, "elsewhere") == ("elsewhere", None)


def test_what_the_app_is_made_from_is_built_before_it() -> None:
    assert build_order(WORKSPACE, "apps/web") == ("packages/deep/tokens", "packages/ui", "apps/web")
    assert build_order({"package.json": package("next")}, "") == ("",)


def test_packages_that_need_each_other_are_built_once() -> None:
    files = {**WORKSPACE, "packages/deep/tokens/package.json": package("ui", name="tokens", **BUILDS)}
    assert sorted(build_order(files, "apps/web")) == ["apps/web", "packages/deep/tokens", "packages/ui"]


def test_a_package_without_a_build_is_none_to_run() -> None:
    files = {**WORKSPACE, "packages/ui/package.json": package("tokens", name="ui")}
    assert build_order(files, "apps/web") == ("packages/deep/tokens", "apps/web")


def test_the_apps_own_files_are_named_from_its_directory() -> None:
    assert own_files(WORKSPACE, "apps/web").keys() == {"package.json", "next.config.js"}
    assert own_files(WORKSPACE, "") == WORKSPACE
