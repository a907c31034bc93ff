"""X1: whatever stands in a text argument of a file module, it is data: nothing runs, nothing elsewhere is touched."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.actions.base import content_of
from provisioner.testing.inprocess import run_module

CONTENT = content_of(b"x\n")

#: module, the argument that is fuzzed, the others; `{}` is the directory of the example.
ARGUMENTS: list[tuple[str, str, dict[str, Any]]] = [
    ("copy", "owner", {"dest": "{}/f", "_content": CONTENT.reference()}),
    ("copy", "validate", {"dest": "{}/f", "_content": CONTENT.reference()}),
    ("copy", "_basename", {"dest": "{}/d/", "_content": CONTENT.reference()}),
    ("file", "src", {"path": "{}/l", "state": "link", "force": True}),
    ("file", "mode", {"path": "{}/f"}),
    ("file", "group", {"path": "{}/f"}),
    ("file", "access_time", {"path": "{}/f", "state": "touch"}),
    ("lineinfile", "line", {"path": "{}/f"}),
    ("lineinfile", "regexp", {"path": "{}/f", "line": "y"}),
    ("lineinfile", "insertafter", {"path": "{}/f", "line": "y"}),
    ("blockinfile", "block", {"path": "{}/f"}),
    ("blockinfile", "marker", {"path": "{}/f", "block": "y"}),
    ("replace", "regexp", {"path": "{}/f", "replace": "y"}),
    ("replace", "replace", {"path": "{}/f", "regexp": "x"}),
    ("tempfile", "prefix", {"path": "{}"}),
    ("find", "patterns", {"paths": "{}"}),
    ("find", "contains", {"paths": "{}"}),
    ("wait_for", "search_regex", {"path": "{}/f", "timeout": 0}),
    ("get_url", "url", {"dest": "{}/f", "timeout": 1, "use_proxy": False}),
    ("get_url", "checksum", {"dest": "{}/f", "url": "http://127.0.0.1:9/", "timeout": 1, "use_proxy": False}),
    ("unarchive", "src", {"dest": "{}", "_content": CONTENT.reference()}),
]

WORDS = ["-rf", "--help", "a\nb", "a\0b", "; touch MARK", "$(touch MARK)", "`touch MARK`", "| touch MARK", "../MARK"]
HOSTILE = st.one_of(
    st.sampled_from([*WORDS, "%s%n", "{{ 1 }}", "~", "'\"", "¹"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)


@pytest.mark.parametrize(("module", "argument", "others"), ARGUMENTS, ids=[f"{m}.{a}" for m, a, _ in ARGUMENTS])
@given(value=HOSTILE)
@settings(max_examples=25, deadline=None)
def test_x1_an_argument_is_data(module: str, argument: str, others: dict[str, Any], value: str) -> None:
    with tempfile.TemporaryDirectory() as outer:
        root = Path(outer) / "place"
        (root / "d").mkdir(parents=True)
        (root / "f").write_text("x\n")
        given_args = {
            name: text.replace("{}", str(root)) if isinstance(text, str) else text for name, text in others.items()
        }
        value = value.replace("MARK", f"{outer}/MARK")
        before = os.getcwd()
        result = run_module(module, {**given_args, argument: value}, contents=[CONTENT], env={"HOME": outer})
        assert "crashed" not in str(result.get("msg")), result
        assert os.getcwd() == before
        assert os.listdir(outer) == ["place"]


@given(name=st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_x1_a_path_is_a_path(name: str) -> None:
    with tempfile.TemporaryDirectory() as outer:
        path = f"{outer}/{name}".replace("$", "_")
        if name in (".", "..") or len(os.fsencode(name)) > 200:
            return
        assert run_module("copy", {"dest": path, "_content": CONTENT.reference()}, contents=[CONTENT])["changed"]
        assert run_module("lineinfile", {"path": path, "line": "y"}, verify=True)["changed"]
        assert run_module("stat", {"path": path})["stat"]["size"] == 4
        assert run_module("file", {"path": path, "state": "absent"})["changed"]
        assert os.listdir(outer) == []


@pytest.mark.parametrize(
    "module",
    ["file", "stat", "lineinfile", "blockinfile", "replace", "slurp", "copy", "find", "wait_for", "unarchive", "fetch"],
)
def test_x1_a_nul_in_a_path_is_told(module: str) -> None:
    argument = {"slurp": "src", "copy": "dest", "find": "paths", "unarchive": "dest", "fetch": "src"}.get(
        module, "path"
    )
    needed: dict[str, dict[str, Any]] = {
        "lineinfile": {"line": "x"},
        "replace": {"regexp": "x"},
        "copy": {"_content": CONTENT.reference()},
        "unarchive": {"src": "a"},
        "blockinfile": {"block": "x"},
    }
    more = needed.get(module, {})
    result = run_module(module, {argument: "/tmp/a\0b", **more}, contents=[CONTENT])
    assert result["failed"]
    assert "NUL" in result["msg"]
