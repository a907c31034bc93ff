"""Lookups, the clock and draws are asked for, and rendered again once answered."""

from __future__ import annotations

from datetime import datetime

import pytest

from provisioner.diag import TemplateError
from provisioner.template.effects import Effect, EffectFailure, KnownEffects, NeedEffect
from provisioner.template.templar import Templar
from provisioner.values import Condition, Secret, Template, Unknown, Value
from provisioner.vars.scope import Scope

TEMPLAR = Templar()
MOMENT = datetime(2026, 1, 2)  # noqa: DTZ001 - playbooks get times without a zone


def effects_of(source: str, answers: dict[str, Value], **variables: Value) -> tuple[Value, list[Effect]]:
    """Render until every effect is answered by kind; the result and what was asked, in order."""
    known: dict[Effect, Value] = {}
    asked: list[Effect] = []
    for _ in range(10):
        scope = Scope(TEMPLAR, [("vars", variables)], KnownEffects(dict(known)))
        try:
            return TEMPLAR.render(Template(source), scope), asked
        except NeedEffect as need:
            asked.append(need.effect)
            known[need.effect] = answers[need.effect.kind]
    raise AssertionError(asked)


@pytest.mark.parametrize(("source", "answer", "value", "effect"), [
    ("{{ lookup('env', 'HOME') }}", ["/root"], "/root", Effect("env", ("HOME",))),
    ("{{ lookup('ansible.builtin.env', 'X', default='d') }}", [None], "d", Effect("env", ("X",))),
    ("{{ lookup('env', 'X', default=undef()) }}", ["set"], "set", Effect("env", ("X",))),
    ("{{ lookup('env', 'X', 'Y') }}", ["x", None], "x,", Effect("env", ("X", "Y"))),
    ("{{ lookup('fileglob', '*.none') }}", [], [], Effect("fileglob", ("*.none",))),
    ("{{ lookup('file', 'a', 'b') }}", ["1", "2"], "1,2", Effect("file", ("a", "b"))),
    ("{{ query('pipe', cmd) }}", ["{{ 1 }}"], ["{{ 1 }}"],
     Effect("pipe", ("echo",), (("at", "{{ query('pipe', cmd) }}#1"),))),
    ("{{ lookup('template', 't.j2') }}", [{"path": "t.j2", "source": "<{{ cmd }}>\n", "decrypted": False}],
     "<echo>\n", Effect("template", ("t.j2",))),
    ("{{ lookup('template', 't.j2') }}", [{"path": "t.j2", "source": "<{{ cmd }}>\n", "decrypted": True}],
     Secret("<echo>\n"), Effect("template", ("t.j2",))),
    ("{{ q('first_found', ['a', 'b']) }}", ["/a"], ["/a"], Effect("first_found", ("a", "b"))),
    ("{{ lookup('password', '/dev/null') }}", [Secret("s")], Secret("s"),
     Effect("password", ("/dev/null",), (("at", "{{ lookup('password', '/dev/null') }}#1"),))),
    ("{{ now(fmt='%Y') }}", MOMENT, "2026", Effect("now", (False,))),
    ("{{ '%d' | strftime }}", MOMENT, "02", Effect("now", (False,))),
    ("{{ 60 | random(seed=cmd) }}", 16, 16, Effect("random", (0, 60, 1), (("seed", "echo"),))),
    ("{{ ['a', 'b'] | random(seed=1) }}", 1, "b", Effect("random", (0, 2, 1), (("seed", 1),))),
    ("{{ ['a', 'b'] | shuffle(seed=1) }}", [1, 0], ["b", "a"], Effect("shuffle", (2,), (("seed", 1),))),
    ("{{ '/etc' is directory }}", True, True, Effect("stat", ("directory", "/etc"))),
])
def test_an_effect_is_asked_for_and_its_answer_is_data(source: str, answer: Value, value: Value,
                                                      effect: Effect) -> None:
    result, asked = effects_of(source, {effect.kind: answer}, cmd="echo")
    assert result == value
    assert asked == [effect]


def test_draws_without_a_seed_are_told_apart() -> None:
    _, asked = effects_of("{{ 9 | random }}{{ 9 | random }}", {"random": 4})
    assert len(set(asked)) == 2


def test_a_failed_lookup_is_an_error_unless_it_says_otherwise() -> None:
    failure: dict[str, Value] = {"file": EffectFailure("a was not found")}
    with pytest.raises(TemplateError, match="a was not found"):
        effects_of("{{ lookup('file', 'a') }}", failure)
    assert effects_of("{{ lookup('file', 'a', errors='ignore') }}", failure)[0] is None
    assert effects_of("{{ query('file', 'a', errors='ignore') }}", failure)[0] == []


@pytest.mark.parametrize(("default", "words"), [
    ("undef()", "environment variable 'X' is not set"), ("undef('say who you are')", "say who you are"),
])
def test_an_environment_without_a_variable_may_be_an_error(default: str, words: str) -> None:
    with pytest.raises(TemplateError, match=words):
        effects_of(f"{{{{ lookup('env', 'X', default={default}) }}}}", {"env": [None]})


def test_a_term_not_known_yet_asks_nothing() -> None:
    assert effects_of("{{ lookup('pipe', u) }}", {}, u=Unknown("x")) == (Unknown("x"), [])


def test_effects_are_equal_by_what_they_ask() -> None:
    assert Effect("pipe", ([1, {"a": Secret("x")}],)) == Effect("pipe", ([1, {"a": Secret("x")}],))
    assert Effect("pipe", (Secret("x"),)) != Effect("pipe", (Secret("y"),))
    assert Effect("env", (1,)) != Effect("env", (True,))
    assert Effect("pipe").changes_world
    assert not Effect("env").changes_world


@pytest.mark.parametrize(("source", "value"), [
    ("{{ query('items', [1, [2, [3]]], 4) }}", [1, [2, [3]], 4]),
    ("{{ query('flattened', [1, [2, [3]]]) }}", [1, 2, 3]),
    ("{{ lookup('dict', {'a': 1}) }}", {"key": "a", "value": 1}),
    ("{{ query('nested', [1, 2], ['a']) }}", [[1, "a"], [2, "a"]]),
    ("{{ query('together', [1, 2], [3]) }}", [[1, 3], [2, None]]),
    ("{{ query('indexed_items', ['a', 'b']) }}", [[0, "a"], [1, "b"]]),
    ("{{ query('sequence', 'start=1 end=3') }}", ["1", "2", "3"]),
    ("{{ query('subelements', users, 'of.keys') }}", [[{"of": {"n": 1}}, 1], [{"of": {"n": 1}}, 2]]),
    ("{{ lookup('vars', 'a_x') }}", 1),
    ("{{ lookup('vars', 'nope', default='d') }}", "d"),
    ("{{ query('varnames', '^a_') }}", ["a_x", "a_y"]),
    ("{{ query('inventory_hostnames', 'web:&prod') }}", ["b"]),
    ("{{ query('inventory_hostnames', 'db*') }}", ["db1", "db2"]),
    ("{{ query('inventory_hostnames', '~db[13]', 'a') }}", ["db1", "a"]),
])
def test_pure_lookups_ask_nothing(source: str, value: Value) -> None:
    users = [{"of": {"keys": [1, 2], "n": 1}}]
    groups = {"all": ["a", "b", "db1", "db2"], "web": ["a", "b"], "prod": ["b", "db1"]}
    assert effects_of(source, {}, a_x=1, a_y=Template("{{ a_x }}"), users=users, groups=groups) == (value, [])


@pytest.mark.parametrize(("source", "words"), [
    ("lookup('vars', 1)", "must be 'str' not 'int'"),
    ("lookup('vars', 'user')", "No variable named 'user' was found"),
    ("query('varnames', '*')", "Unable to use '\\*' as a search parameter"),
    ("query('varnames', 1)", "is not a string"),
    ("query('together')", "at least one element"),
    ("query('sequence', 'count=1 stop=3')", "unrecognized arguments to with_sequence: stop"),
    ("query('sequence', 'start=3 end=1')", "to count backwards make stride negative"),
    ("query('sequence', 'start=1 end=3 stride=-1')", "to count forward don't make stride negative"),
    ("query('sequence', 'count=2 end=3')", "can't specify both count and end"),
    ("query('sequence', 'start=1')", "must specify count or end"),
    ("query('sequence', 'count=x')", "`count` of `sequence` has an invalid value"),
    ("query('sequence', 'count=2 format=d')", "bad formatting string: d"),
    ("query('sequence', 'count=2 format=%y')", "bad formatting string: %y"),
    ("query('subelements', users)", "two or three terms"),
    ("query('subelements', 1, 'of')", "first a dict or a list"),
    ("query('subelements', users, ['of'])", "second a string"),
    ("query('subelements', users, 'of', 'skip')", "third item must be a dict"),
    ("query('subelements', users, 'of.n')", "the key of.n should point to a list"),
    ("query('subelements', users, 'of.keys.none')", "should point to a dictionary"),
    ("query('subelements', users, 'none')", "could not find 'none' key in iterated item"),
])
def test_terms_that_make_no_sense_are_told(source: str, words: str) -> None:
    with pytest.raises(TemplateError, match=words):
        effects_of(f"{{{{ {source} }}}}", {}, users=[{"of": {"keys": [1, 2], "n": 1}}])


@pytest.mark.parametrize("path", ["none", "of.none", "of.n.none"])
def test_items_without_the_list_may_be_left_out(path: str) -> None:
    users = [{"of": {"keys": [1, 2], "n": 1}}, {"skipped": True}]
    assert effects_of(f"{{{{ query('subelements', users, '{path}', skip_missing=true) }}}}", {}, users=users)[0] == []


@pytest.mark.parametrize(("name", "terms", "items"), [
    ("items", [1, [2, [3]]], [1, 2, [3]]), ("list", [1, [2]], [1, [2]]), ("dict", {"a": 1}, [{"key": "a", "value": 1}]),
    ("nested", [[1, 2], [3]], [[1, 3], [2, 3]]), ("items", "a", ["a"]), ("flattened", [[1], [[2]]], [1, 2]),
    ("community.general.flattened", [[1], [[2]]], [1, 2]), ("sequence", "count=2", ["1", "2"]),
])
def test_with_lookup_gives_the_items_of_a_loop(name: str, terms: Value, items: list[Value]) -> None:
    assert TEMPLAR.lookup(name, terms, Scope(TEMPLAR, [])) == items


@pytest.mark.parametrize(("value", "variables", "dynamic", "effects"), [
    (Template("{{ a + b.c | default(d) }}{% for x in e %}{{ x }}{% endfor %}"), "a b d e", False, ""),
    (Condition("a is defined and b in c"), "a b c", False, ""),
    (Template("{{ vars['a'] ~ vars.b }}"), "a b", False, ""),
    (Template("{{ vars[a] }}"), "a vars", True, ""),
    (Template("{{ hostvars[a].b }}"), "a hostvars", True, ""),
    (Template("{{ lookup('vars', 'a') }}"), "a", False, ""),
    (Template("{{ lookup('vars', a) }}"), "a", True, ""),
    (Template("{{ lookup('env', a) }}"), "a", False, "env"),
    (Template("{{ q(a) }}"), "a", True, "lookup"),
    (Template("{{ lookup('template', 'x') }}"), "", True, "template"),
    (Template("{{ query('varnames', 'x') }}"), "", True, ""),
    (Template("{{ now() }}{{ a | random }}{{ [1] | map('random') }}"), "a", False, "now random"),
    (Template("{{ a is exists }}"), "a", False, "stat"),
    (Template("{{ (a }}"), "", False, ""),
])
def test_names_tell_what_a_template_mentions(value: Value, variables: str, dynamic: bool, effects: str) -> None:
    names = TEMPLAR.names(value)
    assert names.variables == frozenset(variables.split())
    assert names.dynamic is dynamic
    assert names.effects == frozenset(effects.split())


@pytest.mark.parametrize("lookup", ["pipe", "lines", "password", "random_choice"])
def test_what_differs_from_call_to_call_is_asked_for_at_each_place(lookup: str) -> None:
    _, asked = effects_of(f"{{{{ lookup('{lookup}', 'x') }}}} {{{{ lookup('{lookup}', 'x') }}}}", {lookup: ["a"]})
    assert len(asked) == 2
