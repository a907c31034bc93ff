"""INI inventories."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioner.diag import Collector, InputError, Span
from provisioner.inventory.builder import Builder
from provisioner.inventory.ini import parse_ini, read_value, split_port
from provisioner.values import HostName, Template, Trusted
from tests.inventory.conftest import Files


def test_groups_children_and_variables(files: Files) -> None:
    inventory = files.ini("""
        lone ansible_host=10.0.0.1   # a comment
        ; another
        [web]
        w[1:2] ansible_user=root motd='hello world'
        [db]
        db1:2222
        [::1]:2200
        [prod:children]
        web
        db   # with a comment
        [prod:vars]
        region = fra1
        greeting = "{{ motd }}"
        [all:vars]
        x=1
    """)
    assert inventory.groups["prod"] == ["w1", "w2", "db1", "::1"]
    assert inventory.groups["ungrouped"] == ["lone"]
    assert inventory.groups["all"] == ["lone", "w1", "w2", "db1", "::1"]
    assert dict(inventory.host_table[HostName("w1")]) == {"ansible_user": "root", "motd": "hello world"}
    assert inventory.host_table[HostName("db1")] == {"ansible_port": 2222}
    assert inventory.host_table[HostName("::1")] == {"ansible_port": 2200}
    assert inventory.group_table["prod"].vars["region"] == "fra1"
    assert inventory.group_table["prod"].vars["greeting"].source == "{{ motd }}"
    assert inventory.group_table["all"].vars == {"x": 1}


#: Text on a host line or in [x:vars] → value, as ansible-core 2.19 reads it.
VALUES: dict[str, Any] = {
    "8080": 8080, "08": "08", "0644": "0644", "1.5": 1.5, "True": True, "False": False, "FALSE": "FALSE",
    "true": "true",
    "yes": "yes", "None": None, "['a', 1]": ["a", 1], "{'a': [1]}": {"a": [1]}, "1,2": [1, 2], "'quoted'": "quoted",
    '"8080"': "8080", "a b # c": "a b # c", "": "", "{1, 2}": "{1, 2}", "b'x'": "b'x'", "1j": "1j", "/a\\d": "/a\\d",
    "(" * 500: "(" * 500, "x" * 30_000: "x" * 30_000, "-5": -5, "[": "[",
}


@pytest.mark.parametrize("text", VALUES)
def test_values_are_python_literals_or_text(text: str) -> None:
    value = read_value(text, Span("f", 1))
    assert value == VALUES[text]
    assert type(value) is (Trusted if isinstance(VALUES[text], str) else type(VALUES[text]))


def test_braces_in_values_make_templates_also_inside_lists() -> None:
    assert read_value("['{{ a }}', 1]", Span("f", 1)) == [Template("{{ a }}", Span("f", 1)), 1]


@pytest.mark.parametrize(("name", "host", "port"), [
    ("h:22", "h", 22), ("h", "h", None), ("::1", "::1", None), ("[::1]:22", "::1", 22), ("h[1:3]", "h[1:3]", None),
    ("h[1:3]:22", "h[1:3]", 22), ("h:99999", "h:99999", None), ("fe80::1:22", "fe80::1:22", None),
])
def test_a_port_behind_the_name_is_taken_off(name: str, host: str, port: int | None) -> None:
    assert split_port(name) == (host, port)


#: A wrong file → (line, words) of each mistake.
WRONG: dict[str, list[tuple[int, str]]] = {
    "[web\nh\n": [(1, "closed with ]")],
    "[web:chidren]\ndb\n": [(1, "did you mean `children`")],
    "h a b=1\n": [(1, "`a` is not `name=value`")],
    "h a='x\n": [(1, "close the quote")],
    "h x={{ y }}\n": [(1, "quote a value"), (1, "quote a value")],
    "[web:vars]\nfoo\nbar=1\n[web]\nh\n": [(2, "`foo` is not `name=value`")],
    "[weeb:vars]\na=1\n[web]\nh\n": [(1, "did you mean `web`")],
    "[prod:children]\nnope\n": [(2, "add a section [nope]")],
    "[a:children]\nb\n[b:children]\nc\n[c:children]\na\n": [(6, "a → b → c → a")],
    "[a:children]\na\n": [(2, "a → a")],
    "[a:children]\nall\n": [(2, "`all` holds every group")],
    "h[1:1000000000]\n": [(1, "1000000000 hosts")],
    "-oProxyCommand=x\n": [(1, "does not start with -")],
    "[a b]\nh\n": [(1, "Wrong section")],
}


@pytest.mark.parametrize("text", WRONG)
def test_y20_y21_each_mistake_is_told_where_it_is(text: str, files: Files) -> None:
    found = files.mistakes("hosts.ini", text)
    assert [item.span.line for item in found if item.span] == [line for line, _ in WRONG[text]]
    for item, (_, words) in zip(found, WRONG[text], strict=True):
        assert words in str(item)


_PIECES = st.sampled_from(["[web]", "[web:vars]", "[a:children]", "\n", "h", " ", "a=1", "[1:3]", "'", '"', "#", ":",
                           "=", "[", "]", "{{ x }}", "{", "(", "\\", "web", "a", "\x00", "\t", "é", "-"])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.text(max_size=60), st.lists(_PIECES, max_size=25).map("".join)))
def test_y24_only_our_errors_come_out_of_any_text(text: str) -> None:
    builder = Builder(Collector())
    parse_ini(text, "f", builder)
    with suppress(InputError):
        inventory = builder.finish(("f",))
        for host in inventory.groups["all"]:
            inventory.host_layers(host)
