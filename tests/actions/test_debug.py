"""`debug`."""

from __future__ import annotations

import pytest

from provisioner.diag import InputError
from provisioner.engine.batch import Options
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
        ("debug: {var: nothing}", {"nothing": "VARIABLE IS NOT DEFINED!"}),
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
