"""`lineinfile`: where a line is found, replaced, added and removed, in one table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.testing.inprocess import run_module

ABC = "a\nb\nc\n"


def lineinfile(path: Path, **args: Any) -> dict[str, Any]:
    return run_module("lineinfile", {"path": str(path), **args}, diff=True, verify=True)


@pytest.mark.parametrize(
    ("text", "args", "expected"),
    [
        # there already
        (ABC, {"line": "b"}, ABC),
        ("a\r\nb\r\n", {"line": "b"}, "a\r\nb\r\n"),
        ("a\nb", {"line": "b"}, "a\nb\n"),
        # added
        (ABC, {"line": "d"}, "a\nb\nc\nd\n"),
        ("a\nb", {"line": "d"}, "a\nb\nd\n"),
        ("", {"line": "d"}, "d\n"),
        ("a\r\nb\r\n", {"line": "d"}, "a\r\nb\r\nd\r\n"),
        ("\n\n", {"line": "ü"}, "\n\nü\n"),
        (ABC, {"line": "d", "insertafter": "EOF"}, "a\nb\nc\nd\n"),
        (ABC, {"line": "d", "insertbefore": "BOF"}, "d\na\nb\nc\n"),
        (ABC, {"line": "d", "insertafter": "BOF"}, "d\na\nb\nc\n"),
        (ABC, {"line": "d", "insertafter": "^a"}, "a\nd\nb\nc\n"),
        (ABC, {"line": "d", "insertafter": "^c"}, "a\nb\nc\nd\n"),
        ("a\nc", {"line": "d", "insertafter": "^c"}, "a\nc\nd\n"),
        (ABC, {"line": "d", "insertafter": "no"}, "a\nb\nc\nd\n"),
        (ABC, {"line": "d", "insertbefore": "^b"}, "a\nd\nb\nc\n"),
        (ABC, {"line": "d", "insertbefore": "no"}, "a\nb\nc\nd\n"),
        ("x1\nx2\n", {"line": "d", "insertafter": "^x"}, "x1\nx2\nd\n"),
        ("x1\nx2\n", {"line": "d", "insertafter": "^x", "firstmatch": True}, "x1\nd\nx2\n"),
        ("x1\nx2\n", {"line": "d", "insertbefore": "^x"}, "x1\nd\nx2\n"),
        ("x1\nx2\n", {"line": "d", "insertbefore": "^x", "firstmatch": True}, "d\nx1\nx2\n"),
        ("d\nx\n", {"line": "d", "insertafter": "^x"}, "d\nx\n"),
        # replaced
        (ABC, {"regexp": "^b", "line": "B"}, "a\nB\nc\n"),
        ("x1\nx2\n", {"regexp": "^x", "line": "xx"}, "x1\nxx\n"),
        ("x1\nx2\n", {"regexp": "^x1", "line": "y", "firstmatch": True}, "y\nx2\n"),
        ("a\r\nb\r\n", {"regexp": "^a$", "line": "A"}, "A\r\nb\r\n"),
        ("a\nb", {"regexp": "^b", "line": "B"}, "a\nB\n"),
        (ABC, {"regexp": "^z", "line": "b"}, ABC),
        (ABC, {"regexp": "^z", "line": "d", "insertbefore": "^a"}, "d\na\nb\nc\n"),
        (ABC, {"regexp": "^b", "line": "B", "insertafter": "^c"}, "a\nB\nc\n"),
        (ABC, {"search_string": "b", "line": "B"}, "a\nB\nc\n"),
        ("a.c\nabc\n", {"search_string": "a.c", "line": "x"}, "x\nabc\n"),
        (ABC, {"regexp": "^b", "line": "\\1"}, "a\n\\1\nc\n"),
        # with groups
        ("k = 1\n", {"regexp": r"^(k\s*=\s*)\d$", "line": r"\g<1>20", "backrefs": True}, "k = 20\n"),
        (ABC, {"regexp": "^(z)", "line": r"\1", "backrefs": True}, ABC),
        (ABC, {"regexp": "^(z)", "line": r"\1", "backrefs": True, "insertafter": "^a"}, ABC),
        # removed
        ("a\nb\na\n", {"state": "absent", "line": "a"}, "b\n"),
        ("a1\nb\na2\n", {"state": "absent", "regexp": "^a"}, "b\n"),
        ("a.1\na1\n", {"state": "absent", "search_string": "a."}, "a1\n"),
        ("a\r\nb\r\n", {"state": "absent", "line": "a"}, "b\r\n"),
        ("a\n", {"state": "absent", "line": "a"}, ""),
        (ABC, {"state": "absent", "line": "z"}, ABC),
    ],
)
def test_the_rules(tmp_path: Path, text: str, args: dict[str, Any], expected: str) -> None:
    path = tmp_path / "f"
    path.write_bytes(text.encode())
    result = lineinfile(path, **args)
    assert path.read_bytes().decode() == expected
    assert result["changed"] == (text != expected)
    assert lineinfile(path, **args)["changed"] is False


def test_one_line_is_replaced_a_run_even_if_the_new_one_does_not_match(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x1\nx2\n")
    args = {"path": str(tmp_path / "f"), "regexp": "^x", "line": "y"}
    assert run_module("lineinfile", args)["changed"]
    assert (tmp_path / "f").read_text() == "x1\ny\n"
    assert run_module("lineinfile", args)["changed"]
    assert (tmp_path / "f").read_text() == "y\ny\n"


def test_bytes_that_are_not_text_survive(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"\xff\xfe\nb\n")
    assert lineinfile(tmp_path / "f", line="c")["changed"]
    assert (tmp_path / "f").read_bytes() == b"\xff\xfe\nb\nc\n"


def test_other_line_separators_of_unicode_end_no_line(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a\u2028b\x0cc\nd\n")
    assert lineinfile(tmp_path / "f", regexp="^d", line="e")["changed"]
    assert (tmp_path / "f").read_text() == "a\u2028b\x0cc\ne\n"


def test_a_file_is_made_only_when_asked_for(tmp_path: Path) -> None:
    assert lineinfile(tmp_path / "d/f", line="a")["rc"] == 257
    assert lineinfile(tmp_path / "d/f", line="a", create=True, mode="0600")["changed"]
    assert (tmp_path / "d/f").read_text() == "a\n"


def test_removing_from_no_file_is_fine(tmp_path: Path) -> None:
    assert lineinfile(tmp_path / "f", line="a", state="absent") == {
        "changed": False,
        "path": str(tmp_path / "f"),
        "msg": "file not present",
        "found": 0,
    }


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"state": "present", "regexp": "x"}, "needs `line`"),
        ({"state": "absent"}, "needs one of"),
        ({"line": "a", "regexp": "["}, "regular expression"),
        ({"line": "a", "backrefs": True}, "needs `regexp`"),
        ({"line": "a", "insertafter": "x", "insertbefore": "y"}, "mutually exclusive"),
        ({"line": "a\0b"}, "NUL"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, args: dict[str, Any], words: str) -> None:
    (tmp_path / "f").write_text(ABC)
    result = lineinfile(tmp_path / "f", **args)
    assert words in result["msg"]
    assert "exception" not in result
    assert (tmp_path / "f").read_text() == ABC


def test_content_and_mode_change_together(tmp_path: Path) -> None:
    (tmp_path / "f").write_text(ABC)
    result = lineinfile(tmp_path / "f", line="d", mode="0600")
    assert result["msg"] == "line added and ownership or permissions changed"
    assert len(result["diff"]) == 2


def test_check_mode_does_not_guess_a_content_that_is_not_written_yet(tmp_path: Path) -> None:
    (tmp_path / "f").write_text(ABC)
    predicted = {"path": {str(tmp_path / "f"): {"kind": "file", "sha256": "other"}}}
    result = run_module("lineinfile", {"path": str(tmp_path / "f"), "line": "d"}, check=True, predicted=predicted)
    assert "is known once" in result["unknown"]


def test_check_mode_goes_on_from_the_text_that_an_earlier_task_would_leave(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text(ABC)
    first = run_module("lineinfile", {"path": str(path), "line": "ä"}, check=True, diff=True)
    predicted = {kind: {name: attributes} for kind, name, attributes in first["predictions"]}
    second = run_module("lineinfile", {"path": str(path), "line": "d"}, check=True, diff=True, predicted=predicted)
    assert second["diff"][0]["before"] == first["diff"][0]["after"]
    assert second["diff"][0]["after"].endswith("ä\nd\n")
    again = run_module("lineinfile", {"path": str(path), "line": "ä"}, check=True, predicted=predicted)
    assert not again["changed"]


@pytest.mark.parametrize("content", [b"a\xff\n", b"a\n" * 5000])
def test_a_text_that_cannot_be_told_is_unknown_to_later_tasks(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "f"
    path.write_bytes(content)
    first = run_module("lineinfile", {"path": str(path), "line": "x"}, check=True)
    predicted = {kind: {name: attributes} for kind, name, attributes in first["predictions"]}
    result = run_module("lineinfile", {"path": str(path), "line": "d"}, check=True, predicted=predicted)
    assert "is known once" in result["unknown"]
