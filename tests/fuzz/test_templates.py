"""Whatever a template or a condition is, rendering gives a value, asks for an effect, or tells a mistake."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from provisioner.template.effects import NeedEffect
from provisioner.template.filters import FILTERS
from provisioner.template.marks import UnknownSignal
from provisioner.template.templar import Templar
from provisioner.template.tests import TESTS
from provisioner.values import Condition, Secret, Template, Unknown
from provisioner.vars.scope import Scope
from tests.fuzz.cases import counted, only_own_errors
from tests.fuzz.texts import words

SLOW = {"password_hash", "product", "permutations", "combinations", "vault", "unvault"}
"""Filters that may compute for long, as asked."""
FILTER_NAMES = sorted(name for name in FILTERS if "." not in name and name not in SLOW)
TEST_NAMES = sorted(name for name in TESTS if "." not in name)
VALUES: dict[str, Any] = {
    "text": "a b/c.d", "number": 3, "real": 1.5, "yes": True, "nothing": None, "items": [1, "b", [2]],
    "table": {"a": 1, "items": {"b": [1, 2]}}, "secret": Secret("s3cret"), "later": Unknown("not applied yet"),
    "lazy": Template("{{ text | upper }}"), "wrong": Template("{{ missing.name }}"), "around": Template("{{ around }}"),
}  # fmt: skip
NAMES = [*VALUES, "missing", "omit", "vars", "hostvars", "lookup", "query", "range", "dict", "namespace",
         "cycler", "joiner", "lipsum", "undef", "now", "self", "loop", "super", "caller", "varargs"]
WORDS = [f" {word} " for word in ["{{", "}}", "{%", "%}", "{#", "#}", "{%-", "-%}", "if", "for", "else",
         "elif", "endif", "endfor", "set", "macro", "endmacro", "call", "filter", "raw", "endraw", "block",
         "include", "extends", "do", "|", "is", "not", "and", "or", "in"]]
SIGNS = [*WORDS, "(", ")", "[", "]", "{", "}", ".", ",", ":", "=", "==", "<", "+", "-", "*", "/", "//",
         "%", "~", "'", '"', "'a'", "1", "0", "-1", "''", "[]", "{}", "none", "true", "\\", "__class__", "\n",
         "for x in ", "set x = ", "#jinja2: a:b\n"]  # fmt: skip


def _quoted(value: Any) -> str:
    return repr(value)


LITERALS = st.one_of(
    st.integers(-3, 3), st.booleans(), st.none(), st.text("ab .*?[(\\%{}/:é\n", max_size=4),
    st.sampled_from(["%Y", "10.0.0.1/8", "a=b", "{{ text }}", "1.2.3", "fd00::1", "$6$x", "~", "2024-02-30"]),
    st.lists(st.integers(0, 2), max_size=2), st.dictionaries(st.sampled_from("ab"), st.integers(0, 2), max_size=2),
).map(_quoted)  # fmt: skip
OPERATORS = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", ">=", " in ", " not in ", " and ", " or "]

OPTIONS = ["default", "attribute", "case_sensitive", "keys", "recursive", "name", "start", "indent",
         "wantlist", "errors"]
ATTRIBUTES = ["a", "items", "b", "__class__", "keys()", "format(1)", "split()"]
LOOKUPS = ["vars", "env", "file", "dict", "items", "sequence", "pipe", "nope", "first_found", "varnames"]


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    named = st.tuples(st.sampled_from(OPTIONS), inner).map("=".join)
    arguments = st.lists(inner | named, max_size=2).map(", ".join)
    return st.one_of(
        st.tuples(inner, st.sampled_from(FILTER_NAMES), arguments).map(lambda of: f"({of[0]}) | {of[1]}({of[2]})"),
        st.tuples(inner, st.sampled_from(FILTER_NAMES)).map(" | ".join),
        st.tuples(inner, st.sampled_from(TEST_NAMES), arguments).map(lambda of: f"({of[0]}) is {of[1]}({of[2]})"),
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map("".join),
        st.tuples(inner, st.sampled_from(ATTRIBUTES)).map(".".join),
        st.tuples(inner, inner).map(lambda of: f"{of[0]}[{of[1]}]"),
        st.tuples(inner, inner, inner).map(lambda of: f"({of[0]} if {of[1]} else {of[2]})"),
        st.tuples(st.sampled_from(["lookup", "query", "q"]), st.sampled_from(LOOKUPS), arguments)
        .map(lambda of: f"{of[0]}('{of[1]}', {of[2]})"),
        st.lists(inner, max_size=2).map(lambda of: f"[{', '.join(of)}]"),
    )


EXPRESSIONS = st.recursive(LITERALS | st.sampled_from(NAMES), _larger, max_leaves=5)


def scope() -> Scope:
    return Scope(Templar(), [("play vars", VALUES)])


def rendered(text: str) -> None:
    around = scope()
    try:
        around.templar.render(Template(text), around)
        around.templar.render_text(text, around)
    except (NeedEffect, UnknownSignal):
        return


@counted
def test_any_expression_renders_or_tells_its_mistake(cases: int) -> None:
    only_own_errors(cases, EXPRESSIONS.map(lambda text: f"{{{{ {text} }}}}"), rendered)


@counted
def test_any_words_as_a_template(cases: int) -> None:
    only_own_errors(cases, words(SIGNS, NAMES, FILTER_NAMES, TEST_NAMES), rendered)


@counted
def test_any_expression_as_a_condition(cases: int) -> None:
    def decide(text: str) -> None:
        around = scope()
        try:
            around.templar.condition(Condition(text), around)
        except (NeedEffect, UnknownSignal):
            return

    only_own_errors(cases, EXPRESSIONS | words(SIGNS, NAMES, TEST_NAMES), decide)
