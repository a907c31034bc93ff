"""`debug`."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.diag import InputError, VaultError
from provisioner.engine.batch import Options
from provisioner.values import Secret, Vaulted
from tests.actions.conftest import Tasks


@pytest.mark.parametrize(
    ("task", "result"),
    [
        ("debug:", {"msg": "Hello world!"}),
        ("debug: {msg: hi}", {"msg": "hi"}),
        ("debug: msg='a b'", {"msg": "a b"}),
        ("debug: {msg: '{{ [1, 2] }}'}", {"msg": [1, 2]}),
        ("debug: {msg: {a: '{{ 1 + 1 }}'}}", {"msg": {"a": 2}}),
        ("debug: {var: numbers}", {"numbers": [1, 2]}),
        ("debug: {var: 'numbers[0] + 5'}", {"numbers[0] + 5": 6}),
        ("debug: {var: nothing}", {"nothing": "<< error 1 - 'nothing' is undefined >>"}),
        ("debug: {var: m}\n  vars: {m: {a: 1, b: ['{{ no }}', '{{ 1 / 0 }}']}}", {"m": {"a": 1, "b": [
            "<< error 1 - 'no' is undefined >>", "<< error 2 - Template failed: division by zero >>"]}}),
    ],
)
def test_tells(run_tasks: Tasks, task: str, result: dict[str, object]) -> None:
    played = run_tasks(f"- {task}", hosts={"h1": {"numbers": [1, 2]}})
    told = dict(played.results("h1")[0].result)
    assert {key: told[key] for key in result} == result
    assert played.statuses("h1") == ["ok"]


def test_below_its_verbosity_it_is_skipped(run_tasks: Tasks) -> None:
    task = "- debug: {msg: hi, verbosity: 2}"
    assert run_tasks(task).statuses("h1") == ["skipped"]
    assert run_tasks(task, options=Options(verbosity=2)).statuses("h1") == ["ok"]


def test_msg_and_var_exclude_each_other(run_tasks: Tasks) -> None:
    with pytest.raises(InputError, match="mutually exclusive"):
        run_tasks("- debug: {msg: hi, var: x}")


@pytest.mark.parametrize("task", ["debug: {var: '{{ words }}'}", "debug: {\"{{ 'var' }}\": '{{ words }}'}",
                                  "debug: \"{{ {'var': words} }}\""])  # fmt: skip
def test_an_expression_out_of_a_template_is_never_run(run_tasks: Tasks, tmp_path: Path, task: str) -> None:
    words = f"lookup('pipe', 'touch {tmp_path}/ran')"
    (told,) = run_tasks(f"- {task}\n  ignore_errors: true", hosts={"h1": {"words": words}}).results("h1")
    assert dict(told.result)["failed"]
    assert "untrusted template or expression" in str(told.result)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["ports", "ports.web + 1", "names[0]"])
def test_a_text_of_the_users_own_files_may_name_what_is_shown(run_tasks: Tasks, name: str) -> None:
    known = {"ports": {"web": 80}, "names": ["a"]}
    task = f"- debug: {{var: '{{{{ chosen }}}}'}}\n  vars: {{chosen: '{name}'}}"
    (told,) = run_tasks(task, hosts={"h1": known}).results("h1")
    assert told.status == "ok"
    assert name in told.result


@pytest.mark.parametrize("task", ["debug: {var: '{{ words }}'}", "debug: {var: !unsafe ports}",
                                  "debug: {var: \"{{ 'ports' }}\"}"])  # fmt: skip
def test_no_other_text_is_looked_at_even_as_a_name(run_tasks: Tasks, task: str) -> None:
    assert run_tasks(f"- {task}", hosts={"h1": {"words": "ports", "ports": 1}}).statuses("h1") == ["failed"]


def test_what_is_not_defined_and_what_is_omitted_come_with_a_warning(run_tasks: Tasks) -> None:
    results = run_tasks("- debug: {var: nope}\n- debug: {var: gone}\n  vars: {gone: '{{ omit }}'}").results("h1")
    assert [dict(one.result).get(name) for one, name in zip(results, ("nope", "gone"), strict=True)] == [
        "<< error 1 - 'nope' is undefined >>", "<<Omit>>"]  # fmt: skip
    assert [len(dict(one.result)["warnings"]) for one in results] == [1, 1]


def test_only_a_text_can_name_what_is_shown(run_tasks: Tasks) -> None:
    (told,) = run_tasks("- debug: {var: {a: b}}").results("h1")
    assert "is not a string and conversion is not allowed" in str(told.result)


def test_a_value_that_no_password_opens_fails_the_task(run_tasks: Tasks) -> None:
    def closed() -> Secret:
        raise VaultError("no password opens this")

    played = run_tasks("- debug: {var: both}", hosts={"h1": {"both": {"a": 1, "b": Vaulted(closed)}}})
    assert played.statuses("h1") == ["failed"]
    assert "no password opens this" in played.results("h1")[0].result["msg"]
