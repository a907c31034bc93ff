"""`replace`: all matches, in a section, with groups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.testing.inprocess import run_module


def replace(path: Path, **args: Any) -> dict[str, Any]:
    return run_module("replace", {"path": str(path), **args}, diff=True, verify=True)


@pytest.mark.parametrize(
    ("text", "args", "expected"),
    [
        ("a b a\n", {"regexp": "a", "replace": "c"}, "c b c\n"),
        ("a b a\n", {"regexp": "a ?"}, "b " + "\n"),
        ("x=1\nx=2\n", {"regexp": r"^x=(\d)$", "replace": r"y\1"}, "y1\ny2\n"),
        ("x=1\n", {"regexp": r"(?P<n>x)=", "replace": r"\g<n>:"}, "x:1\n"),
        (
            "a\n[s]\na\n[t]\na\n",
            {"regexp": "a", "replace": "b", "after": r"\[s\]", "before": r"\[t\]"},
            "a\n[s]\nb\n[t]\na\n",
        ),
        ("a\n[s]\na\n", {"regexp": "a", "replace": "b", "after": r"\[s\]"}, "a\n[s]\nb\n"),
        ("a\n[s]\na\n", {"regexp": "a", "replace": "b", "before": r"\[s\]"}, "b\n[s]\na\n"),
        ("a\n", {"regexp": "a", "replace": "b", "after": "no"}, "a\n"),
        ("no end", {"regexp": "end", "replace": "END"}, "no END"),
        ("a\r\nb\r\n", {"regexp": "a", "replace": "x"}, "x\r\nb\r\n"),
        ("", {"regexp": "a", "replace": "b"}, ""),
        ("ü\n", {"regexp": r"\w", "replace": "-"}, "-\n"),
    ],
)
def test_the_rules(tmp_path: Path, text: str, args: dict[str, Any], expected: str) -> None:
    (tmp_path / "f").write_bytes(text.encode())
    result = replace(tmp_path / "f", **args)
    assert (tmp_path / "f").read_bytes().decode() == expected
    assert result["changed"] == (text != expected)


def test_mistakes_are_told(tmp_path: Path) -> None:
    assert replace(tmp_path / "f", regexp="a")["rc"] == 257
    assert replace(tmp_path, regexp="a")["rc"] == 256
    (tmp_path / "f").write_text("a")
    assert "regular expression" in replace(tmp_path / "f", regexp="(")["msg"]
    assert "Unable to process replace" in replace(tmp_path / "f", regexp="a", replace=r"\2")["msg"]


def test_a_link_is_followed_and_kept(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a")
    (tmp_path / "l").symlink_to("f")
    assert replace(tmp_path / "l", regexp="a", replace="b")["changed"]
    assert (tmp_path / "l").is_symlink()
    assert (tmp_path / "f").read_text() == "b"
