"""Forms that playbooks for Ansible rely on: forced and missing handlers, module names and environments by templates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.diag import ProvisionError
from provisioner.engine.batch import Options
from provisioner.testing.play import Played, play

MODULES = {"yum": lambda host, args: {"changed": True, "failed": bool(args.get("fail")), "msg": str(args.get("name"))}}
FAILING = """
- hosts: all
  gather_facts: false
  {forced}
  tasks:
    - {{name: one, yum: {{}}, notify: told}}
    - {{name: two, yum: {{fail: true}}}}
  handlers: [{{name: told, yum: {{}}}}]
"""


def run(tmp_path: Path, text: str, options: Options | None = None) -> Played:
    modules: dict[str, Any] = MODULES
    return play(text, hosts=("h1",), modules=modules, directory=tmp_path, options=options or Options())


@pytest.mark.parametrize(("said", "option", "expected"), [
    ("", False, False), ("", True, True), ("force_handlers: true", False, True), ("force_handlers: false", True, False),
])
def test_what_a_play_says_of_force_handlers_beats_the_option(
    tmp_path: Path, said: str, *, option: bool, expected: bool
) -> None:
    played = run(tmp_path, FAILING.format(forced=said), Options(force_handlers=option))
    assert ("told" in [event.task.name for event in played.results("h1")]) is expected


NOTIFIES = "- {hosts: all, gather_facts: false, tasks: [{name: one, yum: {}, notify: nobody}, {name: two, yum: {}}]}"


def test_a_missing_handler_ends_the_run_unless_it_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(ProvisionError, match="The requested handler 'nobody' was not found"):
        run(tmp_path, NOTIFIES)
    assert run(tmp_path, NOTIFIES, Options(missing_handlers_allowed=True)).statuses("h1") == ["changed", "changed"]


@pytest.mark.parametrize("action", ["'{{ module }} name=a'", "{module: '{{ module }}', name: a}"])
@pytest.mark.parametrize("module", ["yum", "ansible.builtin.yum"])
def test_a_module_may_be_named_by_a_template(tmp_path: Path, action: str, module: str) -> None:
    text = (f"- hosts: all\n  gather_facts: false\n  vars: {{module: {module}}}\n"
            f"  tasks: [{{name: one, action: {action}}}]\n")
    (result,) = run(tmp_path, text).results("h1")
    assert (result.status, result.result["msg"], result.task.module) == ("changed", "a", "yum")


def test_a_name_of_a_module_that_has_no_value_fails_only_where_it_is_run(tmp_path: Path) -> None:
    text = ("- hosts: all\n  gather_facts: false\n  tasks:\n"
            "    - {name: one, action: '{{ nothing }}', when: false}\n"
            "    - {name: two, action: '{{ nothing }}', ignore_errors: true}\n")
    played = run(tmp_path, text)
    assert played.statuses("h1") == ["skipped", "failed"]
    assert "no module's name: {{ nothing }}" in played.results("h1")[1].result["msg"]


def test_parts_of_an_environment_may_be_omitted(tmp_path: Path) -> None:
    text = ("- hosts: all\n  gather_facts: false\n  tasks:\n"
            "    - name: one\n      yum: {}\n      environment: [{A: '{{ omit }}', B: b}, '{{ omit }}', {C: c}]\n")
    assert run(tmp_path, text).statuses("h1") == ["changed"]
