import json
import math

from hypothesis import given
from hypothesis import strategies as st

from provisioner.remote.plain import plain

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.binary(), inner),
    max_leaves=10,
)


@given(ANYTHING)
def test_any_data_becomes_json_that_is_valid_utf8(value: object) -> None:
    text = json.dumps(plain(value), allow_nan=False)
    assert json.loads(text.encode("utf-8").decode("utf-8")) == plain(value)


def test_bytes_surrogates_and_numbers_without_a_word_in_json_are_written_out() -> None:
    assert plain(b"a\xff") == "a\\xff"
    assert plain("caf\udce9") == "caf\\xe9"
    assert plain("\ud800") == "\\ud800"
    assert plain(math.nan) == "nan"
    assert plain(-math.inf) == "-inf"


def test_a_structure_without_end_is_cut() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert "(too deep)" in json.dumps(plain(endless))


def test_sets_are_lists_in_a_steady_order_and_strangers_their_repr() -> None:
    assert plain({"b", "a"}) == ["a", "b"]
    assert plain(object).startswith("<class")
