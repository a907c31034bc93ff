"""`template`: found, rendered with the settings asked for, and put in place as `copy` does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from provisioner.actions import template
from provisioner.actions.base import Done, HostWork
from provisioner.diag import TemplateError, UndefinedVariable
from provisioner.template.effects import EffectFailed
from provisioner.testing.expanding import expand, run
from provisioner.values import Secret, Unknown


@pytest.fixture
def render(tmp_path: Path) -> Any:
    """`render("text", variables, **arguments)` gives the bytes that arrive."""

    def rendered(text: str, variables: dict[str, Any] | None = None, **args: Any) -> bytes:
        (tmp_path / "templates").mkdir(exist_ok=True)
        (tmp_path / "templates/t.j2").write_bytes(text.encode())
        given = {"src": "t.j2", "dest": str(tmp_path / "out"), **args}
        result = run(expand(template, given, search=[tmp_path], variables=variables or {}), verify=True, diff=True)
        assert not result.get("failed"), result
        return (tmp_path / "out").read_bytes()

    return rendered


@pytest.mark.parametrize(
    ("text", "args", "expected"),
    [
        ("a {{ x }}\n", {}, b"a 1\n"),
        ("a {{ x }}", {}, b"a 1"),
        ("{% if x %}\na\n{% endif %}\n", {}, b"a\n"),
        ("{% if x %}\na\n{% endif %}\n", {"trim_blocks": False}, b"\na\n"),
        ("  {% if x %}\na\n  {% endif %}\n", {"lstrip_blocks": True}, b"a\n"),
        ("a\nb\n", {"newline_sequence": "\\r\\n"}, b"a\r\nb\r\n"),
        ("[[ x ]] {{ y }}", {"variable_start_string": "[[", "variable_end_string": "]]"}, b"1 {{ y }}"),
        ("#jinja2: trim_blocks: False\n{% if x %}\na\n{% endif %}", {}, b"\na\n"),
        ("ü", {"output_encoding": "latin-1"}, b"\xfc"),
        ("{{ template_path }} {{ template_destpath | basename }}", {}, b"t.j2 out"),
        ("", {}, b""),
    ],
)
def test_the_settings(render: Any, text: str, args: dict[str, Any], expected: bytes) -> None:
    assert render(text, {"x": 1}, **args) == expected


def test_the_setting_of_ansible_managed_is_filled_in_and_rendered(tmp_path: Path) -> None:
    source = tmp_path / "a{{ 1 % 0 }}%d.j2"
    source.write_text("{{ ansible_managed }}")
    os.utime(source, (86400 * 200, 86400 * 200))
    managed = "{file} of %Y by {uid} on {host} {{{{ 1 + 1 }}}}"
    known: dict[str, Any] = {"search": [tmp_path], "managed": managed}
    args = {"src": source.name, "dest": str(tmp_path / "out")}
    run(expand(template, args, variables={"ansible_managed": managed}, **known), verify=True)
    said = (tmp_path / "out").read_text()
    assert said.startswith(f"{source} of 1970 by ")
    assert said.endswith(" 2")
    run(expand(template, args, variables={"ansible_managed": "mine"}, **known), verify=True)
    assert (tmp_path / "out").read_text() == "mine"
    with pytest.raises(TemplateError, match="can't be filled in"):
        expand(template, args, search=[tmp_path], managed="{nope}", variables={"ansible_managed": "{nope}"})


def test_what_a_variable_holds_is_never_rendered(render: Any) -> None:
    assert render("{{ x }}", {"x": "{{ 1 + 1 }}"}) == b"{{ 1 + 1 }}"


def test_what_is_not_known_yet_makes_the_task_unknown(tmp_path: Path) -> None:
    (tmp_path / "t.j2").write_text("{{ x }}")
    work = expand(template, {"src": "t.j2", "dest": "/x"}, search=[tmp_path], variables={"x": Unknown("later")})
    assert isinstance(work, Done)
    assert work.result["unknown"] == "later"


def test_a_secret_in_a_template_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "t.j2").write_text("password={{ x }}")
    args = {"src": "t.j2", "dest": str(tmp_path / "out")}
    work = expand(template, args, search=[tmp_path], variables={"x": Secret("hunter22")})
    assert "hunter22" not in str(run(work, diff=True))
    assert (tmp_path / "out").read_text() == "password=hunter22"


def test_mistakes_name_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "t.j2").write_text("a\n{{ nope }}\n")
    with pytest.raises(UndefinedVariable) as failure:
        expand(template, {"src": "t.j2", "dest": "/x"}, search=[tmp_path])
    assert failure.value.span is not None
    assert failure.value.span.line == 2
    with pytest.raises(EffectFailed, match=r"did you mean `t.j2`"):
        expand(template, {"src": "t.j", "dest": "/x"}, search=[tmp_path])
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(EffectFailed, match="not UTF-8"):
        expand(template, {"src": "binary", "dest": "/x"}, search=[tmp_path])


def test_attributes_and_validation_reach_the_host(tmp_path: Path) -> None:
    (tmp_path / "t.j2").write_text("x")
    work = expand(
        template,
        {"src": "t.j2", "dest": "/x", "mode": "0600", "validate": "true %s", "trim_blocks": True},
        search=[tmp_path],
    )
    assert isinstance(work, HostWork)
    assert work.module == "copy"
    assert work.args["mode"] == "0600"
    assert work.args["validate"] == "true %s"
    assert "trim_blocks" not in work.args
