"""Arguments in one line."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.lang.freeform import UnbalancedError, split_arguments, split_raw, split_words

OPTIONS = frozenset({"chdir", "creates"})


@pytest.mark.parametrize(("text", "arguments", "others"), [
    ("src=a dest=b", {"src": "a", "dest": "b"}, []),
    ("dest='/a b' x=\"c d\"", {"dest": "/a b", "x": "c d"}, []),
    ("msg={{ a | default('x y') }} b=1", {"msg": "{{ a | default('x y') }}", "b": "1"}, []),
    ("msg=\"{{ a['k'] }} z\"", {"msg": "{{ a['k'] }} z"}, []),
    ("path={{ a }}/{{ b }}/c", {"path": "{{ a }}/{{ b }}/c"}, []),
    ("{% if a == 1 %}x=1{% endif %}", {}, ["{% if a == 1 %}x=1{% endif %}"]),
    ("a=", {"a": ""}, []),
    ("line='a=b c=d'", {"line": "a=b c=d"}, []),
    ("foo a=1", {"a": "1"}, ["foo"]),
    ("a=b=c", {"a": "b=c"}, []),
    ("", {}, []),
    (r'content="{{ a }}\n"', {"content": "{{ a }}\n"}, []),
    (r"line='a\tb\\c\x41\u00e9' b=\1", {"line": "a\tb\\cAé", "b": r"\1"}, []),
    (r"regexp='^\s+\.' b=\d", {"regexp": r"^\s+\.", "b": r"\d"}, []),
    (r'line="say \"yes\" twice"', {"line": 'say "yes" twice'}, []),
    (r"line=\N{BULLET} c=\N{none} d=\U99999999", {"line": "•", "c": r"\N{none}", "d": r"\U99999999"}, []),
    (r"not\tone a=1", {"a": "1"}, [r"not\tone"]),
])
def test_words_are_arguments(text: str, arguments: dict[str, str], others: list[str]) -> None:
    assert split_arguments(text) == (arguments, others)


@pytest.mark.parametrize(("text", "rest", "taken"), [
    ("echo hi", "echo hi", {}),
    ("make install chdir=/src creates='/a b'", "make install", {"chdir": "/src", "creates": "/a b"}),
    ("chdir=/src make", "make", {"chdir": "/src"}),
    ("FOO=1 make a=b", "FOO=1 make a=b", {}),
    ("echo 'chdir=/x'", "echo 'chdir=/x'", {}),
    ("echo   'a  b'  \"c\"", "echo   'a  b'  \"c\"", {}),
    ("cat <<EOF\nit's\nEOF", "cat <<EOF\nit's\nEOF", {}),
    ("a\nb creates={{ x }}", "a\nb", {"creates": "{{ x }}"}),
    (r"printf 'a\n' chdir='/a\tb'", r"printf 'a\n'", {"chdir": "/a\tb"}),
    ("echo a \\\n  b\n", "echo a  b\n", {}),
    ("a \\\n\\\nb", "a b", {}),
    ("echo 'a \\\n b'\n", "echo 'a \\\n b'\n", {}),
    ("cat <<E\n  a\nE\n", "cat <<E\n  a\nE\n", {}),
    ("chdir=/a\ncreates=/b\necho x\n", "echo x\n", {"chdir": "/a", "creates": "/b"}),
])
def test_a_command_keeps_its_text(text: str, rest: str, taken: dict[str, str]) -> None:
    assert split_raw(text, OPTIONS) == (rest, taken)


@pytest.mark.parametrize("text", ["a='b", "a={{ b", 'x="'])
def test_something_never_closed_is_refused(text: str) -> None:
    with pytest.raises(UnbalancedError):
        split_words(text)


@given(st.text(alphabet="ab ='\"{}%#\\\n", max_size=30))
def test_words_cover_all_but_spaces(text: str) -> None:
    try:
        words = split_words(text)
    except UnbalancedError:
        return
    covered = "".join(text[start:end] for _, start, end in words)
    assert covered == "".join(word for word, _, _ in words)
    for (_, _, end), (_, start, _) in pairwise(words):
        assert text[end:start].isspace()
