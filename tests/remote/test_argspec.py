"""Ansible's argument specifications."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.remote.argspec import Rules, names, validate

SPEC: dict[str, dict[str, Any]] = {
    "name": {"required": True, "aliases": ["title"]},
    "state": {"choices": ["present", "absent"], "default": "present"},
    "count": {"type": "int"},
    "tags": {"type": "list", "elements": "int"},
    "token": {"no_log": True},
    "secret_number": {"type": "int", "no_log": True},
    "owner": {"type": "dict", "options": {"id": {"type": "int", "required": True}, "password": {"no_log": True}}},
}


def test_values_are_converted_and_defaults_filled_in() -> None:
    checked = validate(SPEC, {"title": 5, "count": "3", "tags": "1,2", "token": "hush",
                              "owner": {"id": "7", "password": "deep"}})
    assert checked.errors == []
    assert checked.parameters == {"name": "5", "state": "present", "count": 3, "tags": [1, 2], "token": "hush",
                                  "secret_number": None, "owner": {"id": 7, "password": "deep"}}
    assert checked.secrets == {"hush", "deep"}
    assert "title" in names(SPEC)


@pytest.mark.parametrize(("given", "error"), [
    ({}, "missing required arguments: name"),
    ({"name": "a", "secret_number": "hush"}, "argument 'secret_number' is of type str and we were unable to convert to "
                                             "int: its value is not shown"),
    ({"name": "a", "nme": 1, "zzz": 2}, "Unsupported parameters for (mine) module: nme, zzz. Supported parameters "
                                        "include: count, name (title), owner, secret_number, state, tags, token."),
    ({"name": "a", "state": "gone"}, "value of state must be one of: present, absent, got: gone"),
    ({"name": "a", "count": "x"}, "argument 'count' is of type str and we were unable to convert to int: "
                                  "\"'x'\" cannot be converted to an int"),
    ({"name": "a", "tags": ["x"]}, "Elements value for option 'tags' is of type str and we were unable to "
                                   "convert to int: \"'x'\" cannot be converted to an int"),
    ({"name": "a", "owner": {}}, "missing required arguments: id found in owner"),
])
def test_what_is_wrong_is_told(given: dict[str, Any], error: str) -> None:
    assert validate(SPEC, given, module="mine").errors == [error]


@pytest.mark.parametrize(("rules", "given", "error"), [
    (Rules(mutually_exclusive=[("a", "b")]), {"a": 1, "b": 1}, "parameters are mutually exclusive: a|b"),
    (Rules(required_together=[("a", "b")]), {"a": 1}, "parameters are required together: a, b"),
    (Rules(required_one_of=[("a", "b")]), {}, "one of the following is required: a, b"),
    (Rules(required_if=[("a", "x", ("b", "c"))]), {"a": "x", "b": 1},
     "a is x but all of the following are missing: c"),
    (Rules(required_if=[("a", "x", ("b", "c"), True)]), {"a": "x"},
     "a is x but any of the following are missing: b, c"),
    (Rules(required_by={"a": "b"}), {"a": 1}, "missing parameter(s) required by 'a': b"),
])
def test_arguments_may_depend_on_each_other(rules: Rules, given: dict[str, Any], error: str) -> None:
    spec: dict[str, dict[str, Any]] = {"a": {}, "b": {}, "c": {}}
    assert validate(spec, given, rules).errors == [error]


@pytest.mark.parametrize(("kind", "given", "value"), [
    ("bool", "yes", True), ("bool", 0, False), ("float", "1.5", 1.5), ("dict", "a=1 b=2", {"a": "1", "b": "2"}),
    ("dict", '{"a": [1]}', {"a": [1]}), ("list", 5, ["5"]), ("json", {"a": 1}, '{"a": 1}'), ("bytes", "1K", 1024),
    ("raw", (1,), (1,)), ("path", "$ELSEWHERE/x", "/srv/x"), (int, "4", 4)])
def test_types_take_what_people_write(kind: Any, given: Any, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELSEWHERE", "/srv")
    assert validate({"v": {"type": kind}}, {"v": given}).parameters == {"v": value}


def test_a_fallback_counts_where_nothing_was_given() -> None:
    spec = {"v": {"fallback": (lambda *words: "/".join(words), ["A", "B"])}}
    assert validate(spec, {}).parameters == {"v": "A/B"}
