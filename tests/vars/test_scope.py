"""Variables are looked up through layers, rendered when used and once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.diag import UndefinedVariable
from provisioner.template.effects import Effect, KnownEffects, NeedEffect
from provisioner.template.templar import Templar
from provisioner.values import Condition, Secret, Template, Unknown
from provisioner.vars.explain import explain
from provisioner.vars.scope import Layer, Scope, reads

TEMPLAR = Templar()


def scope(*layers: Layer) -> Scope:
    return Scope(TEMPLAR, layers)


def test_the_first_layer_that_has_a_name_wins_and_explain_tells_all() -> None:
    both = scope(("task vars", {"a": 1}), ("play vars", {"a": Template("{{ b }}"), "b": 2}))
    assert (both.get("a"), both.raw("b")) == (1, 2)
    assert both.names() == {"a", "b"}
    assert explain(both, "a") == [("task vars", 1), ("play vars", Template("{{ b }}"))]
    with pytest.raises(KeyError):
        both.get("c")
    assert "b" in both
    assert "c" not in both


def test_dictionaries_are_joined_with_those_of_lower_layers_where_that_is_asked_for() -> None:
    layers: list[Layer] = [
        ("loop", {"item": {"a": 1}}), ("play vars", {"d": {"x": {"hi": Template("{{ n }}")}}, "t": {"a": 1}}),
        ("b", {"d": {"x": {"low": 1}, "y": 2}, "t": "text", "n": 5, "item": {"b": 2}}), ("a", {"t": {"z": 0}})]
    merging = Scope(TEMPLAR, layers, merge=True)
    assert merging.get("d") == {"x": {"hi": 5, "low": 1}, "y": 2}
    assert (merging.get("t"), merging.get("item")) == ({"a": 1}, {"a": 1})
    assert merging.with_layer("loop", {"d": {"only": 1}}).get("d") == {"only": 1}
    assert Scope(TEMPLAR, layers).get("d") == {"x": {"hi": 5}}


def test_a_new_layer_wins_and_is_seen_by_variables_that_refer_to_it() -> None:
    low = scope(("vars", {"url": Template("http://{{ host }}"), "host": "a"}))
    assert low.get("url") == "http://a"
    assert low.with_layer("loop", {"host": "b"}).get("url") == "http://b"
    assert low.get("url") == "http://a"


def test_get_gives_plain_data() -> None:
    given = scope(("vars", {"app": {"port": Template("{{ p }}"), "pw": Secret("s")}, "p": 1, "u": Unknown("x"),
                            "bad": [Template("{{ nope }}")]}))
    app = given.get("app")
    assert app == {"port": 1, "pw": Secret("s")}
    assert type(app) is dict
    assert given.get("u") == Unknown("x")
    with pytest.raises(UndefinedVariable, match="nope"):
        given.get("bad")


def test_a_variable_is_rendered_once_a_scope() -> None:
    asked: list[Effect] = []

    class Counting:
        def ask(self, effect: Effect) -> list[str]:
            asked.append(effect)
            return ["x"]

    counted = Scope(TEMPLAR, [("vars", {"a": Template("{{ lookup('env', 'A') }}")})], Counting())
    assert TEMPLAR.render(Template("{{ a }}{{ a }}"), counted) == "xx"
    assert len(asked) == 1


def test_an_effect_inside_a_variable_is_asked_for_and_leaves_no_trace() -> None:
    asking = scope(("vars", {"a": Template("{{ lookup('env', 'A') }}"), "b": Template("<{{ a }}>")}))
    with pytest.raises(NeedEffect) as need:
        asking.get("b")
    assert asking.busy == []
    assert asking.with_effects(KnownEffects({need.value.effect: ["1"]})).get("b") == "<1>"


def test_what_a_value_reads_is_closed_over_variables() -> None:
    given = scope(("task vars", {"a": Template("{{ b }}")}),
                  ("play vars", {"b": {"x": [Template("{{ c | default(d) }}")]}, "c": Template("{{ a }}"), "e": 1}))
    assert reads({"k": [Template("{{ a }}"), Condition("r.rc == 0")]}, given).variables == set("abcdr")
    assert reads("plain {{ a }}", given).variables == set()
    assert reads([1, {"a": None}], given).variables == set()


def test_reads_tells_of_effects_and_of_what_may_read_anything() -> None:
    given = scope(("vars", {"a": Template("{{ hostvars.x.y }}"), "b": Template("{{ lookup('pipe', c) }}"), "c": 1}))
    assert reads(Template("{{ a }}"), given).dynamic
    found = reads(Template("{{ b }}"), given)
    assert not found.dynamic
    assert found.variables == {"b", "c"}
    assert found.effects == {"pipe"}


def test_a_variable_that_shadows_another_is_read_instead() -> None:
    low = scope(("vars", {"a": Template("{{ b }}")}))
    assert reads(Template("{{ a }}"), low.with_layer("loop", {"a": Template("{{ c }}")})).variables == {"a", "c"}


LEAVES = st.text() | st.just("{{ x }}{% raw %}") | st.integers()
DATA = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner,
                                                                                       max_size=3), max_leaves=8)


@given(st.dictionaries(st.sampled_from("abc"), DATA), st.sampled_from(["facts", "vars", "-e", "registered"]))
def test_data_of_any_layer_comes_back_as_it_is(variables: dict[str, object], label: str) -> None:
    given = scope((label, variables))
    for name, value in variables.items():
        assert given.get(name) == value
        assert TEMPLAR.render(Template(f"{{{{ {name} }}}}"), given) == value
