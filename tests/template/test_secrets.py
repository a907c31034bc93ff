"""A secret stays one through every operator and filter, and taints nothing it did not go into."""

from __future__ import annotations

import pytest

from provisioner.template.marks import Tainted
from provisioner.template.templar import Templar
from provisioner.values import Condition, Secret, Template, Value
from provisioner.vars.scope import Scope

TEMPLAR = Templar()
SCOPE = Scope(TEMPLAR, [("vars", {
    "pw": Secret("hunter2"), "via": Template("{{ pw }}"), "url": Template("db://{{ pw }}@h"),
    "user": {"name": "ann", "password": Secret("hunter2")}, "fmt": "{}!", "names": ["a", "b"],
})])


def render(source: str) -> Value:
    return TEMPLAR.render(Template(source), SCOPE)


@pytest.mark.parametrize(("source", "text"), [
    ("{{ pw }}", "hunter2"), ("{{ via }}", "hunter2"), ("x{{ pw }}", "xhunter2"), ("{{ url }}", "db://hunter2@h"),
    ("{{ 'a' ~ pw }}", "ahunter2"), ("{{ 'a' + pw }}", "ahunter2"), ("{{ pw + 'a' }}", "hunter2a"),
    ("{{ '%s!' % pw }}", "hunter2!"), ("{{ '{}!'.format(pw) }}", "hunter2!"), ("{{ fmt.format(pw) }}", "hunter2!"),
    ("{{ pw * 2 }}", "hunter2hunter2"), ("{{ pw[:3] }}", "hun"), ("{{ pw | upper }}", "HUNTER2"),
    ("{{ pw | b64encode }}", "aHVudGVyMg=="), ("{{ pw | quote }}", "hunter2"), ("{{ [pw] | join(',') }}", "hunter2"),
    ("{{ pw.upper() }}", "HUNTER2"), ("{{ ','.join([pw]) }}", "hunter2"), ("{{ user | to_json }}",
     '{"name": "ann", "password": "hunter2"}'), ("{{ [pw] }}!", "['hunter2']!"), ("{{ nope | default(pw) }}",
     "hunter2"),
    ("{% for c in pw %}{{ c }}{% endfor %}", "hunter2"), ("{% set x %}<{{ pw }}>{% endset %}{{ x }}", "<hunter2>"),
    ("{% macro m(a) %}<{{ a }}>{% endmacro %}{{ m(pw) }}", "<hunter2>"), ("{{ user | to_yaml }}",
     "{name: ann, password: hunter2}\n"), ("{{ {'a': pw} | string }}", "{'a': 'hunter2'}"),
    ("{{ 'x' | regex_replace('x', pw) }}", "hunter2"), ("{{ pw | hash('md5') }}", "2ab96390c7dbe3439de74d0c9b0b1767"),
    ("{{ pw | password_hash('sha512', 'salt') }}", None),
])
def test_text_made_with_a_secret_is_secret(source: str, text: str | None) -> None:
    result = render(source)
    assert type(result) is Secret
    assert "hunter2" not in repr(result)
    assert text is None or result.reveal() == text


@pytest.mark.parametrize(("source", "value"), [
    ("{{ user.name }}", "ann"), ("{{ pw | length }}", 7), ("{{ pw == 'hunter2' }}", True),
    ("{{ 'yes' if pw is defined else 'no' }}", "yes"), ("{{ [user.name, 'b'] | join }}", "annb"),
    ("{{ (pw == 'x') | ternary('a', 'b') }}", "b"), ("{{ [pw, 'x'] | last }}", "x"),
    ("{{ user | combine({'name': 'bob'}) }}", {"name": "bob", "password": Secret("hunter2")}),
    ("{{ user | dict2items | map(attribute='key') }}", ["name", "password"]),
    ("{{ user }}", {"name": "ann", "password": Secret("hunter2")}),
    ("{{ pw.split('t') }}", [Secret("hun"), Secret("er2")]),
])
def test_what_is_no_part_of_a_secret_is_not(source: str, value: Value) -> None:
    assert render(source) == value


def test_a_file_with_a_secret_in_it_is_secret() -> None:
    assert TEMPLAR.render_text("p={{ pw }}\n", SCOPE) == Secret("p=hunter2\n")
    assert TEMPLAR.render_text("n={{ user.name }}\n", SCOPE) == "n=ann\n"


@pytest.mark.parametrize("source", ["{{ pw | round }}", "{{ [pw] | sum }}", "{{ pw | from_json }}"])
def test_an_error_does_not_show_a_secret(source: str) -> None:
    with pytest.raises(Exception, match=r".") as caught:
        render(source)
    assert "hunter2" not in str(caught.value)


def test_a_condition_that_is_a_secret_does_not_show_it() -> None:
    with pytest.raises(Exception, match="a secret, not a boolean") as caught:
        TEMPLAR.condition(Condition("pw"), SCOPE)
    assert "hunter2" not in str(caught.value)


def test_taint_survives_python_operators_on_either_side() -> None:
    tainted = Tainted("x")
    for made in (tainted + "a", "a" + tainted, tainted % (), tainted * 2, 2 * tainted, tainted[0]):
        assert type(made) is Tainted
