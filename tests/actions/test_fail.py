"""`fail`."""

from __future__ import annotations

from tests.actions.conftest import Tasks


def test_fails_with_its_message(run_tasks: Tasks) -> None:
    played = run_tasks("- fail: {msg: 'not {{ x }}'}\n- debug:", hosts={"h1": {"x": "so"}})
    assert played.statuses("h1") == ["failed"]
    assert dict(played.results("h1")[0].result)["msg"] == "not so"


def test_has_a_message_of_its_own(run_tasks: Tasks) -> None:
    assert dict(run_tasks("- fail:").results("h1")[0].result)["msg"] == "Failed as requested from task"
