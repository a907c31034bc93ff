"""`assert`."""

from __future__ import annotations

from tests.actions.conftest import Tasks


def test_all_conditions_hold(run_tasks: Tasks) -> None:
    played = run_tasks("- assert: {that: [1 == 1, \"'a' in 'abc'\"]}\n- assert: {that: true, success_msg: good}")
    assert [dict(one.result)["msg"] for one in played.results("h1")] == ["All assertions passed", "good"]


def test_tells_which_condition_does_not_hold(run_tasks: Tasks) -> None:
    (failed,) = run_tasks(
        "- assert: {that: [1 == 1, port < 1024], fail_msg: 'port is {{ port }}'}", hosts={"h1": {"port": 3000}}
    ).results("h1")
    assert failed.status == "failed"
    told = dict(failed.result)
    assert (told["assertion"], told["evaluated_to"], told["msg"]) == ("port < 1024", False, "port is 3000")


def test_its_own_words_by_default(run_tasks: Tasks) -> None:
    assert dict(run_tasks("- assert: {that: false}").results("h1")[0].result)["msg"] == "Assertion failed"


def test_a_condition_that_is_no_boolean_fails(run_tasks: Tasks) -> None:
    assert run_tasks("- assert: {that: \"'text'\"}").statuses("h1") == ["failed"]
