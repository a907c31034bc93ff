"""`set_fact`."""

from __future__ import annotations

import pytest

from tests.actions.conftest import Tasks


def test_sets_variables_of_the_host_with_their_types(run_tasks: Tasks) -> None:
    played = run_tasks(
        "- set_fact: {a: '{{ 40 + 2 }}', b: [1, '{{ x }}']}\n- debug: {msg: '{{ a }} {{ b }}'}",
        hosts={"h1": {"x": "y"}},
    )
    assert played.variables("h1")["a"] == 42
    assert dict(played.results("h1")[1].result)["msg"] == "42 [1, 'y']"
    assert dict(played.results("h1")[0].result)["ansible_facts"] == {"a": 42, "b": [1, "y"]}
    assert played.statuses("h1") == ["ok", "ok"]


def test_a_value_with_braces_from_elsewhere_stays_text(run_tasks: Tasks) -> None:
    played = run_tasks("- set_fact: {a: \"{{ '{' ~ '{ 1 + 1 }' ~ '}' }}\"}\n- debug: {msg: '{{ a }}'}")
    assert dict(played.results("h1")[1].result)["msg"] == "{{ 1 + 1 }}"


def test_cacheable_ones_are_facts_too(run_tasks: Tasks) -> None:
    played = run_tasks("- set_fact: {role: web, cacheable: true}\n- debug: {var: ansible_facts.role}")
    assert dict(played.results("h1")[1].result)["ansible_facts.role"] == "web"
    assert "cacheable" not in played.variables("h1")


@pytest.mark.parametrize(
    "task",
    ["set_fact: {'a-b': 1}", "set_fact: {1a: 1}", "set_fact: {'a.b': 1}", "set_fact: {é: 1}", "set_fact: {class: 1}",
     "set_fact: {'none': 1}"],
)
def test_a_name_must_be_one(run_tasks: Tasks, task: str) -> None:
    played = run_tasks(f"- {task}")
    assert played.statuses("h1") == ["failed"]
    assert "Invalid variable name" in dict(played.results("h1")[0].result)["msg"]


def test_nothing_to_set_fails(run_tasks: Tasks) -> None:
    assert run_tasks("- set_fact: {cacheable: true}").statuses("h1") == ["failed"]
