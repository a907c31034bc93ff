"""`validate_argument_spec`: what roles are given."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.actions import validate_argument_spec
from provisioner.actions.base import Done
from provisioner.testing.expanding import expand
from provisioner.values import Secret

SPEC: dict[str, Any] = {
    "port": {"type": "int", "required": True},
    "level": {"choices": ["low", "high"]},
    "sites": {"type": "list", "elements": "dict", "options": {"name": {"required": True}}},
}


def check(variables: dict[str, Any], **provided: Any) -> dict[str, Any]:
    work = expand(validate_argument_spec, {"argument_spec": SPEC, "provided_arguments": provided}, variables=variables)
    assert isinstance(work, Done)
    return dict(work.result)


def test_variables_that_fit_pass_and_others_are_no_concern() -> None:
    assert check({"port": "80", "unrelated": object()}) == {
        "changed": False, "msg": "The arg spec validation passed"}
    assert "failed" not in check({}, port=80)


@pytest.mark.parametrize(("variables", "error"), [
    ({}, "missing required arguments: port"),
    ({"port": "eighty"}, "argument 'port' is of type str and we were unable to convert to int: "
                         "\"'eighty'\" cannot be converted to an int"),
    ({"port": 1, "level": "mid"}, "value of level must be one of: low, high, got: mid"),
    ({"port": 1, "sites": [{}]}, "missing required arguments: name found in sites"),
    ({"port": 1, "sites": [{"name": "a", "nam": 1}]}, "Unsupported parameters: sites.nam. Supported parameters "
                                                      "include: name."),
])
def test_what_is_wrong_is_told_in_ansibles_words(variables: dict[str, Any], error: str) -> None:
    result = check(variables)
    assert result["argument_errors"] == [error]
    assert result["msg"] == f"Validation of arguments failed:\n{error}"
    assert result["failed"]


def test_what_is_given_to_the_role_beats_the_variable() -> None:
    assert check({"port": "eighty"}, port=80)["msg"] == "The arg spec validation passed"


def test_of_a_secret_only_its_being_there_is_checked() -> None:
    assert "failed" not in check({"port": 1, "level": Secret("hush")})
