"""YAML as Ansible reads it, and hostile YAML refused."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.diag import Collector, Diagnostic, InputError, Span, VaultError
from provisioner.lang import yaml
from provisioner.lang.nodes import Map, Scalar, Seq
from provisioner.lang.source import Source
from provisioner.lang.yaml import load_data, load_source, parse, to_template
from provisioner.values import Secret, Template, Trusted, Vaulted

#: Plain scalars whose reading surprises people, and what they are.
SCALARS: dict[str, Any] = {
    "no": False, "on": True, "Yes": True, "off": False, "y": "y", "0644": 420, "0o644": "0o644", "644": 644,
    "0999": "0999", "22:22": 1342, "1.10": 1.1, "1e3": "1e3", "1.5e+3": 1500.0, "0x1f": 31, "1_000": 1000,
    "~": None, "": None, "null": None, "2024-01-01": "2024-01-01", "2024-01-01 10:00:00": "2024-01-01 10:00:00",
    "0b_": "0b_", ".inf": float("inf"), "=": "=", "'no'": "no", '"0644"': "0644", "!!str 5": "5", "!!int '7'": 7,
    "!!bool 'yes'": True, "!!null ''": None, "!!float '1'": 1.0,
}


@pytest.mark.parametrize(("text", "value"), SCALARS.items())
def test_scalars_are_read_by_yaml_1_1(text: str, value: Any) -> None:
    result = load_data(f"key: {text}\n", "f.yml")["key"]
    assert result == value
    assert type(result) is (Trusted if isinstance(value, str) else type(value))


def test_on_as_a_key_is_a_boolean() -> None:
    assert load_data("on: 1\n", "f.yml") == {True: 1}


def test_every_key_and_value_knows_its_place() -> None:
    node = parse("a: 1\nb:\n  - x\n  - ä: yes\n", "f.yml", Collector())
    assert isinstance(node, Map)
    (_, one), (_, items) = node.entries
    assert (one.span, items.span) == (Span("f.yml", 1, 4), Span("f.yml", 3, 3))
    assert isinstance(items, Seq)
    inner = items.items[1]
    assert isinstance(inner, Map)
    key, value = inner.entries[0]
    assert (key.span, value.span) == (Span("f.yml", 4, 5), Span("f.yml", 4, 8))


def test_strings_with_braces_become_templates_where_they_stand() -> None:
    data = load_data("a: '{{ x }}'\nb: ['{% if x %}1{% endif %}', '{# c #}', '{ x }']\n", "f.yml")
    assert data["a"] == Template("{{ x }}", Span("f.yml", 1, 4))
    assert [type(item) for item in data["b"]] == [Template, Template, Trusted]


def test_unsafe_text_never_becomes_a_template_at_any_depth() -> None:
    data = load_data("a: !unsafe '{{ x }}'\nb: !unsafe [{c: '{{ x }}'}]\nd: '{{ x }}'\n", "f.yml")
    assert data["a"] == "{{ x }}"
    assert data["b"] == [{"c": "{{ x }}"}]
    assert isinstance(data["d"], Template)


def test_unsafe_text_is_not_trusted() -> None:
    data = load_data("a: !unsafe 1 == 1\nb: 1 == 1\nc: !unsafe [{d: x}]\n", "f.yml")
    assert [type(text) for text in (data["a"], data["b"], data["c"][0]["d"])] == [str, Trusted, str]


def test_to_template_reaches_every_depth() -> None:
    assert to_template({"a": ["{{ x }}", "y"], "b": 1}) == {"a": [Template("{{ x }}"), "y"], "b": 1}


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "--- # nothing\n...\n", "\ufeff"])
def test_an_empty_file_is_nothing(text: str) -> None:
    assert load_data(text, "f.yml") is None


def test_merge_keys_give_way_to_own_keys() -> None:
    data = load_data("a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 3}\n", "f.yml")
    assert data["c"] == {"x": 3, "y": 1, "z": 2}


def test_an_alias_stands_for_its_anchor() -> None:
    assert load_data("a: &a [1, 2]\nb: *a\n", "f.yml")["b"] == [1, 2]


def test_y5_a_duplicate_key_is_a_warning_that_names_both_places() -> None:
    found = Collector()
    assert load_data("a: 1\nb: 2\na: 3\n", "f.yml", found) == {"b": 2, "a": 3}
    (warning,) = found.items
    assert (warning.severity, warning.span) == ("warning", Span("f.yml", 3, 1))
    assert warning.related == (("first defined here", Span("f.yml", 1, 1)),)


def refused(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(InputError) as raised:
        load_data(text, "f.yml")
    return raised.value.items


#: What is wrong → text, place, and words that must be in the message.
MISTAKES: dict[str, tuple[str, tuple[int, int], tuple[str, ...]]] = {
    "y4 recursive anchor": ("&x [*x]\n", (1, 5), ("inside its own anchor", "*x")),
    "y6 tab": ("a:\n\tb: 1\n", (2, 1), ("Tab", "column 1", "spaces")),
    "y6 tab after spaces": ("- a:\n  \tb: 1\n", (2, 3), ("Tab", "column 3")),
    "y16 template alone": ("a: {{ x }}\n", (1, 4), ("without quotes", 'quote it: "{{ x }}"')),
    "y16 template with text": ("- a: {{ x }}/b\n", (1, 6), ("without quotes", 'quote it: "{{ x }}/b"')),
    "y16 template in a list": ("a:\n  - {{ x }}\n", (2, 5), ("without quotes", 'quote it: "{{ x }}"')),
    "text after quotes": ('a: "{{ x }}"/b\n', (1, 4), ("after the closing quote", "quote the whole value")),
    "y17 python": ("a: !!python/object/apply:os.system [id]\n", (1, 4), ("python/object", "run Python code")),
    "y17 python scalar": ("a: !!python/name:os.system ''\n", (1, 4), ("python/name",)),
    "vault": ("a: !vault |\n  abc\n", (1, 4), ("!vault", "$ANSIBLE_VAULT;", "encrypt-string")),
    "unknown tag": ("a: !foo 1\n", (1, 4), ("!foo",)),
    "binary": ("a: !!binary aGk=\n", (1, 4), ("!!binary",)),
    "y18 two documents": ("a: 1\n---\nb: 2\n", (2, 1), ("More than one document",)),
    "colon in text": ("a: b: c\n", (1, 5), ("Invalid YAML", "quote the value")),
    "open quote": ("a: 1\nb: 'x\nc: 2\n", (2, 4), ("never closed",)),
    "open bracket": ("a: [1, 2\n", (1, 4), ("never closed",)),
    "wrong indentation": ("a:\n  - b: 1\n   c: 2\n", (3, 4), ("Invalid YAML", "indent")),
    "unknown alias": ("a: *nope\n", (1, 4), ("Unknown alias", "nope")),
    "list as key": ("? [a]\n: 1\n", (1, 3), ("Key is not a text",)),
    "merge of a text": ("a: {<<: x}\n", (1, 5), ("Wrong merge key",)),
    "wrong number": ("a: !!int x\n", (1, 4), ("!!int",)),
    "control character": ("a: 1\nb: \x01\n", (2, 1), ("Invalid YAML", "U+0001")),
    "escape": ('a: "\\d"\n', (1, 5), ("backslash", "single quotes")),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_place_and_a_remedy(name: str) -> None:
    text, place, words = MISTAKES[name]
    item = refused(text)[0]
    assert item.span == Span("f.yml", *place)
    for word in words:
        assert word in str(item)


def test_all_mistakes_that_leave_the_structure_intact_are_told_at_once() -> None:
    items = refused("a: {{ x }}\nb: !!python/none ''\nc: {{ y }}\n")
    assert [item.span.line for item in items if item.span] == [1, 2, 3]


ALIAS_BOMB = "\n".join(["a0: &a0 [x,x,x,x,x,x,x,x,x]"] + [
    f"a{level}: &a{level} [{','.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 10)
])
MERGE_BOMB = "\n".join(["m0: &m0 {k: 1, l: 1, m: 1}"] + [
    f"m{level}: &m{level} {{<<: [{','.join([f'*m{level - 1}'] * 99)}]}}" for level in range(1, 10)
] + [f"n{number}: {{<<: [{','.join(['*m0'] * 200)}]}}" for number in range(400)])


@pytest.mark.parametrize(("text", "summary"), [
    (ALIAS_BOMB, "Too many values"), (MERGE_BOMB, "Too many values"), ("[" * 200_000, "Nested too deeply"),
    ("- " * 200_000, "Nested too deeply"), ("{a: " * 200_000, "Nested too deeply"),
], ids=["y1 aliases", "merge keys", "y3 brackets", "y3 dashes", "y3 braces"])
def test_y1_y3_a_bomb_is_refused_at_once_with_its_line(text: str, summary: str) -> None:
    started = time.perf_counter()
    (item,) = refused(text)
    assert time.perf_counter() - started < 1  # it takes some milliseconds; the old way took for ever
    assert item.summary == summary
    assert item.span is not None


def test_y3_deep_nesting_does_not_kill_the_interpreter() -> None:
    code = ("from provisioner.lang.yaml import load_data\nfrom provisioner.diag import InputError\n"
            "try: load_data('['*200000, 'f')\nexcept InputError: print('refused')")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stdout) == (0, "refused\n")


def test_aliases_of_real_files_are_within_the_limits() -> None:
    text = "base: &base {" + ", ".join(f"k{number}: {number}" for number in range(50)) + "}\n"
    text += "".join(f"app{number}: {{<<: *base, name: n{number}}}\n" for number in range(500))
    assert len(load_data(text, "f.yml")["app499"]) == 51


def test_y12_a_playbook_of_5000_lines_takes_some_tens_of_milliseconds() -> None:
    text = "".join(f"- name: t{n}\n  copy:\n    src: a{n}\n    dest: /etc/{n}\n    mode: '0644'\n" for n in range(1000))
    best = min(_seconds(text) for _ in range(3))
    assert best < 0.6  # 0.045 on a quiet machine; the bound only catches another order of magnitude


def _seconds(text: str) -> float:
    started = time.process_time()
    parse(text, "f.yml", Collector())
    return time.process_time() - started


def test_the_pure_parser_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: &x {b: [1, no, '{{ q }}'], c: !unsafe '{{ q }}'}\nd: *x\ne: 'f'\n"
    expected = load_data(text, "f.yml")
    monkeypatch.setattr(yaml, "_PARSER", pyyaml.SafeLoader)
    assert load_data(text, "f.yml") == expected
    assert refused("a:\n\tb: 1\n")[0].summary == "Tab in the indentation"


_PIECES = st.sampled_from(["a: ", "- ", "  ", "\n", "{", "}", "[", "]", "&x ", "*x", "<<: ", "!!int ", "!unsafe ", "'",
                           '"', "#", "|\n", ">\n", "? ", "---\n", "\t", "{{ x }}", "!vault ", "0x_",
                           "\x00", "\udc80", "é"])


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(_PIECES, max_size=25).map("".join)))
def test_y24_only_our_errors_come_out_of_any_text(text: str) -> None:
    with suppress(InputError):
        load_data(text, "f.yml")


@settings(max_examples=100, deadline=None)
@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4), max_leaves=15))
def test_data_that_was_written_out_is_read_back(data: Any) -> None:
    assert _plain(load_data(pyyaml.safe_dump(data), "f.yml")) == data


def _plain(value: Any) -> Any:
    if isinstance(value, Template):
        return value.source
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def test_a_scalar_keeps_its_text() -> None:
    node = parse("0644", "f.yml", Collector())
    assert isinstance(node, Scalar)
    assert (node.value, node.text) == (420, "0644")


class OpenVault:
    """Opens everything; `asked` is what it was shown."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def decrypt(self, envelope: bytes, span: Span) -> bytes:
        raise NotImplementedError

    def open(self, envelope: str, span: Span) -> Secret:
        self.asked.append(f"{span} {envelope}")
        return Secret("opened")

    def disclose(self, text: str) -> Secret:
        self.asked.append(text)
        return Secret(text)


@pytest.mark.parametrize("tag", ["!vault", "!vault-encrypted"])
def test_a_vaulted_value_is_opened_when_it_is_used_and_not_before(tag: str) -> None:
    vault = OpenVault()
    data = load_source(Source("f.yml", f"a: {tag} |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n"), None, vault)
    assert not vault.asked
    assert isinstance(data["a"], Vaulted)
    assert repr(data["a"]) == str(data["a"]) == "********"
    assert data["a"].open() == Secret("opened")
    assert vault.asked == ["f.yml:1:4 $ANSIBLE_VAULT;1.1;AES256\n6162"]


def test_only_text_can_be_vaulted() -> None:
    assert "a mapping or list cannot be encrypted" in str(refused("a: !vault {b: c}\n")[0])


def test_without_passwords_a_vaulted_value_says_so_when_it_is_used() -> None:
    data = load_data("a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n", "f.yml")
    with pytest.raises(VaultError, match="no vault password was given") as error:
        data["a"].open()
    assert error.value.span == Span("f.yml", 1, 4)


def test_texts_of_an_encrypted_file_are_secret_and_long_numbers_masked() -> None:
    vault = OpenVault()
    text = "a: text\nb: ['{{ a }}', 80, true, null, 1234567]\nc: !unsafe '{{ a }}'\n"
    data = load_source(Source("f.yml", text, vault), None, vault)
    assert vault.asked == ["1234567"]
    assert data["b"] == [Template("{{ a }}", Span("f.yml", 2, 5), secret=True), 80, True, None, 1234567]
    assert (data["a"].open(), data["c"].open()) == (Secret("text"), Secret("{{ a }}"))


def test_mistakes_in_an_encrypted_file_do_not_repeat_it() -> None:
    for text in ("a: {{ hidden }}\n", "a: !!int hidden\n", "a: 'hidden\n"):
        with pytest.raises(InputError) as error:
            load_source(Source("f.yml", text, OpenVault()))
        assert "hidden" not in str(error.value)
        assert "the file is encrypted" in str(error.value)
