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
        "- assert: \"{{ {'that': words} }}\"",
        "- assert: {that: '{{ mine }} and {{ words }}'}\n  vars: {mine: 1 == 1}",
        "- assert: {that: '{{ mine ~ words }}'}\n  vars: {mine: '1 == 1 and '}",
        "- assert: {that: '{{ mine.format(words) }}'}\n  vars: {mine: '{}'}",
        "- assert: {that: \"{{ mine.replace('x', words) }}\"}\n  vars: {mine: x}",
        "- assert: {that: \"{{ [words] | join(mine) }}\"}\n  vars: {mine: x}",
        "- assert: {that: '{{ mine }}'}\n  vars: {mine: '{{ words }}'}",
        "- assert: {that: '{{ item }}'}\n  loop: ['{{ words }}']",
        "- assert: {that: '{{ mine }}'}\n  vars: {mine: !unsafe \"lookup('pipe', 'false')\"}",
        "- debug:\n  when: '{{ words }}'",
        "- debug:\n  failed_when: '{{ words }}'",
        "- debug:\n  until: '{{ words }}'",
        "- debug:\n  when: !unsafe \"lookup('pipe', 'false')\"",
    ],
)
def test_a_text_out_of_a_template_is_never_run(run_tasks: Tasks, tmp_path: Path, task: str) -> None:
    words = f"lookup('pipe', 'touch {tmp_path}/ran; echo 1') == '1'"
    played = run_tasks(f"{task}\n  ignore_errors: true", hosts={"h1": {"words": words, "module": "assert"}})
    (told,) = played.results("h1")
    assert dict(told.result)["failed"]
    assert "untrusted template or expression" in str(told.result)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("that", ["'{{ mine }}'", "['{{ mine }}']", "'{{ [mine] }}'", "'{{ all }}'",
                                  "'{{ [{\"c\": mine}] | map(attribute=\"c\") }}'",
                                  "'{{ nothing | default(mine) }}'"])  # fmt: skip
@pytest.mark.parametrize(("port", "status"), [(80, "ok"), (81, "failed")])
def test_a_text_of_the_users_own_files_is_a_condition(run_tasks: Tasks, that: str, port: int, status: str) -> None:
    task = f"- assert: {{that: {that}}}\n  vars: {{mine: port == 80, all: [1 == 1, '{{{{ mine }}}}']}}"
    assert run_tasks(task, hosts={"h1": {"port": port}}).statuses("h1") == [status]


def test_conditions_of_a_loop_may_be_texts(run_tasks: Tasks) -> None:
    task = "- assert: {that: '{{ item }}'}\n  loop: [1 == 1, 1 == 2]\n  ignore_errors: true\n  register: said"
    again = "- assert: {that: '{{ said.results[0].item }}'}"
    assert run_tasks(f"{task}\n{again}").statuses("h1") == ["failed", "ok"]


@pytest.mark.parametrize("that", ["''", "null", "'{{ none }}'"])
def test_an_empty_condition_is_a_mistake(run_tasks: Tasks, that: str) -> None:
    played = run_tasks(f"- assert: '{{{{ given }}}}'\n  vars: {{given: {{that: {that}}}}}")
    assert "Empty conditional expression" in str(played.results("h1")[0].result)


def test_braces_are_told_as_deprecated(run_tasks: Tasks) -> None:
    (told,) = run_tasks("- assert: {that: '{{ 1 == 1 }}'}").results("h1")
    assert "surrounded by templating delimiters" in str(dict(told.result)["deprecations"])


@pytest.mark.parametrize(
    ("that", "status"), [("1 == 1", "ok"), ("[1 == 1, port > 80]", "failed"), ("'{{ port == 80 }}'", "ok")]
)
def test_a_module_named_by_a_template_takes_the_conditions_that_are_written(
    run_tasks: Tasks, that: str, status: str
) -> None:
    task = f"- {{action: '{{{{ module }}}}', args: {{that: {that}}}}}"
    assert run_tasks(task, hosts={"h1": {"module": "assert", "port": 80}}).statuses("h1") == [status]
