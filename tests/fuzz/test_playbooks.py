"""Whatever a playbook holds, loading gives a tree or mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import strategies as st

from provisioner.lang.keywords import KEYWORDS
from provisioner.lang.load import load_playbook
from tests.fuzz.cases import counted, only_own_errors
from tests.fuzz.texts import edited

ROOT = Path(__file__).parents[2]
WRITTEN = [path.read_text() for path in sorted((ROOT / "playbooks").glob("*.yml"))]
KEYS = st.sampled_from([*KEYWORDS, "ping", "debug", "command", "group", "include_tasks", "include_role", "import_role",
                        "import_tasks", "assert", "meta", "with_items", "with_x", "nope", "name", "that", "file",
                        "machines", "ansible.builtin.copy", "nextjs_app", "!unsafe", "<<"])  # fmt: skip
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(), st.text(max_size=5), st.dates(), st.binary(max_size=3),
    st.sampled_from(["all", "a=1 b", "{{ x }}", "a == '{{ b }}'", "{{", "x.yml", "site.yml", "..", "a,b", "30%",
                     "'", "\0", "$ANSIBLE_VAULT;1.1;AES256\n6162", "1h", "~", "a" * 300]))  # fmt: skip
DATA = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=25)
TASKS = st.lists(st.dictionaries(KEYS, DATA, min_size=1, max_size=4), max_size=3)
PLAYS = st.lists(st.fixed_dictionaries(
    {"hosts": st.just("all") | DATA, "tasks": TASKS, "handlers": TASKS | DATA, "roles": TASKS | DATA},
    optional={"vars": DATA, "serial": DATA, "when": DATA, "vars_files": DATA, "tags": DATA, "module_defaults": DATA},
), max_size=2)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "site.yml"


@counted
def test_y24_any_data_is_a_playbook_or_a_list_of_mistakes(cases: int, file: Path) -> None:
    def load(data: Any) -> None:
        file.write_text(pyyaml.safe_dump(data), encoding="utf-8")
        load_playbook(file)

    only_own_errors(cases, PLAYS, load)


@counted
def test_a_playbook_with_some_wrong_characters_is_one_or_a_list_of_mistakes(cases: int, file: Path) -> None:
    def load(text: str) -> None:
        file.write_text(text, encoding="utf-8")
        load_playbook(file)

    only_own_errors(cases, edited(WRITTEN), load)


@counted
def test_any_bytes_are_a_playbook_or_a_mistake(cases: int, file: Path) -> None:
    def load(content: bytes) -> None:
        file.write_bytes(content)
        load_playbook(file)

    only_own_errors(cases, st.binary(max_size=200), load)
