"""Which package manager installs, in which version, and with what."""

from __future__ import annotations

import json

import pytest

from provisioner.nextjs.detect import App, detect
from provisioner.nextjs.settings.package_manager import PackageManager

NPM_LOCK = json.dumps({"packages": {"node_modules/next": {"version": "16.4.5"}}})
BERRY = {"yarn.lock": "__metadata:\n  version: 8\n"}


def package(**more: object) -> str:
    return json.dumps({"scripts": {"build": "next build"}, "dependencies": {"next": "^16.0.0"}, **more})


def found(files: dict[str, str], manager: PackageManager | None = None) -> App:
    return detect({"package.json": package(), **files}, manager=manager)


@pytest.mark.parametrize(("files", "command", "tool"), [
    ({"package-lock.json": NPM_LOCK}, "npm ci --include=dev", None),
    ({"package-lock.json": NPM_LOCK, "package.json": package(packageManager="npm@10.0.0")},
     "npm ci --include=dev", None),
    ({"npm-shrinkwrap.json": NPM_LOCK}, "npm ci --include=dev", None),
    ({"pnpm-lock.yaml": "lockfileVersion: '9.0'\n"}, "pnpm install --frozen-lockfile --prod=false", "pnpm@10"),
    ({"pnpm-lock.yaml": "lockfileVersion: '6.0'\n"}, "pnpm install --frozen-lockfile --prod=false", "pnpm@8"),
    ({"pnpm-lock.yaml": "", "package.json": package(packageManager="pnpm@9.1.0+sha512.abc")},
     "pnpm install --frozen-lockfile --prod=false", "pnpm@9.1.0"),
    ({"yarn.lock": ""}, "yarn install --frozen-lockfile --production=false --non-interactive", "yarn@1"),
    ({"yarn.lock": "", ".yarnrc.yml": "nodeLinker: node-modules\n"}, "yarn install --immutable", "@yarnpkg/cli-dist@4"),
    (BERRY, "yarn install --immutable", "@yarnpkg/cli-dist@4"),
    ({"yarn.lock": "", "package.json": package(packageManager="yarn@3.8.1")},
     "yarn install --immutable", "@yarnpkg/cli-dist@3.8.1"),
    ({"bun.lock": ""}, "bun install --frozen-lockfile", "bun@1"),
])  # fmt: skip
def test_the_lockfile_decides_what_installs(files: dict[str, str], command: str, tool: str | None) -> None:
    install = found(files).install
    assert install is not None
    assert (" ".join(install.command), install.tool) == (command, tool)


@pytest.mark.parametrize(("files", "manager", "tool"), [
    ({"pnpm-lock.yaml": "lockfileVersion: '9.0'\n"}, PackageManager("pnpm", "9.15.0"), "pnpm@9.15.0"),
    ({"pnpm-lock.yaml": "", "package.json": package(packageManager="pnpm@9.1.0")}, PackageManager("pnpm"),
     "pnpm@9.1.0"),
    ({"pnpm-lock.yaml": "", "package.json": package(packageManager="pnpm@9.1.0")}, PackageManager("pnpm", "10"),
     "pnpm@10"),
    ({"package-lock.json": NPM_LOCK}, PackageManager("npm", "10.8.2"), "npm@10.8.2"),
    ({"package-lock.json": NPM_LOCK, **BERRY}, PackageManager("yarn", "4.5.0"), "@yarnpkg/cli-dist@4.5.0"),
])  # fmt: skip
def test_the_setting_goes_before_the_files(files: dict[str, str], manager: PackageManager, tool: str) -> None:
    app = found(files, manager)
    assert app.install is not None
    assert (app.install.tool, app.errors, app.warnings) == (tool, (), ())


def test_a_manager_without_its_lockfile_is_refused() -> None:
    (error,) = found({"package-lock.json": NPM_LOCK}, PackageManager("pnpm")).errors
    assert error == "`package_manager` is pnpm, but the only lockfile is package-lock.json"


def test_package_manager_chooses_among_lockfiles() -> None:
    app = found({"package.json": package(packageManager="pnpm@9.0.0"), "package-lock.json": NPM_LOCK,
                 "pnpm-lock.yaml": ""})  # fmt: skip
    assert app.install is not None
    assert app.install.manager == "pnpm"
    assert "several lockfiles" in app.warnings[0]


def test_yarn_makes_node_modules_unless_the_project_says_how_it_links() -> None:
    plain, linked = found(BERRY).install, found({**BERRY, ".yarnrc.yml": "nodeLinker: pnpm\n"}).install
    assert plain is not None
    assert linked is not None
    assert plain.env["YARN_NODE_LINKER"] == "node-modules"
    assert "YARN_NODE_LINKER" not in linked.env
