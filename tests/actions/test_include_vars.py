"""`include_vars` and the files it reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.actions.conftest import Tasks


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "vars" / "all" / "deep").mkdir(parents=True)
    (tmp_path / "vars" / "Debian.yml").write_text("package: nginx\nlater: '{{ package }}-full'\n")
    (tmp_path / "vars" / "all" / "1.yml").write_text("a: 1\nm: {x: 1}\n")
    (tmp_path / "vars" / "all" / "2.json").write_text('{"b": 2, "m": {"y": 2}}')
    (tmp_path / "vars" / "all" / "deep" / "3.yaml").write_text("c: 3\n")
    (tmp_path / "vars" / "broken.yml").write_text("a: [1\n")
    (tmp_path / "vars" / "list.yml").write_text("- 1\n")
    return tmp_path


@pytest.mark.parametrize(
    "task",
    [
        "include_vars: Debian.yml",
        "include_vars: {file: Debian.yml}",
        "include_vars: '{{ family }}.yml'",
        "include_vars: file=Debian.yml",
    ],
)
def test_reads_a_file_of_the_vars_directory(run_tasks: Tasks, files: Path, task: str) -> None:
    played = run_tasks(f"- {task}\n- debug: {{msg: '{{{{ later }}}}'}}", hosts={"h1": {"family": "Debian"}})
    assert played.statuses("h1") == ["ok", "ok"]
    assert dict(played.results("h1")[1].result)["msg"] == "nginx-full"
    assert dict(played.results("h1")[0].result)["ansible_included_var_files"] == [str(files / "vars" / "Debian.yml")]


def test_reads_a_directory_in_the_order_of_names(run_tasks: Tasks, files: Path) -> None:
    played = run_tasks("- include_vars: {dir: all, name: under}\n- debug: {var: under}")
    assert dict(played.results("h1")[1].result)["under"] == {"a": 1, "b": 2, "c": 3, "m": {"y": 2}}


def test_a_directory_may_have_files_without_an_ending(run_tasks: Tasks, files: Path) -> None:
    (files / "vars" / "all" / "plain").write_text("p: 1\n")
    played = run_tasks("- include_vars: {dir: all, name: under, extensions: ['', yml], ignore_unknown_extensions: true}"
                       "\n- debug: {var: under}")
    assert dict(played.results("h1")[1].result)["under"] == {"a": 1, "m": {"x": 1}, "p": 1}


def test_merges_and_limits_depth_when_asked_to(run_tasks: Tasks, files: Path) -> None:
    played = run_tasks(
        "- include_vars: {dir: all, name: under, depth: 1, hash_behaviour: merge}\n- debug: {var: under}"
    )
    assert dict(played.results("h1")[1].result)["under"] == {"a": 1, "b": 2, "m": {"x": 1, "y": 2}}


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("include_vars: Debain.yml", "did you mean `Debian.yml`"),
        ("include_vars: broken.yml", "broken.yml"),
        ("include_vars: list.yml", "must be a mapping of variables"),
        ("include_vars: {file: all}", "is a directory"),
        ("include_vars: {dir: Debian.yml}", "is not a directory"),
        ("include_vars: {dir: all, extensions: [yml]}", "valid extension"),
        ("include_vars: {file: Debian.yml, name: a-b}", "is not valid"),
    ],
)
def test_says_what_is_wrong(run_tasks: Tasks, files: Path, task: str, message: str) -> None:
    (failed,) = run_tasks(f"- {task}").results("h1")
    assert failed.status == "failed"
    assert message in dict(failed.result)["msg"]


def test_a_failure_can_be_read_from_the_result(run_tasks: Tasks, files: Path) -> None:
    played = run_tasks("- include_vars: none.yml\n  register: failed\n  ignore_errors: true\n"
                       "- debug: {msg: '{{ failed.message }} {{ failed.ansible_included_var_files }}'}")
    assert "none.yml" in dict(played.results("h1")[1].result)["msg"]


def test_is_weaker_than_set_fact(run_tasks: Tasks, files: Path) -> None:
    played = run_tasks("- set_fact: {package: mine}\n- include_vars: Debian.yml\n- debug: {var: package}")
    assert dict(played.results("h1")[2].result)["package"] == "mine"
