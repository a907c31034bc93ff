"""Templates made of several files."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.diag import TemplateError
from provisioner.effects import answer
from provisioner.template.effects import Effect, KnownEffects, NeedEffect
from provisioner.template.templar import Templar
from provisioner.values import Secret, Template, Value
from provisioner.vars.scope import Scope

TEMPLAR = Templar()
PARTS = {
    "greet.j2": "hello {{ who }}\n",
    "set.j2": "{% set colour = 'red' %}\n{% macro paint(x) %}{{ x }} {{ who | default('nobody') }}{% endmacro %}",
    "base.j2": "<{% block title %}base{% endblock %}>\n{% block body %}{{ who }}{% endblock %}\n",
    "outer.j2": "{% for n in [1, 2] %}{% include 'inner.j2' %}{% endfor %}",
    "inner.j2": "{{ n }};",
    "broken.j2": "one\n{{ nope }}\n",
    "syntax.j2": "one\n{{ ( }}\n",
    "loose.j2": "{{ nope }}",
    "secret.j2": "{{ password }}",
    "locked.j2": "of the vault",
}


class Parts(KnownEffects):
    def ask(self, effect: Effect) -> Value:
        (name,) = effect.args
        if name not in PARTS:
            return None
        return {"path": f"templates/{name}", "source": PARTS[name], "decrypted": name == "locked.j2"}


def render(source: str, **variables: Value) -> Value:
    scope = Scope(TEMPLAR, [("vars", {"who": Template("{{ 'you' }}"), **variables})], Parts())
    return TEMPLAR.render_text(source, scope, name="main.j2")


@pytest.mark.parametrize(("source", "text"), [
    ("{% include 'greet.j2' %}", "hello you"),
    ("{% set who = 'set here' %}{% include 'greet.j2' %}", "hello set here"),
    ("{% for who in ['a', 'b'] %}{% include 'greet.j2' %}{% endfor %}", "hello ahello b"),
    ("{% include 'outer.j2' %}", "1;2;"),
    ("{% set name = 'greet' %}{% include name ~ '.j2' %}", "hello you"),
    ("{% include ['none.j2', 'greet.j2'] %}", "hello you"),
    ("a{% include 'none.j2' ignore missing %}b", "ab"),
    ("{% import 'set.j2' as s %}{{ s.colour }} {{ s.paint('wall') }}", "red wall you"),
    ("{% set who = 'me' %}{% from 'set.j2' import paint with context %}{{ paint('door') }}", "door me"),
    ("{% macro m() %}{% include 'greet.j2' %}{% endmacro %}{{ m() | upper }}", "HELLO YOU"),
    ("{% extends 'base.j2' %}{% block title %}mine, not {{ super() }}{% endblock %}", "<mine, not base>\nyou"),
])
def test_a_template_is_made_of_several_files(source: str, text: str) -> None:
    assert render(source) == text


def test_the_same_template_reads_each_hosts_own_variables() -> None:
    assert [render("{% include 'greet.j2' %}", who=who) for who in ("a", "b")] == ["hello a", "hello b"]


def test_a_value_may_include_a_file_too() -> None:
    scope = Scope(TEMPLAR, [("vars", {"who": "you"})], Parts())
    assert TEMPLAR.render(Template("{% include 'greet.j2' %}"), scope) == "hello you"


def test_what_an_encrypted_part_went_into_is_secret() -> None:
    assert isinstance(render("seen {% include 'locked.j2' %}"), Secret)


@pytest.mark.parametrize("source", [
    "{% include 'secret.j2' %}", "{% import 'secret.j2' as s %}{{ s }}", "{% extends 'secret.j2' %}"])
def test_a_secret_that_a_part_prints_stays_one(source: str) -> None:
    assert isinstance(render(source, password=Secret("x")), Secret)


def test_what_is_undefined_in_an_imported_file_is_named() -> None:
    with pytest.raises(TemplateError, match="'nope' is undefined"):
        render("{% import 'loose.j2' as m %}{{ m }}")


def test_a_missing_part_is_named() -> None:
    with pytest.raises(TemplateError, match=r"Template `none\.j2` not found") as caught:
        render("a\n{% include 'none.j2' %}")
    assert str(caught.value.span).startswith("main.j2:2")


@pytest.mark.parametrize("name", ["broken.j2", "syntax.j2"])
def test_an_error_names_the_line_of_the_part(name: str) -> None:
    with pytest.raises(TemplateError) as caught:
        render(f"{{% include '{name}' %}}")
    assert str(caught.value.span).startswith(f"templates/{name}:2")


def test_which_file_a_name_stands_for_is_asked_with_the_directory_of_the_template() -> None:
    with pytest.raises(NeedEffect) as caught:
        TEMPLAR.render_text("{% include 'a.j2' %}", Scope(TEMPLAR, [], KnownEffects()), name="roles/r/templates/b.j2")
    assert caught.value.effect == Effect("part", ("a.j2",), (("beside", "roles/r/templates"),))


def test_a_part_is_looked_for_where_templates_are_then_beside_the_one_that_names_it(tmp_path: Path) -> None:
    for place, text in (("role/templates/a.j2", "of the role"), ("sub/a.j2", "beside"), ("sub/b.j2", "beside")):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text)

    def found(name: str) -> Value:
        effect = Effect("part", (name,), (("beside", str(tmp_path / "sub")),))
        return answer(effect, search_paths=[tmp_path / "role"])

    assert [found("a.j2")["source"], found("b.j2")["source"], found("c.j2")] == ["of the role", "beside", None]


def test_names_of_a_template_with_parts_are_open() -> None:
    names = TEMPLAR.names_of_text("{% include 'a.j2' %}")
    assert names.dynamic
    assert names.effects == {"part"}


@pytest.mark.parametrize(("source", "value"), [
    ("{{ {'a': [who]} }}\n", {"a": ["you"]}), ("{{ who }} \n", "you \n"), ("{% if false %}x{% endif %}", None),
    ("{% macro m() %}{{ [1, 2] }}{% endmacro %}{{ m() }}", [1, 2]), ("{% import 'set.j2' as s %}{{ s }}", ""),
])
def test_what_is_nothing_but_an_expression_keeps_its_type_where_that_is_asked_for(source: str, value: Value) -> None:
    scope = Scope(TEMPLAR, [("vars", {"who": "you"})], Parts())
    assert TEMPLAR.render_text(source, scope, native=True) == value


def test_something_undefined_in_an_imported_file_is_told() -> None:
    scope = Scope(TEMPLAR, [("vars", {})], Parts())
    with pytest.raises(TemplateError, match="'who' is undefined"):
        TEMPLAR.render_text("{% import 'greet.j2' as g %}{{ g }}", scope, native=True)
