"""What an app's files tell about it."""

from __future__ import annotations

import json

import pytest

from provisioner.nextjs.detect import detect, node_problem


def package(**more: object) -> str:
    return json.dumps({"scripts": {"build": "next build"}, "dependencies": {"next": "^16.0.0"}, **more})


NPM_LOCK = json.dumps({"packages": {"node_modules/next": {"version": "16.4.5"}}})


@pytest.mark.parametrize(("name", "text", "version"), [
    ("package-lock.json", NPM_LOCK, "16.4.5"),
    ("package-lock.json", json.dumps({"dependencies": {"next": {"version": "12.3.7"}}}), "12.3.7"),
    ("pnpm-lock.yaml", "importers:\n  .:\n    dependencies:\n      next:\n        specifier: ^15\n"
                       "        version: 15.5.2(react@19.0.0)\n", "15.5.2"),
    ("pnpm-lock.yaml", "lockfileVersion: 5.4\npackages:\n\n  /next/12.3.1_abc:\n    resolution: {}\n", "12.3.1_abc"),
    ("yarn.lock", '# yarn lockfile v1\n\nnext@^14.2.0, next@14:\n  version "14.2.35"\n  resolved "x"\n', "14.2.35"),
    ("yarn.lock", '__metadata:\n  version: 8\n\n"next@npm:^15.0.0":\n  version: 15.1.0\n  resolution: "x"\n', "15.1.0"),
    ("bun.lock", '{\n  "packages": {\n    "next": ["next@16.0.1", "", {}, "sha512-x"],\n  }\n}\n', "16.0.1"),
    ("bun.lockb", "\x00binary", "16.0.0"),
])  # fmt: skip
def test_the_version_of_next_is_the_locked_one(name: str, text: str, version: str) -> None:
    assert detect({"package.json": package(), name: text}).next_version == version


@pytest.mark.parametrize(("lockfile", "text"), [
    ("pnpm-lock.yaml", "importers:\n  apps/old:\n    dependencies:\n      next:\n        specifier: ^14\n"
                       "        version: 14.2.35(react@18.0.0)\n  apps/web:\n    dependencies:\n      next:\n"
                       "        specifier: ^15\n        version: 15.5.2(react@19.0.0)\n"),
    ("package-lock.json", json.dumps({"packages": {"node_modules/next": {"version": "14.2.35"},
                                                   "apps/web/node_modules/next": {"version": "15.5.2"}}})),
])  # fmt: skip
def test_apps_of_one_workspace_may_have_different_versions(lockfile: str, text: str) -> None:
    top = json.dumps({"workspaces": ["apps/*"], "packageManager": "pnpm@9.0.0"} if "pnpm" in lockfile
                     else {"workspaces": ["apps/*"]})  # fmt: skip
    app = detect({"package.json": top, "apps/web/package.json": package(), lockfile: text})
    assert (app.path, app.next_version, app.errors) == ("apps/web", "15.5.2", ())


@pytest.mark.parametrize(("files", "words"), [
    ({}, "no package.json"),
    ({"package.json": "[]"}, "not a JSON object"),
    ({"package.json": package()}, "no lockfile"),
    ({"package.json": package(dependencies={}), "package-lock.json": "{}"}, "does not depend on `next`"),
    ({"package.json": package(scripts={}), "package-lock.json": NPM_LOCK}, "no script `build`"),
    ({"package.json": package(packageManager="pnpm@9.0.0"), "package-lock.json": NPM_LOCK}, "asks for pnpm"),
    ({"package.json": '{"workspaces": ["*"]}', "a/package.json": package(), "b/package.json": package()},
     "several apps (a, b)"),
])  # fmt: skip
def test_what_prevents_a_deploy_is_an_error(files: dict[str, str], words: str) -> None:
    assert any(words in error for error in detect(files).errors)


@pytest.mark.parametrize(("version", "dependencies", "sharp"), [
    ("12.3.7", {}, True), ("14.2.35", {}, True), ("14.2.35", {"sharp": "0.33.0"}, False),
    ("15.0.0", {}, False), ("16.4.5", {}, False),
])  # fmt: skip
def test_sharp_is_added_up_to_14_where_the_app_has_none(
    version: str, dependencies: dict[str, str], sharp: bool
) -> None:
    lock = json.dumps({"packages": {"node_modules/next": {"version": version}}})
    files = {"package.json": package(dependencies={"next": version, **dependencies}), "package-lock.json": lock}
    assert bool(detect(files).sharp) is sharp


@pytest.mark.parametrize(
    ("node", "fits"), [("18", False), ("20", True), ("20.8.1", False), ("20.9.0", True), ("22.1.0", True)]
)
def test_too_old_a_node_is_told_before_anything_is_done(node: str, fits: bool) -> None:
    problem = node_problem(detect({"package.json": package(), "package-lock.json": NPM_LOCK}), node)
    assert (problem is None) is fits
