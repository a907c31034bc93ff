"""Templates give native values, lazily and strictly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.diag import ConditionError, Span, TemplateError, UndefinedVariable, VaultError
from provisioner.template.templar import Templar
from provisioner.values import OMIT, Condition, Secret, Template, Unknown, Value, Vaulted
from provisioner.vars.scope import Scope

TEMPLAR = Templar()
VARIABLES: dict[str, Value] = {
    "host": "10.0.0.1", "port": 8080, "extra": [3], "d": {"a": 1}, "empty": "", "nothing": None, "omit": OMIT,
    "bind": Template("{{ host }}:{{ port }}"),
    "app": {"url": Template("http://{{ bind }}/"), "ports": [Template("{{ port }}"), 9], "bad": Template("{{ nope }}")},
    "packages": Template("{{ [1, 2] + extra }}"),
    "half": Template("x{{ nope }}"),
    "evil": "{{ port }} {% if true %}x{% endif %}",
    "users": [{"name": "ann", "keys": [1, 2]}, {"name": "bob", "keys": []}],
    "skipped_result": {"changed": False, "skipped": True},
}
SPAN = Span("site.yml", 3, 7)


def scope(**more: Value) -> Scope:
    return Scope(TEMPLAR, [("test", more), ("play vars", VARIABLES)])


def render(source: str, **more: Value) -> Value:
    return TEMPLAR.render(Template(source, SPAN), scope(**more))


@pytest.mark.parametrize(("source", "value"), [
    ("{{ port }}", 8080),
    ("{{ 1 }}", 1),
    ("{{ '1' }}", "1"),
    ("{{ 1 }}{{ 2 }}", "12"),
    ("{{ [1, 'a'] }}", [1, "a"]),
    ("p{{ port }}", "p8080"),
    ("{{ packages }}", [1, 2, 3]),
    ("{{ app.url }}", "http://10.0.0.1:8080/"),
    ("{{ app['ports'] }}", [8080, 9]),
    ("{{ app.ports.0 }}", 8080),
    ("{{ app.keys() | list }}", ["url", "ports", "bad"]),
    ("{{ evil }}", "{{ port }} {% if true %}x{% endif %}"),
    ("{{ evil ~ '!' }}", "{{ port }} {% if true %}x{% endif %}!"),
    ("{{ nope.x.y | default('D') }}", "D"),
    ("{{ [nope.name, nope.hint, nope.owner, nope.cause, nope['name']] | map('default', 'D') | join }}", "DDDDD"),
    ("{{ nope | upper | default('D') }}", "D"),
    ("{{ ('x' ~ nope) | default('D') }}", "D"),
    ("{{ 'x' | replace(nope, 'y') is undefined }}", True),
    ("{{ [nope] | join(',') is undefined }}", True),
    ("{{ (nope is match('d')) | default('D') }}", "D"),
    ("{{ [nope | upper] | first is undefined }}", True),
    ("{{ lookup('vars', nope) | default('D') }}", "D"),
    (r"{{ 'a=b' | regex_replace('(.)=(.)', '\2') }}", "b"),
    (r"\{{ '\n' | length }}\{% set x = '\n' %}{{ x | length }}", "\\2\\1"),
    ("{{ lookup('list', 'p{{ port }}', '{{ d }}') }}", ["p8080", {"a": 1}]),
    ("{{ query('sequence', 'end=1', format='{{ host }}-%d') }}", ["10.0.0.1-1"]),
    ("{{ ['p{{ port }}'] | first }}", "p{{ port }}"),
    ("{{ half | default('D') }}", "D"),
    ("{{ app.bad | default('D') }}", "D"),
    ("{{ half is defined }}", False),
    ("{{ empty | default('D') }}", ""),
    ("{{ empty | default('D', true) }}", "D"),
    ("{{ nothing }}", None),
    ("a{{ nothing }}b", "ab"),
    ("a{{ omit }}b", "ab"),
    ("{{ nope | default(omit) }}", OMIT),
    ("{% if false %}x{% endif %}", None),
    ("{% if true %}{{ extra }}{% endif %}", [3]),
    ("{{ d }}\n", {"a": 1}),
    ("{{ host }}\n", "10.0.0.1\n"),
    ("{{ range(3) }}", [0, 1, 2]),
    ("{{ d.items() }}", [["a", 1]]),
    ("{{ users | map(attribute='name') }}", ["ann", "bob"]),
    ("{{ users | selectattr('keys', 'contains', 1) | map(attribute='name') | join }}", "ann"),
    ("{% set x = [] %}{% set _ = x.append(3) %}{{ x }}", [3]),
    ("{{ [1] + app.ports }}", [1, 8080, 9]),
    ("{{ app.ports + [1] }}", [8080, 9, 1]),
    ("{{ app.ports == [8080, 9] }}", True),
    ("{{ 8080 in app.ports }}", True),
    ("{{ app.ports[:1] }}", [8080]),
    ("{{ app.ports | to_json }}", "[8080, 9]"),
    ("{{ app.ports }}!", "[8080, 9]!"),
    ("{{ d is mapping and extra is sequence }}", True),
    ("{{ vars.port + vars['port'] }}", 16160),
    ("{{ 'x' | ansible.builtin.b64encode }}", "eA=="),
    ("{{ (users | first)['keys'] | sum }}", 3),
])
def test_a_template_gives_the_value_it_stands_for(source: str, value: Value) -> None:
    result = render(source)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(("source", "message", "hint"), [
    ("{{ prot }}", "'prot' is undefined", "did you mean `port`?"),
    ("{{ d.b }}", "A dictionary with `a` has no attribute 'b'", ""),
    ("{{ app.urk }}", "A dictionary with `url`, `ports`, `bad` has no attribute 'urk'", "did you mean `url`?"),
    ("{{ skipped_result.stdout }}", "has no attribute 'stdout'", "was skipped"),
    ("{{ extra[5] }}", "A list of 1: object has no element 5", ""),
    ("{{ [][0] }}", "A list of 0: object has no element 0", ""),
    ("{{ half }}", "'nope' is undefined", ""),
    ("{{ [1, nope] }}", "'nope' is undefined", ""),
    ("{{ nope | to_json }}", "'nope' is undefined", ""),
    ("{{ [nope] | to_json }}", "'nope' is undefined", ""),
    ("{{ nope == 1 }}", "'nope' is undefined", ""),
    ("{{ extra.append(1) }}", "would change a variable", ""),
    ("{{ ''.__class__.__mro__ }}", "`__class__` is not for templates", ""),
    ("{{ none[[nope]] }}", "'nope' is undefined", ""),
    ("{{ undef('give me a name') }}", "give me a name", ""),
    ("{{ nope | mandatory('set nope') }}", "set nope", ""),
    ("{{ nope | mandatory }}", "Mandatory variable 'nope' not defined.", ""),
    ("{{ nope | upper | lower }}", "'nope' is undefined", ""),
    ("{{ (nope | upper) ~ 'x' }}", "'nope' is undefined", ""),
    ("{% if nope is match('x') %}x{% endif %}", "'nope' is undefined", ""),
    ("{{ lookup('vars', 'x{{ nope }}') }}", "'nope' is undefined", ""),
])
def test_what_is_undefined_is_told_with_a_near_name(source: str, message: str, hint: str) -> None:
    with pytest.raises(UndefinedVariable) as caught:
        render(source)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.span == SPAN


@pytest.mark.parametrize(("source", "message"), [
    ("{{ 'x' | uper }}", "Unknown filter `uper`"),
    ("{% if false %}{{ 'x' | uper }}{% endif %}{{ 'y' is strng }}", "Unknown test `strng`"),
    ("{{ (1 }}", "Template syntax"),
    ("{{ 'a' | round }}", "The filter `round` failed on text"),
    ("{{ 1 + 'a' }}", "unsupported operand"),
    ("{{ lookup('nope') }}", "lookup plugin `nope` not found"),
    ("{{ range(10000000) }}", "Range too big"),
])
def test_other_failures_are_told_with_their_place(source: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        render(source)
    assert message in caught.value.message
    assert caught.value.span == SPAN


def test_variables_that_refer_to_each_other_are_named() -> None:
    with pytest.raises(TemplateError, match="a -> b -> a"):
        render("{{ a }}", a=Template("{{ b }}"), b=Template("x{{ a }}"))
    with pytest.raises(TemplateError, match=r"a -> a\.x -> a\.y -> a\.x|a\.x -> a\.y -> a\.x"):
        render("{{ a.x }}", a={"x": Template("{{ a.y }}"), "y": Template("{{ a.x }}")})


def test_an_error_of_a_variable_stands_where_the_variable_was_written() -> None:
    written = Span("group_vars/all.yml", 9)
    with pytest.raises(UndefinedVariable) as caught:
        render("{{ url }}", url=Template("http://{{ nope }}/", written))
    assert caught.value.span == written


def test_values_are_rendered_at_any_depth_and_in_keys() -> None:
    value = {Template("k{{ port }}"): [Template("{{ d }}"), {"x": Template("{{ host }}")}], "plain": "{{ port }}"}
    assert TEMPLAR.render(value, scope()) == {"k8080": [{"a": 1}, {"x": "10.0.0.1"}], "plain": "{{ port }}"}


@given(st.text())
def test_a_plain_string_is_never_rendered(text: str) -> None:
    evil = text + "{{ port }}{% set x = 1 %}"
    assert render("{{ s }}", s=evil) == evil
    assert render("{{ d.s }}", d={"s": [evil]}) == [evil]
    assert render("{{ a }}", a=Template("{{ b }}"), b=evil) == evil
    assert TEMPLAR.render({"x": [evil]}, scope()) == {"x": [evil]}


@pytest.mark.parametrize(("source", "holds"), [
    ("port == 8080", True), ("true", True), ("False", False), ("half is defined", False),
    ("{{ port == 1 }}", False), ("'a' in d", True), ("nope is not defined or nope", True),
    ("extra is superset([3])", True), ("skipped_result is skipped", True),
])
def test_conditions_are_boolean(source: str, holds: bool) -> None:
    assert TEMPLAR.condition(Condition(source, SPAN), scope()) is holds


@pytest.mark.parametrize(("source", "words"), [
    ("port", "is an integer (8080), not a boolean"), ("'yes'", "is text ('yes'), not a boolean"),
    ("nothing", "is null, not a boolean"), ("extra", "is a list ([3]), not a boolean"),
])
def test_a_condition_that_is_not_boolean_is_an_error(source: str, words: str) -> None:
    with pytest.raises(ConditionError) as caught:
        TEMPLAR.condition(Condition(source, SPAN), scope())
    assert words in caught.value.message
    assert source in caught.value.message
    assert caught.value.span == SPAN
    assert caught.value.hint


UNKNOWN = Unknown("output of `make`")


@pytest.mark.parametrize("source", [
    "{{ u }}", "a{{ u }}", "{{ u | default('x') }}", "{{ u.stdout }}", "{{ u.reason }}", "{{ u | length }}",
    "{{ u == 1 }}",
    "{{ 'a' if u else 'b' }}", "{{ r.u }}", "{{ via }}", "{{ r | to_json }}", "{{ u is none }}", "{{ [u] | join }}",
    "{{ u.split(',') }}", "{{ d[u] }}", "{% for x in u %}{% endfor %}", "{{ 'a' in u }}", "{{ r }}!",
    "{{ [1] | map('regex_replace', u) | list }}", "{{ u ~ 'x' }}", "{{ r is changed and r.u is match('x') }}",
])
def test_what_uses_something_unknown_is_unknown(source: str) -> None:
    assert render(source, u=UNKNOWN, r={"u": UNKNOWN, "changed": True}, via=Template("x{{ u }}")) == UNKNOWN


@pytest.mark.parametrize(("source", "value"), [
    ("{{ u is defined }}", True), ("{{ [u, 1] }}", [UNKNOWN, 1]), ("{{ r }}", {"u": UNKNOWN, "changed": True}),
    ("{{ r.changed }}", True), ("{{ r is changed }}", True), ("{{ true or u }}", True), ("{{ [u] | length }}", 1),
])
def test_what_only_passes_it_on_is_known(source: str, value: Value) -> None:
    assert render(source, u=UNKNOWN, r={"u": UNKNOWN, "changed": True}) == value


def test_a_condition_on_something_unknown_is_unknown() -> None:
    assert TEMPLAR.condition(Condition("u == 1"), scope(u=UNKNOWN)) == UNKNOWN
    assert TEMPLAR.condition(Condition("false and u"), scope(u=UNKNOWN)) is False


def test_a_vaulted_value_is_a_secret_once_it_is_rendered() -> None:
    vaulted = Vaulted(lambda: Secret("pw"))
    templar = Templar()
    scope = Scope(templar, [("play vars", {"v": vaulted, "nested": {"list": [vaulted]}})])
    assert templar.render({"a": [vaulted]}, scope) == {"a": [Secret("pw")]}
    assert templar.render(Template("{{ v }} {{ nested.list[0] }}"), scope) == Secret("pw pw")
    assert scope.get("nested") == {"list": [Secret("pw")]}
    assert templar.condition(Condition("v == 'pw' and v is defined"), scope) is True


def test_a_vaulted_value_that_cannot_be_opened_fails_only_what_uses_it() -> None:
    def refuse() -> Secret:
        raise VaultError("no password", span=Span("vars.yml", 7, 3))

    templar = Templar()
    scope = Scope(templar, [("play vars", {"v": Vaulted(refuse), "other": 1})])
    assert templar.render(Template("{{ other + 1 }}"), scope) == 2
    with pytest.raises(VaultError) as error:
        templar.render(Template("{{ v }}", Span("site.yml", 1)), scope)
    assert error.value.span == Span("vars.yml", 7, 3)


def test_what_a_template_of_an_encrypted_file_gives_is_secret_at_any_depth() -> None:
    templar = Templar()
    source = Template("{{ {'a': ['b', 1]} }}", secret=True)
    scope = Scope(templar, [("play vars", {"x": source})])
    assert templar.render(source, scope) == {"a": [Secret("b"), 1]}
    assert templar.render(Template("{{ x.a[0] }}!"), scope) == Secret("b!")
