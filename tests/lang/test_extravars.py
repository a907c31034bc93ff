"""`-e` in its forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.diag import InputError, UsageError
from provisioner.lang.extravars import parse_extra_vars
from provisioner.values import Template


@pytest.mark.parametrize(("options", "values"), [
    (["a=5"], {"a": "5"}),
    (["a=5 b='x y'"], {"a": "5", "b": "x y"}),
    (['{"a": 5, "b": [1]}'], {"a": 5, "b": [1]}),
    (["{a: yes}"], {"a": True}),
    (["a=1", "a=2"], {"a": "2"}),
    (["url=http://x/?a=b"], {"url": "http://x/?a=b"}),
    ([""], {}),
])
def test_values_are_text_unless_yaml_says_otherwise(options: list[str], values: dict[str, Any]) -> None:
    assert parse_extra_vars(options) == values


def test_braces_make_a_template() -> None:
    values = parse_extra_vars(["a={{ b }}/c", '{"d": "{{ e }}"}'])
    assert [values["a"].source, values["d"].source] == ["{{ b }}/c", "{{ e }}"]


def test_a_file_keeps_its_types_and_templates(tmp_path: Path) -> None:
    (tmp_path / "v.yml").write_text("a: 5\nb: '{{ a }}'\n")
    values = parse_extra_vars([f"@{tmp_path / 'v.yml'}"])
    assert values["a"] == 5
    assert isinstance(values["b"], Template)


@pytest.mark.parametrize("option", ["a", "a-b=1", "1a=2", "[1]", "{a: ", "a='x", "{1: 2}"])
def test_anything_else_is_a_wrong_option(option: str) -> None:
    with pytest.raises(UsageError, match="-e"):
        parse_extra_vars([option])


def test_a_missing_file_is_told() -> None:
    with pytest.raises(InputError, match="does not exist"):
        parse_extra_vars(["@/nowhere/x.yml"])
