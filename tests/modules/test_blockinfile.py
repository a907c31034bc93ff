"""`blockinfile`: the block, its markers and its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.testing.inprocess import run_module

BLOCK = "# BEGIN ANSIBLE MANAGED BLOCK\nx\n# END ANSIBLE MANAGED BLOCK\n"


def blockinfile(path: Path, **args: Any) -> dict[str, Any]:
    return run_module("blockinfile", {"path": str(path), "block": "x", **args}, diff=True, verify=True)


@pytest.mark.parametrize(
    ("text", "args", "expected"),
    [
        ("", {}, BLOCK),
        ("a\n", {}, "a\n" + BLOCK),
        ("a", {}, "a\n" + BLOCK),
        ("a\r\n", {}, "a\r\n" + BLOCK.replace("\n", "\r\n")),
        ("a\nb\n", {"insertafter": "^a"}, "a\n" + BLOCK + "b\n"),
        ("a\nb\n", {"insertbefore": "^b"}, "a\n" + BLOCK + "b\n"),
        ("a\nb\n", {"insertbefore": "BOF"}, BLOCK + "a\nb\n"),
        ("a\nb\n", {"insertafter": "no"}, "a\nb\n" + BLOCK),
        ("a\na\n", {"insertafter": "a"}, "a\na\n" + BLOCK),
        ("a\nb\nc\n", {"insertafter": "(?m)a\nb$"}, "a\nb\n" + BLOCK + "c\n"),
        ("a\n" + BLOCK.replace("x", "old\nolder") + "b\n", {}, "a\n" + BLOCK + "b\n"),
        ("a\n# END ANSIBLE MANAGED BLOCK\n# BEGIN ANSIBLE MANAGED BLOCK\nb\n", {}, "a\n" + BLOCK + "b\n"),
        ("# BEGIN ANSIBLE MANAGED BLOCK\nb\n", {}, "# BEGIN ANSIBLE MANAGED BLOCK\nb\n" + BLOCK),
        ("a\n" + BLOCK + "b\n", {"state": "absent"}, "a\nb\n"),
        ("a\n" + BLOCK + "b\n", {"block": ""}, "a\nb\n"),
        ("a", {"state": "absent"}, "a"),
        ("a\nb\n", {"insertafter": "^a", "prepend_newline": True, "append_newline": True}, "a\n\n" + BLOCK + "\nb\n"),
        ("a\n", {"marker": "; {mark}", "marker_begin": "<", "marker_end": ">", "block": "ü\n"}, "a\n; <\nü\n; >\n"),
    ],
)
def test_the_rules(tmp_path: Path, text: str, args: dict[str, Any], expected: str) -> None:
    path = tmp_path / "f"
    path.write_bytes(text.encode())
    if text.startswith("# BEGIN") and "END" not in text:
        args = {**args, "marker": "# {mark} ANSIBLE MANAGED BLOCK"}
    result = blockinfile(path, **args)
    assert path.read_bytes().decode() == expected
    assert result["changed"] == (text != expected)
    assert blockinfile(path, **args)["changed"] is False


def test_two_markers_are_two_blocks(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    for name in ("one", "two"):
        blockinfile(tmp_path / "f", marker="# {mark} " + name, block=name)
    blockinfile(tmp_path / "f", marker="# {mark} one", state="absent")
    assert (tmp_path / "f").read_text() == "# BEGIN two\ntwo\n# END two\n"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"marker": "#"}, "are the same"),
        ({"marker": "# {mark}\nevil"}, "one line"),
        ({"marker_end": "BEGIN"}, "are the same"),
        ({"insertafter": "["}, "regular expression"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, args: dict[str, Any], words: str) -> None:
    (tmp_path / "f").write_text("a\n")
    assert words in blockinfile(tmp_path / "f", **args)["msg"]


def test_a_file_is_made_only_when_asked_for(tmp_path: Path) -> None:
    assert blockinfile(tmp_path / "f")["rc"] == 257
    assert blockinfile(tmp_path / "f", create=True)["msg"] == "File created"
    assert blockinfile(tmp_path / "g", state="absent")["changed"] is False
    assert not (tmp_path / "g").exists()
