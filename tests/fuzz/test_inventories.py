"""Whatever an inventory or a pattern of hosts is, reading it gives hosts or mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import strategies as st

from provisioner.diag import UsageError
from provisioner.inventory.load import load_inventory
from tests.fuzz.cases import counted, only_own_errors
from tests.fuzz.texts import edited, words

INI = """[web]
web[01:03].example.com ansible_port=2222 colour="light blue"
[fd00::1]:2200 x='["a", 1]'
[db]
db-a ansible_host=10.0.0.5
[all_of_them:children]
web
db
[web:vars]
answer=42
text="#no comment" # a comment
"""
YAML = """all:
  children:
    web:
      hosts: {"web[1:3]": {port: 80}, a: null}
      vars: {answer: 42, text: "{{ x }}"}
    db: {hosts: {b: }, children: {replica: {hosts: {c: {}}}}}
"""
TOML = '[web.hosts]\na = {port = 1}\n[web.vars]\nx = [1, "b"]\n[all]\nchildren = ["web"]\n'
NAMES = ["all", "web", "db", "ungrouped", "a", "b", "hosts", "children", "vars", "web[1:3]", "x[a:c]",
         "x[3:1]", "[", "]", "ansible_host", "ansible_port", "plugin", "localhost", "fd00::1", "h:22"]
SIGNS = [*[":", "&", "!", ",", "~", "*", "?", "[0]", "[-1]", "[1:]", "[:", "(", ")", "@", "|", "+", "\\",
         "=", "'", '"', "#", ";", "{{", "}}", "a=1"], " ", "\n"]
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(), st.text(max_size=4),
                   st.sampled_from(NAMES))  # fmt: skip
KEYS = st.sampled_from(NAMES) | st.text(max_size=3)
GROUPS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def read(file: Path, content: str) -> None:
    file.write_text(content, encoding="utf-8")
    inventory = load_inventory([str(file)])
    for host in inventory.hosts("all"):
        inventory.host_layers(host)
        inventory.groups_of(host)


@counted
@pytest.mark.parametrize(("name", "text"), [("hosts", INI), ("hosts.yml", YAML), ("hosts.toml", TOML)])
def test_an_inventory_with_some_wrong_characters(cases: int, name: str, text: str, folder: Path) -> None:
    only_own_errors(cases, edited([text]), lambda content: read(folder / name, content))


@counted
def test_any_words_as_lines_of_an_inventory(cases: int, folder: Path) -> None:
    only_own_errors(cases, words(NAMES, SIGNS), lambda content: read(folder / "hosts", content))


@counted
def test_any_data_as_groups(cases: int, folder: Path) -> None:
    def load(data: Any) -> None:
        read(folder / "hosts.yml", pyyaml.safe_dump(data))

    only_own_errors(cases, GROUPS, load)


@counted
def test_any_words_as_a_pattern_of_hosts(cases: int, folder: Path) -> None:
    (folder / "hosts").write_text(INI)
    inventory = load_inventory([str(folder / "hosts")])
    pattern = words(NAMES, SIGNS)

    def look(given: tuple[str, str]) -> None:
        inventory.unmatched(given[0])
        inventory.check_limit(given[1])
        inventory.hosts(given[0], given[1])

    only_own_errors(cases, st.tuples(pattern, pattern), look)


def test_the_home_of_nobody_is_a_file_that_is_not_there(folder: Path) -> None:
    (folder / "hosts").write_text(INI)
    with pytest.raises(UsageError, match="cannot be read"):
        load_inventory([str(folder / "hosts")]).check_limit("@~nobody-of-this-name/hosts")


@counted
def test_any_words_as_the_list_of_hosts(cases: int) -> None:
    only_own_errors(cases, words(NAMES, SIGNS).filter(lambda text: "\0" not in text and "/" not in text),
                    lambda text: load_inventory([text + ","]))
