"""Whatever a playbook holds, loading gives a tree or `InputError`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.diag import InputError
from provisioner.lang.keywords import KEYWORDS
from provisioner.lang.load import load_playbook

_KEYS = st.sampled_from([*KEYWORDS, "ping", "debug", "command", "group", "include_tasks", "include_role", "import_role",
                         "import_tasks", "assert", "meta", "with_items", "with_x", "nope", "name", "that", "file"])
_LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False), st.text(max_size=5),
    st.sampled_from(["all", "a=1 b", "{{ x }}", "a == '{{ b }}'", "{{", "x.yml", "site.yml", "..", "a,b", "30%",
                     "'", "\0"]))
_DATA = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=5), max_leaves=25)
_TASKS = st.lists(st.dictionaries(_KEYS, _DATA, min_size=1, max_size=4), max_size=3)
_PLAYS = st.lists(st.fixed_dictionaries(
    {"hosts": st.just("all") | _DATA, "tasks": _TASKS, "handlers": _TASKS | _DATA, "roles": _TASKS | _DATA},
    optional={"vars": _DATA, "serial": _DATA, "when": _DATA, "vars_files": _DATA, "tags": _DATA,
              "module_defaults": _DATA},
), max_size=2)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "site.yml"


@settings(max_examples=200, deadline=None)
@given(data=_PLAYS)
def test_y24_any_data_is_a_playbook_or_a_list_of_mistakes(data: Any, file: Path) -> None:
    file.write_text(pyyaml.safe_dump(data), encoding="utf-8")
    with suppress(InputError):
        load_playbook(file)
