"""`npm` with a stand-in for the program that writes down how it was called; the real one needs the internet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from provisioner.testing.inprocess import run_module

STAND_IN = """#!/bin/sh
echo "$*" >> "$LOG"
case "$*" in
    *view*) echo '"2.0.0"';;
    *outdated*) echo '{}';;
    *root*) echo "$GLOBAL";;
    *fail*) echo "npm error code E404" >&2; exit 1;;
esac
"""
LOCK: dict[str, dict[str, dict[str, Any]]] = {
    "packages": {
        "": {"dependencies": {"a": "^1.0.0"}, "devDependencies": {"b": "1.0.0"}},
        "node_modules/a": {"version": "1.2.0", "integrity": "sha512-a"},
        "node_modules/b": {"version": "1.0.0", "integrity": "sha512-b", "dev": True},
        "node_modules/c": {"version": "1.0.0", "optional": True},
    }
}


class Project:
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.log = folder / "log"
        (folder / "bin").mkdir()
        (folder / "bin" / "npm").write_text(STAND_IN)
        (folder / "bin" / "npm").chmod(0o755)
        self.environment = {
            "PATH": f"{folder}/bin:/usr/bin:/bin",
            "LOG": str(self.log),
            "GLOBAL": str(folder / "global"),
        }
        self.write("package.json", {"dependencies": {"a": "^1.0.0"}, "devDependencies": {"b": "1.0.0"}})

    def write(self, name: str, data: Mapping[str, Any]) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data))

    def install(self, *, dev: bool = True) -> None:
        """What `npm ci` would leave behind."""
        self.write("package-lock.json", LOCK)
        have = {
            name: entry
            for name, entry in LOCK["packages"].items()
            if name and name != "node_modules/c" and (dev or not entry.get("dev"))
        }
        self.write("node_modules/.package-lock.json", {"packages": have})
        for name in ("a", "b"):
            self.write(
                f"node_modules/{name}/package.json", {"version": LOCK["packages"][f"node_modules/{name}"]["version"]}
            )

    def run(self, *, check: bool = False, predicted: Any = None, **args: Any) -> dict[str, Any]:
        if not args.get("global"):
            args = {"path": str(self.folder), **args}
        return run_module("npm", args, check=check, diff=True, env=self.environment, predicted=predicted)

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_installs_what_is_missing(project: Project) -> None:
    assert project.run()["changed"]
    assert project.calls == ["install"]


def test_check_mode_starts_no_process_and_shows_the_same_difference(project: Project) -> None:
    checked = project.run(check=True)
    assert project.calls == []
    assert checked["changed"]
    assert checked["diff"] == project.run()["diff"]


@pytest.mark.parametrize("ci", [False, True])
def test_an_installed_project_needs_no_process(project: Project, ci: bool) -> None:
    project.install()
    assert project.run(ci=ci)["changed"] is False
    assert project.calls == []


def test_ci_installs_again_when_the_lock_file_asks_for_another_version(project: Project) -> None:
    project.install()
    lock = json.loads(json.dumps(LOCK).replace("1.2.0", "1.3.0"))
    project.write("package-lock.json", lock)
    assert project.run(ci=True)["changed"]
    assert project.calls == ["ci"]


def test_production_wants_no_packages_for_development(project: Project) -> None:
    project.install()
    assert project.run(ci=True, production=True)["changed"]
    assert project.calls == ["--omit=dev ci"]
    project.install(dev=False)
    assert project.run(ci=True, production=True)["changed"] is False


def test_a_package_that_nobody_asked_for_is_noticed(project: Project) -> None:
    project.install()
    project.write(
        "node_modules/.package-lock.json", {"packages": {**LOCK["packages"], "node_modules/extra": {"version": "1"}}}
    )
    assert project.run()["changed"]


def test_a_package_json_newer_than_the_lock_file_is_noticed(project: Project) -> None:
    project.install()
    project.write("package.json", {"dependencies": {"a": "^1.0.0", "d": "1"}, "devDependencies": {"b": "1.0.0"}})
    assert project.run()["changed"]


def test_one_package(project: Project) -> None:
    project.install()
    assert project.run(name="a")["changed"] is False
    assert project.run(name="a", version="1.2.0")["changed"] is False
    assert project.run(name="a", version="^1.0.0")["changed"] is False
    assert project.run(name="a", version="1.3.0")["diff"] == {"before": {"a": "1.2.0"}, "after": {"a": "1.3.0"}}
    assert project.run(name="new", ignore_scripts=True)["changed"]
    assert project.calls == ["install -- a@1.3.0", "--ignore-scripts install -- new"]


def test_the_newest_version(project: Project) -> None:
    project.install()
    assert project.run(name="a", state="latest")["changed"]
    assert project.calls == ["view --json -- a version", "install -- a@2.0.0"]


def test_removing_a_package(project: Project) -> None:
    project.install()
    assert project.run(name="a", state="absent")["changed"]
    assert project.run(name="z", state="absent")["changed"] is False
    assert project.calls == ["uninstall -- a"]


def test_a_global_package(project: Project) -> None:
    assert project.run(name="pm2", **{"global": True})["changed"]
    assert project.calls == ["--global root", "--global install -- pm2"]


def test_a_failure_tells_npms_own_reason(project: Project) -> None:
    result = project.run(name="fail")
    assert result["failed"]
    assert "npm error code E404" in result["msg"]


def test_without_npm(project: Project) -> None:
    project.environment["PATH"] = "/nowhere"
    missing = project.run(executable="/nowhere/npm")
    assert missing["failed"]
    assert "install npm first" in missing["msg"]
    foreseen = project.run(
        name="x", check=True, executable="/nowhere/npm", predicted={"package": {"*": {}}}, **{"global": True}
    )
    assert foreseen["unknown"] == "npm is not installed yet"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"name": "--registry=http://x"}, "is not the name of a package"),
        ({"name": "a b"}, "is not the name of a package"),
        ({"name": "a;touch x"}, "is not the name of a package"),
        ({"name": "../x"}, "is not the name of a package"),
        ({"name": "a", "version": "--force"}, "is not a version"),
        ({"name": "a", "version": "1\n"}, "is not a version"),
        ({"registry": "file:///x"}, "is not a URL"),
        ({"ci": True, "name": "a"}, "takes no `name`"),
        ({"ci": True}, "needs package-lock.json"),
        ({"state": "absent"}, "needs `name`"),
        ({"global": True}, "needs `name`"),
    ],
)
def test_arguments_that_make_no_sense(project: Project, args: dict[str, Any], message: str) -> None:
    result = project.run(**args)
    assert result["failed"]
    assert message in result["msg"]
    assert project.calls == []
