"""`assert`."""

from __future__ import annotations

from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    "task",
    [
        "- assert: {that: '{{ words }}'}",
        "- assert: {that: ['{{ words }}']}",
        "- assert: {that: '{{ [words] }}'}",
        "- assert: {\"{{ 'that' }}\": '{{ words }}'}",
        "- action: '{{ module }}'\n  args: {that: '{{ words }}'}",
        "- action: '{{ module }}'\n  args: {that: ['{{ words }}']}",
        "- action: '{{ module }}'\n  args: \"{{ {'that': words} }}\"",
    ],
)
def test_a_text_out_of_a_template_is_never_run(run_tasks: Tasks, tmp_path: Path, task: str) -> None:
    words = f"lookup('pipe', 'touch {tmp_path}/ran; echo 1') == '1'"
    played = run_tasks(f"{task}\n  ignore_errors: true", hosts={"h1": {"words": words, "module": "assert"}})
    (told,) = played.results("h1")
    assert dict(told.result)["failed"]
    assert "not a boolean" in str(told.result)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("that", "status"), [("1 == 1", "ok"), ("[1 == 1, port > 80]", "failed"), ("'{{ port == 80 }}'", "ok")]
)
def test_a_module_named_by_a_template_takes_the_conditions_that_are_written(
    run_tasks: Tasks, that: str, status: str
) -> None:
    task = f"- {{action: '{{{{ module }}}}', args: {{that: {that}}}}}"
    assert run_tasks(task, hosts={"h1": {"module": "assert", "port": 80}}).statuses("h1") == [status]
