"""`meta` tasks: what they do, what they tell, and that they count as nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.actions.registry import Registry
from provisioner.diag import PlayError
from provisioner.events import MetaResult
from provisioner.testing.play import Played, play


def run(directory: Path, tasks: str, hosts: Any = ("h1",), files: dict[str, str] | None = None) -> Played:
    for name, text in (files or {}).items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    text = "- hosts: all\n  gather_facts: false\n" + tasks
    return play(text, hosts=hosts, modules={}, directory=directory, actions=Registry())


def told(played: Played) -> list[tuple[str, bool]]:
    return [(event.text, event.skipped) for event in played.events if isinstance(event, MetaResult)]


def messages(played: Played, host: str = "h1") -> list[str]:
    return [str(result.result.get("msg")) for result in played.results(host) if result.task.module == "debug"]


@pytest.mark.parametrize(("task", "text", "skipped"), [
    ("{meta: noop}", "noop", False),
    ("{meta: end_play}", "ending play", False),
    ("{meta: end_host}", "ending play for h1", False),
    ("{meta: end_host, when: false}", "end_host conditional evaluated to False, continuing execution for h1", True),
    ("{meta: end_batch, when: false}", "end_batch conditional evaluated to False, continuing current batch", True),
    ("{meta: clear_facts}", "facts cleared", False),
    ("{meta: flush_handlers}", "triggered running handlers for h1", False),
])
def test_what_was_done_is_told_and_counts_as_nothing(tmp_path: Path, task: str, text: str, skipped: bool) -> None:
    played = run(tmp_path, f"  tasks:\n    - {task}\n")
    assert told(played) == [(text, skipped)]
    assert not any(played.counts("h1").values())


def test_a_handler_that_is_meta_runs_once(tmp_path: Path) -> None:
    tasks = "  tasks:\n    - {debug: , changed_when: true, notify: h}\n    - meta: flush_handlers\n"
    played = run(tmp_path, tasks + "  handlers: [{name: h, meta: noop}]\n")
    assert told(played) == [("triggered running handlers for h1", False), ("noop", False)]


END = "- debug: {msg: before}\n- meta: end_role\n- debug: {msg: never}\n"
AFTER = "    - debug: {msg: after}\n"


@pytest.mark.parametrize("tasks", [
    "  roles: [r]\n  post_tasks:\n" + AFTER,
    "  tasks:\n    - import_role: {name: r}\n" + AFTER,
    "  tasks:\n    - include_role: {name: r}\n" + AFTER,
    "  tasks:\n    - block:\n        - import_role: {name: r}\n" + AFTER,
    "  tasks:\n    - block:\n        - include_role: {name: r}\n      always:\n    " + AFTER,
])
@pytest.mark.parametrize("role", [
    END,
    END + "- block: [{debug: {msg: never}}]\n  rescue: [{debug: {msg: never}}]\n  always: [{debug: {msg: never}}]\n",
    "- block:\n    - debug: {msg: before}\n    - block: [{meta: end_role}, {debug: {msg: never}}]\n"
    "    - debug: {msg: never}\n- debug: {msg: never}\n",
    "- include_tasks: more.yml\n- debug: {msg: never}\n",
    "- import_tasks: more.yml\n- debug: {msg: never}\n",
])
def test_end_role_goes_on_behind_the_role(tmp_path: Path, tasks: str, role: str) -> None:
    played = run(tmp_path, tasks, files={"roles/r/tasks/main.yml": role, "roles/r/tasks/more.yml": END})
    assert messages(played) == ["before", "after"]


def test_end_role_ends_one_host_of_a_role_and_the_inner_one_of_two(tmp_path: Path) -> None:
    played = run(tmp_path, "  roles: [outer]\n", ("h1", "h2"), files={
        "roles/outer/tasks/main.yml": "- include_role: {name: r}\n- debug: {msg: after}\n",
        "roles/r/tasks/main.yml": "- meta: end_role\n  when: inventory_hostname == 'h1'\n- debug: {msg: rest}\n"})
    assert messages(played, "h1") == ["after"]
    assert messages(played, "h2") == ["rest", "after"]


@pytest.mark.parametrize(("tasks", "where"), [
    ("  tasks:\n    - meta: end_role\n", "outside of a role"),
    ("  roles: [r]\n", "from a handler"),
])
def test_end_role_is_for_tasks_of_roles(tmp_path: Path, tasks: str, where: str) -> None:
    with pytest.raises(PlayError, match=where):
        run(tmp_path, tasks, files={
            "roles/r/tasks/main.yml": "- debug:\n  changed_when: true\n  notify: h\n",
            "roles/r/handlers/main.yml": "- name: h\n  meta: end_role\n"})


def test_add_host_is_done_by_one_host_for_all(tmp_path: Path) -> None:
    played = run(tmp_path, "  tasks:\n    - add_host: {name: 'of-{{ inventory_hostname }}'}\n", ("h1", "h2"))
    assert played.world is not None
    assert [played.statuses(host) for host in ("h1", "h2")] == [["changed"], []]
    assert [name for name in played.world.inventory.groups["all"] if name.startswith("of-")] == ["of-h1"]


def test_hosts_of_a_free_strategy_take_turns(tmp_path: Path) -> None:
    played = run(tmp_path, "  strategy: free\n  tasks:\n    - debug: {msg: hi}\n    - meta: end_play\n", ("h1", "h2"))
    assert [messages(played, host) for host in ("h1", "h2")] == [["hi"], ["hi"]]
