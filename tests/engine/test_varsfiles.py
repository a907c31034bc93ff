"""`vars_files`: in order, and with names that hosts know."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from provisioner.actions.registry import Registry
from provisioner.diag import TemplateError, UndefinedVariable
from provisioner.template.effects import Effect, EffectFailure
from provisioner.testing.play import Played, play

FILES: Mapping[str, Any] = {
    "common.yml": {"x": "common"}, "Debian.yml": {"x": "Debian"}, "a.yml": {"x": "a"}, "b.yml": {"x": "b"},
}


class Files:
    """The controller's files; remembers which were read."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, effect: Effect) -> Any:
        assert effect.kind == "vars_file"
        for name in effect.args:
            if name in FILES:
                self.read.append(name)
                return FILES[name]
        return EffectFailure("there is no such file")


def run(directory: Path, files: str, hosts: Any, *, gather: bool = False, answers: Files | None = None,
        tasks: str = "[{yum: {x: '{{ x }}'}}]") -> Played:
    modules = {"yum": lambda host, args: {"changed": False, **args},
               "setup": lambda host, args: {"changed": False, "ansible_facts": {"os_family": "Debian"}}}
    text = f"- hosts: all\n  gather_facts: {str(gather).lower()}\n  vars_files: {files}\n  tasks: {tasks}\n"
    return play(text, hosts=hosts, modules=modules, directory=directory, actions=Registry(), answers=answers or Files())


def seen(played: Played, host: str) -> Any:
    return played.results(host)[-1].result["x"]


def test_each_host_names_its_own_file(tmp_path: Path) -> None:
    hosts = {"h1": {"name": "a"}, "h2": {"name": "b"}, "h3": {"name": "none"}}
    played = run(tmp_path, "[[\"{{ name }}.yml\", common.yml]]", hosts)
    assert [seen(played, host) for host in hosts] == ["a", "b", "common"]


@pytest.mark.parametrize(("files", "wins"), [
    ("[common.yml, \"{{ name }}.yml\"]", "a"), ("[\"{{ name }}.yml\", common.yml]", "common"),
])
def test_later_files_win_whoever_names_them(tmp_path: Path, files: str, wins: str) -> None:
    assert seen(run(tmp_path, files, {"h1": {"name": "a"}}), "h1") == wins


def test_a_fact_names_a_file_once_it_is_gathered(tmp_path: Path) -> None:
    played = run(tmp_path, "[\"{{ ansible_os_family }}.yml\"]", ["h1"], gather=True)
    assert seen(played, "h1") == "Debian"


def test_a_file_is_read_once_for_all_tasks_and_hosts(tmp_path: Path) -> None:
    files = Files()
    hosts = {"h1": {"name": "a"}, "h2": {"name": "a"}}
    run(tmp_path, "[\"{{ name }}.yml\"]", hosts, answers=files, tasks="[{yum: {}}, {yum: {x: '{{ x }}'}}]")
    assert files.read == ["a.yml"]


def test_a_name_that_is_not_known_counts_once_the_host_has_facts(tmp_path: Path) -> None:
    files = "[common.yml, \"{{ nobody }}.yml\"]"
    assert seen(run(tmp_path, files, ["h1"]), "h1") == "common"
    with pytest.raises(UndefinedVariable, match="nobody"):
        run(tmp_path, files, ["h1"], gather=True)


def test_a_file_that_is_not_there_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="no such file"):
        run(tmp_path, "[\"{{ name }}.yml\"]", {"h1": {"name": "none"}})
