"""Lookups and the like in what is decided after a task: conditions about its result, names of handlers, later items."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.actions.registry import Registry
from provisioner.events import ItemResult
from provisioner.testing.play import Played, Refused, play


def run(directory: Path, tasks: str, hosts: Any = ("h1",), **modules: Any) -> tuple[Played, list[str]]:
    """What happened, and the questions in the order they were asked; each is answered with how many came before."""
    asked: list[str] = []

    def answer(effect: Any) -> Any:
        asked.append(effect.kind)
        return [str(len(asked))]

    text = f"- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}"
    played = play(text, hosts=hosts, modules={"ping": lambda host, args: {}, **modules}, directory=directory,
                  actions=Registry(), answers=answer)  # fmt: skip
    return played, asked


NUMBER = "lookup('pipe', 'x') | int"


@pytest.mark.parametrize("task", [
    f"    - ping:\n      changed_when: {NUMBER} > 0\n",
    f"    - debug:\n      changed_when: {NUMBER} > 0\n",
    f"    - ping:\n      changed_when: {NUMBER} > 0\n      loop: [1, 2]\n",
    f"    - ping:\n      register: r\n      until: {NUMBER} > 4\n      changed_when: true\n",
    f"    - ping:\n      loop: [1, 2]\n      changed_when: true\n"
    f"      loop_control: {{break_when: \"{NUMBER} > 0\"}}\n",
    "    - ping:\n      changed_when: true\n      notify: \"{{ lookup('pipe', 'x') and 'h' }}\"\n  handlers:\n"
    "    - {name: h, ping: }\n",
])
def test_what_is_decided_after_a_task_may_ask_the_controller(tmp_path: Path, task: str) -> None:
    played, asked = run(tmp_path, task, ("h1", "h2"))
    assert set(asked) == {"pipe"}
    assert [played.statuses(host)[-1] for host in ("h1", "h2")] == ["changed"] * 2 or "handlers" in task
    assert all("failed" not in played.statuses(host) for host in ("h1", "h2"))


def test_a_result_is_judged_by_what_is_so_after_the_task(tmp_path: Path) -> None:
    """The same question in arguments and in a condition has an answer for each."""
    played, asked = run(tmp_path, f"    - ping: {{data: \"{{{{ {NUMBER} }}}}\"}}\n      changed_when: {NUMBER} == 2\n")
    assert (asked, played.statuses("h1")) == (["pipe", "pipe"], ["changed"])


def test_items_with_pauses_are_rendered_when_their_turn_comes(tmp_path: Path) -> None:
    task = (f"    - set_fact: {{seen: \"{{{{ seen | default([]) + [{NUMBER}] }}}}\"}}\n      loop: [a, b, c]\n"
            "      loop_control: {pause: 1}\n    - debug: {msg: '{{ seen }}'}\n")  # fmt: skip
    played, asked = run(tmp_path, task)
    assert asked == ["pipe", "pipe", "pipe"]
    assert played.results("h1")[-1].result["msg"] == [1, 2, 3]


def test_an_item_sees_what_the_one_before_it_registered(tmp_path: Path) -> None:
    task = ("    - ping: {data: '{{ item }}{{ r.x | default(0) }}'}\n      register: r\n      loop: [a, b, c]\n"
            "      when: r.x | default('') != 'ba0'\n    - debug: {var: r}\n")  # fmt: skip
    played, _ = run(tmp_path, task, ping=lambda host, args: {"x": args["data"]})
    (shown,) = [event.result["r"] for event in played.results("h1") if event.task.module == "debug"]
    assert [item.get("x") for item in shown["results"]] == ["a0", "ba0", None]


def test_a_label_may_be_made_of_the_items_result_and_fails_it_where_it_cannot(tmp_path: Path) -> None:
    task = ("    - ping: {data: '{{ item }}'}\n      register: r\n      loop: [a, b]\n      when: item == 'a'\n"
            "      ignore_errors: true\n      loop_control: {label: 'made {{ r.x }}'}\n")  # fmt: skip
    played, _ = run(tmp_path, task, ping=lambda host, args: {"x": args["data"]})
    first, second = (event for event in played.events if isinstance(event, ItemResult))
    assert (first.label, first.status, second.status) == ("made a", "ok", "failed")
    assert "no attribute 'x'" in second.result["msg"]


@pytest.mark.parametrize("more", ["", "      loop_control: {pause: 1}\n"])
def test_an_item_that_the_host_refuses_is_told(tmp_path: Path, more: str) -> None:
    def ping(host: str, args: Any) -> dict[str, Any]:
        if args["data"] == "b":
            raise Refused("no sudo")
        return {}

    task = "    - ping: {data: '{{ item }}'}\n      loop: [a, b, c]\n      when: item != 'x'\n" + more
    played, _ = run(tmp_path, task, ping=ping)
    items = [(event.label, event.status) for event in played.events if isinstance(event, ItemResult)]
    assert items == [("a", "ok"), ("b", "failed")]
    assert played.statuses("h1") == ["failed"]


def test_a_label_that_check_mode_cannot_know_is_the_item(tmp_path: Path) -> None:
    task = ("    - command: echo {{ item }}\n      register: r\n      loop: [a]\n"
            "      loop_control: {label: '{{ r.stdout }}'}\n"
            "    - debug: {msg: x}\n      loop: [b]\n      loop_control: {label: 'on {{ r }}'}\n")  # fmt: skip
    played = run(tmp_path, task, command=lambda host, args: {"unknown": "not run"})[0]
    assert [event.label for event in played.events if isinstance(event, ItemResult)] == ["a", "b"]
