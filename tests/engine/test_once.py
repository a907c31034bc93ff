"""Roles that a host goes through once in a play, wherever they are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.actions.registry import Registry
from provisioner.diag import PlayError
from provisioner.testing.play import Played, play

A = "- debug: {msg: A}\n"
FILES = {"roles/a/tasks/main.yml": A,
         "roles/b/tasks/main.yml": "- debug: {msg: B}\n", "roles/b/meta/main.yml": "dependencies: [a]\n",
         "roles/c/tasks/main.yml": "- debug: {msg: C}\n", "roles/c/meta/main.yml": "dependencies: [{role: a}]\n"}
IF_GO = A.replace("\n", "\n  when: go is defined\n")


def run(directory: Path, text: str, files: dict[str, str] | None = None, **named: Any) -> Played:
    for name, content in {**FILES, **(files or {})}.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(content)
    return play(f"- hosts: all\n  gather_facts: false\n{text}", directory=directory, actions=Registry(),
                **{"hosts": ("h1",), "modules": {}, **named})


def messages(played: Played, host: str = "h1") -> str:
    return " ".join(str(result.result["msg"]) for result in played.results(host)
                    if result.task.module == "debug" and "msg" in result.result)


@pytest.mark.parametrize(("text", "told"), [
    ("  roles: [a, b, c]\n", "A B C"),
    ("  roles: [a, b]\n  tasks: [{import_role: {name: c}}]\n", "A B C"),
    ("  tasks: [{include_role: {name: b}}, {include_role: {name: c}}]\n", "A B C"),
    ("  tasks: [{include_role: {name: '{{ item }}'}, loop: [b, b, c]}]\n", "A B B C"),
    ("  roles: [a]\n  tasks: [{import_role: {name: a}}, {include_role: {name: a}}]\n", "A A A"),
    ("  tasks: [{import_role: {name: a}}, {include_role: {name: a, allow_duplicates: false}}]\n", "A"),
    ("  tasks: [{import_role: {name: a, allow_duplicates: no}}, {include_role: {name: a}}]\n", "A A"),
    ("  roles: [{role: a, when: true}, {role: a, when: true}, a]\n", "A A"),
])
def test_equal_uses_run_once_but_for_those_that_tasks_ask_for(tmp_path: Path, text: str, told: str) -> None:
    assert messages(run(tmp_path, text)) == told


def test_one_that_was_skipped_runs_where_it_is_named_next(tmp_path: Path) -> None:
    text = "  roles: [a, go, a, a]\n"
    files = {"roles/a/tasks/main.yml": IF_GO, "roles/go/tasks/main.yml": "- set_fact: {go: 1}\n"}
    played = run(tmp_path, text, files)
    assert messages(played) == "A"
    assert played.counts("h1")["skipped"] == 1


def test_each_host_has_its_own(tmp_path: Path) -> None:
    played = run(tmp_path, "  roles: [a, go, a, a]\n", {
        "roles/a/tasks/main.yml": IF_GO, "roles/go/tasks/main.yml": "- set_fact: {go: 1}\n"},
        hosts={"h1": {}, "h2": {"go": 1}})  # fmt: skip
    assert (messages(played, "h1"), messages(played, "h2")) == ("A", "A")
    assert played.results("h2")[0].task.name == "debug"


def test_one_that_was_left_by_a_failure_runs_again(tmp_path: Path) -> None:
    files = {"roles/a/tasks/main.yml": f"{A}- fail:\n  when: go is not defined\n",
             "roles/go/tasks/main.yml": "- set_fact: {go: 1}\n"}
    text = ("  tasks:\n    - block: [{include_role: {name: b}}]\n      rescue: [{include_role: {name: go}}]\n"
            "    - include_role: {name: c}\n    - include_role: {name: b}\n")  # fmt: skip
    assert messages(run(tmp_path, text, files)) == "A A C B"


def test_one_that_rescues_itself_has_run(tmp_path: Path) -> None:
    files = {"roles/a/tasks/main.yml": f"- block: [{{fail: }}]\n  rescue:\n    {A}"}
    assert messages(run(tmp_path, "  roles: [b, c]\n", files)) == "A B C"


def test_one_that_hosts_work_on_counts_when_they_have(tmp_path: Path) -> None:
    """What only the host can tell ends the plan: a module may say that it skipped."""
    def work(host: str, args: Any) -> dict[str, Any]:
        return {"changed": False, "skipped": host == "h1"}
    files = {"roles/a/tasks/main.yml": "- ping:\n"}
    played = run(tmp_path, "  roles: [a, a, a]\n", files, hosts=("h1", "h2"), modules={"ping": work})
    assert played.statuses("h1") == ["skipped", "skipped", "skipped"]
    assert played.statuses("h2") == ["ok"]


def test_handlers_of_equal_uses_are_there_once(tmp_path: Path) -> None:
    notifies = "- debug: {msg: A}\n  changed_when: true\n  notify: topic\n"
    files = {"roles/a/tasks/main.yml": notifies, "roles/a/handlers/main.yml": "- debug: {msg: H}\n  listen: topic\n"}
    assert messages(run(tmp_path, "  roles: [a, b, c]\n", files)) == "A B C H"


def test_of_listening_handlers_with_one_name_the_last_section_has_it(tmp_path: Path) -> None:
    files = {"roles/a/tasks/main.yml": "- debug: {msg: A}\n  changed_when: true\n  notify: topic\n",
             "roles/a/handlers/main.yml": "- {name: h, debug: {msg: of the role}, listen: topic}\n"
                                          "- {name: h, debug: {msg: never}, listen: topic}\n"
                                          "- {debug: {msg: nameless}, listen: topic}\n"}
    text = "  roles: [a]\n  handlers: [{name: h, debug: {msg: of the play}, listen: topic}]\n"
    assert messages(run(tmp_path, text, files)) == "A nameless of the play"


def test_a_handler_that_notifies_itself_runs_at_the_next_flush(tmp_path: Path) -> None:
    text = ("  tasks: [{debug: {msg: A}, changed_when: true, notify: h}]\n"
            "  handlers: [{name: h, debug: {msg: H}, changed_when: true, notify: h}]\n")  # fmt: skip
    assert messages(run(tmp_path, text)) == "A H H"


def test_mistakes_in_a_file_of_handlers_end_the_run_and_a_missing_one_fails_the_host(tmp_path: Path) -> None:
    text = ("  tasks: [{debug: {msg: A}, changed_when: true, notify: h}]\n"
            "  handlers: [{name: h, include_tasks: more.yml}]\n")  # fmt: skip
    assert run(tmp_path, text).statuses("h1")[-1] == "failed"
    with pytest.raises(PlayError, match="Using a block as a handler is not supported"):
        run(tmp_path, text, {"more.yml": "- block: [{debug: }]\n- block: [{block: [{debug: }]}]\n"})
