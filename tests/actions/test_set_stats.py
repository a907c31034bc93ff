"""`set_stats`."""

from __future__ import annotations

import pytest

from tests.actions.conftest import Tasks


def test_values_of_the_run_are_in_the_result(run_tasks: Tasks) -> None:
    played = run_tasks("- set_stats: {data: {moved: '{{ 1 + 1 }}'}}\n"
                       "- set_stats: {data: {moved: 1}, per_host: true, aggregate: x}\n")
    first, second = (dict(event.result)["ansible_stats"] for event in played.results("h1"))
    assert first == {"data": {"moved": 2}, "per_host": False, "aggregate": True}
    assert (second["per_host"], second["aggregate"]) == (True, False)
    assert played.statuses("h1") == ["ok", "ok"]


@pytest.mark.parametrize(("data", "message"), [
    ("[1]", "The 'data' option needs to be a dictionary/hash"), ("{.bad: 1}", "Invalid variable name '.bad'"),
])
def test_they_need_names(run_tasks: Tasks, data: str, message: str) -> None:
    played = run_tasks(f"- set_stats: {{data: {data}}}")
    assert message in dict(played.results("h1")[0].result)["msg"]
