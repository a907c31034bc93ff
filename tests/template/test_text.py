"""Files made from templates."""

from __future__ import annotations

import pytest

from provisioner.diag import Span, TemplateError
from provisioner.template.templar import Templar
from provisioner.values import Template, Unknown, Value
from provisioner.vars.scope import Scope

TEMPLAR = Templar()
SCOPE = Scope(TEMPLAR, [("vars", {"port": 80, "d": {"a": Template("{{ port }}")}, "u": Unknown("x"), "on": True})])


@pytest.mark.parametrize(("source", "text"), [
    ("{{ port }}", "80"), ("a\n{{ d }}\n", "a\n{'a': 80}\n"), ("{% if on %}\nx\n{% endif %}\n", "x\n"),
    ("  {% if on %}\nx\n  {% endif %}\n", "  x\n  \n"), ("[{{ none }}]", "[]"), ("", ""), ("{{ on }}\n\n", "True\n\n"),
    ("#jinja2: lstrip_blocks: True\n  {% if on %}\nx\n  {% endif %}\n", "x\n"),
    ("#jinja2:variable_start_string:'[%', variable_end_string:'%]'\n[% port %]{{ x }}\n", "80{{ x }}\n"),
    ("#jinja2: trim_blocks: False\n{% if on %}\nx{% endif %}\n", "\nx\n"),
    ("{% block a %}{{ port }}{% endblock %}", "80"),
    ("{% macro m(x) %}<{{ x }}>{% endmacro %}{% for i in [1, 2] %}{{ m(i) }}{{ loop.index }}{% endfor %}", "<1>1<2>2"),
    ("a{% if on %}b{% endif %}\n\n\n", "ab\n\n\n"),
    ("{% if not on %}\nx\n{% endif %}\n", ""),
])
def test_a_file_is_text_with_blocks_trimmed(source: str, text: str) -> None:
    assert TEMPLAR.render_text(source, SCOPE) == text


def test_a_first_line_that_sets_nothing_is_refused() -> None:
    with pytest.raises(TemplateError, match="Missing key-value separator"):
        TEMPLAR.render_text("#jinja2: lstrip_blocks=True\nx\n", SCOPE)


def test_settings_come_from_arguments_and_the_header_wins() -> None:
    settings: dict[str, Value] = {"trim_blocks": False, "newline_sequence": "\\r\\n", "lstrip_blocks": None}
    assert TEMPLAR.render_text("{% if on %}\nx{% endif %}\n", SCOPE, overrides=settings) == "\r\nx\r\n"
    settings = {"newline_sequence": "\\r\\n"}
    assert TEMPLAR.render_text("a{% if on %}b{% endif %}\n\n", SCOPE, overrides=settings) == "ab\r\n\r\n"
    with pytest.raises(TemplateError, match="`trim_block` is not a template setting"):
        TEMPLAR.render_text("#jinja2: trim_block: True\n", SCOPE)


@pytest.mark.parametrize(("source", "line"), [
    ("a\nb\n{{ nope }}\n", 3), ("a\n{% if nope.x %}\n{% endif %}\n", 2), ("a\n\n{{ (1 }}\n", 3),
    ("#jinja2: trim_blocks: True\na\n{{ nope }}\n", 3), ("#jinja2: trim_blocks: True\na\n{{ ) }}\n", 3),
    ("a\n{{ 'x' | round }}\n", 2), ("a\n{% for x in [1] %}\n{{ x.y }}\n{% endfor %}\n", 3),
])
def test_an_error_names_the_line_of_the_file(source: str, line: int) -> None:
    with pytest.raises(TemplateError) as caught:
        TEMPLAR.render_text(source, SCOPE, name="app.conf.j2")
    assert caught.value.span is not None
    assert (caught.value.span.file, caught.value.span.line) == ("app.conf.j2", line)


def test_a_file_with_something_unknown_is_unknown() -> None:
    assert TEMPLAR.render_text("a {{ u }}", SCOPE) == Unknown("x")


def test_names_of_a_file_can_be_asked_before_rendering() -> None:
    assert TEMPLAR.names_of_text("#jinja2: trim_blocks: True\n{{ a.b }}").variables == {"a"}


def test_syntax_is_checked_without_rendering() -> None:
    wrong = TEMPLAR.check(Template("{{ a", Span("x.yml", 2)))
    assert wrong is not None
    assert wrong.span == Span("x.yml", 2)
    assert "ends before its `}}`" in wrong.message
    assert TEMPLAR.check(Template("{{ a }}")) is None
