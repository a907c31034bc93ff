"""`--start-at-task` and `--step`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.diag import UsageError
from provisioner.engine.batch import Options
from provisioner.template.effects import Effect
from provisioner.testing.play import Played, play

SITE = """
- hosts: all
  gather_facts: true
  tasks: [{name: zero, yum: {}}]
- hosts: all
  pre_tasks: [{name: one, yum: {}}]
  tasks:
    - {name: two, yum: {}}
    - block:
        - {name: three, yum: {}}
        - {name: four, yum: {changed: true}, notify: told}
      always: [{name: five, yum: {}}]
    - {name: six, yum: {}}
  handlers: [{name: told, yum: {}}]
- hosts: all
  gather_facts: false
  tasks: [{name: seven, yum: {}}]
"""


def run(tmp_path: Path, options: Options, text: str = SITE, **more: Any) -> list[str]:
    modules = {"yum": lambda host, args: {"changed": bool(args.get("changed"))}, "setup": lambda host, args: {}}
    played: Played = play(text, hosts=("h1", "h2"), modules=modules, directory=tmp_path, options=options, **more)
    return [event.task.name for event in played.results("h2")]


@pytest.mark.parametrize("name", ["four", "fo*"])
def test_a_run_may_begin_at_a_task_inside_a_block(tmp_path: Path, name: str) -> None:
    assert run(tmp_path, Options(start_at_task=name)) == ["Gathering Facts", "four", "five", "six", "told", "seven"]


def test_a_run_may_begin_in_a_later_play(tmp_path: Path) -> None:
    assert run(tmp_path, Options(start_at_task="seven")) == ["seven"]


def test_a_task_of_a_role_is_found_by_both_its_names(tmp_path: Path) -> None:
    (tmp_path / "roles" / "web" / "tasks").mkdir(parents=True)
    (tmp_path / "roles" / "web" / "tasks" / "main.yml").write_text("- {name: a, yum: {}}\n- {name: b, yum: {}}\n")
    text = "- hosts: all\n  gather_facts: false\n  roles: [web]\n  tasks: [{name: c, yum: {}}]\n"
    for name in ("b", "web : b"):
        assert run(tmp_path, Options(start_at_task=name), text) == ["b", "c"]


def test_a_task_that_nobody_knows_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no task of these playbooks is called `eight`"):
        run(tmp_path, Options(start_at_task="eight"))


def test_step_asks_before_each_task_until_told_to_go_on(tmp_path: Path) -> None:
    asked: list[str] = []
    answers = iter(["yes", "no", "yes", "no", "no", "continue"])

    def answer(effect: Effect) -> str:
        asked.append(effect.args[0])
        return next(answers)

    done = run(tmp_path, Options(step=True), answers=answer)
    assert asked == ["Gathering Facts", "zero", "Gathering Facts", "one", "two", "three"]
    assert done == ["Gathering Facts", "Gathering Facts", "three", "four", "five", "six", "told", "seven"]
