"""`find`, `stat`, `slurp` and `tempfile`: what they tell, and what check mode foresees."""

from __future__ import annotations

import base64
import hashlib
import os
import time
from pathlib import Path
from typing import Any

import pytest

from provisioner.testing.inprocess import run_module


def names(result: dict[str, Any]) -> list[str]:
    return sorted(os.path.basename(entry["path"]) for entry in result["files"])


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in {
        "a.log": "one\nerror 7\n",
        "b.txt": "x" * 3000,
        "sub/c.log": "",
        "sub/deep/d.log": "",
        ".hidden": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "link").symlink_to("sub")
    old = time.time() - 10 * 86400
    os.utime(tmp_path / "b.txt", (old, old))
    (tmp_path / "a.log").chmod(0o640)
    return tmp_path


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({}, ["a.log", "b.txt"]),
        ({"hidden": True}, [".hidden", "a.log", "b.txt"]),
        ({"recurse": True}, ["a.log", "b.txt", "c.log", "d.log"]),
        ({"recurse": True, "depth": 2}, ["a.log", "b.txt", "c.log"]),
        ({"patterns": "*.log,*.txt"}, ["a.log", "b.txt"]),
        ({"patterns": ["*.log"], "excludes": ["a*"], "recurse": True}, ["c.log", "d.log"]),
        ({"patterns": [r"^[ab]\."], "use_regex": True}, ["a.log", "b.txt"]),
        ({"file_type": "directory", "recurse": True}, ["deep", "sub"]),
        ({"file_type": "link"}, ["link"]),
        ({"file_type": "any"}, ["a.log", "b.txt", "link", "sub"]),
        ({"age": "1w"}, ["b.txt"]),
        ({"age": "-1w"}, ["a.log"]),
        ({"age": "20d"}, []),
        ({"size": "2k"}, ["b.txt"]),
        ({"size": "-2k"}, ["a.log"]),
        ({"contains": "error .$"}, ["a.log"]),
        ({"contains": "rror"}, []),
        ({"contains": "one\nerr", "read_whole_file": True}, ["a.log"]),
        ({"mode": "0640"}, ["a.log"]),
        ({"mode": "u=rw,g=r", "exact_mode": False, "patterns": "a*"}, ["a.log"]),
        ({"recurse": True, "limit": 1}, ["a.log"]),
        ({"follow": True, "recurse": True, "patterns": "d.log"}, ["d.log"]),
    ],
)
def test_what_is_found(tree: Path, args: dict[str, Any], expected: list[str]) -> None:
    result = run_module("find", {"paths": str(tree), **args})
    assert names(result) == expected
    assert result["matched"] == len(expected)


def test_below_a_hidden_directory_files_are_found_by_their_own_name(tree: Path) -> None:
    (tree / ".git").mkdir()
    (tree / ".git/config.log").write_text("")
    assert "config.log" in names(run_module("find", {"paths": str(tree), "patterns": "*.log", "recurse": True}))


def test_what_lies_too_deep_is_looked_at_but_not_given(tmp_path: Path) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    result = run_module("find", {"paths": str(tmp_path), "recurse": True, "depth": 1, "file_type": "any"})
    assert (names(result), result["examined"]) == (["a"], 2)


@pytest.mark.parametrize(("encoding", "told"), [
    ("utf-8", "an encoding error. current encoding: utf-8"), ("nothing", "unknown encoding: nothing"),
])  # fmt: skip
def test_a_file_that_is_no_such_text_is_told_and_not_found(tree: Path, encoding: str, told: str) -> None:
    (tree / "gbk").write_bytes("你好".encode("gbk"))
    result = run_module("find", {"paths": str(tree), "patterns": "gbk", "contains": "你", "encoding": encoding})
    assert result["matched"] == 0
    assert told in result["skipped_paths"][str(tree)]
    assert result["msg"] == "Not all paths examined, check warnings for details"


def test_a_loop_of_links_ends(tree: Path) -> None:
    (tree / "sub/up").symlink_to("..")
    assert (
        run_module("find", {"paths": str(tree), "recurse": True, "follow": True, "patterns": "a.log"})["matched"] >= 1
    )


def test_checksums_are_given_when_asked_for(tree: Path) -> None:
    found = run_module(
        "find", {"paths": str(tree), "patterns": "a.log", "get_checksum": True, "checksum_algorithm": "sha256"}
    )
    assert len(found["files"][0]["checksum"]) == 64


def test_stat_tells_what_is_there(tree: Path) -> None:
    told = run_module("stat", {"path": str(tree / "a.log")})["stat"]
    assert (told["exists"], told["isreg"], told["mode"], told["size"], told["rgrp"], told["roth"]) == (
        True,
        True,
        "0640",
        12,
        True,
        False,
    )
    assert told["checksum"] == hashlib.sha1(b"one\nerror 7\n").hexdigest()
    assert (told["mimetype"], told["charset"]) == ("text/plain", "us-ascii")
    assert run_module("stat", {"path": str(tree / "nope")})["stat"] == {"exists": False}
    link = run_module("stat", {"path": str(tree / "link")})["stat"]
    assert (link["islnk"], link["lnk_target"], link["lnk_source"]) == (True, "sub", str(tree / "sub"))
    assert run_module("stat", {"path": str(tree / "link"), "follow": True})["stat"]["isdir"]


def test_stat_tells_in_check_mode_what_would_be_there(tree: Path) -> None:
    predicted = {
        "path": {str(tree / "new"): {"kind": "directory", "mode": "0750"}, str(tree / "a.log"): {"kind": "absent"}}
    }
    told = run_module("stat", {"path": str(tree / "new")}, check=True, predicted=predicted)["stat"]
    assert (told["exists"], told["isdir"], told["mode"]) == (True, True, "0750")
    assert run_module("stat", {"path": str(tree / "a.log")}, check=True, predicted=predicted)["stat"] == {
        "exists": False
    }


def test_slurp_gives_bytes_and_refuses_what_has_none(tree: Path) -> None:
    (tree / "bin").write_bytes(b"\0\xff")
    assert base64.b64decode(run_module("slurp", {"src": str(tree / "bin")})["content"]) == b"\0\xff"
    assert "File not found" in run_module("slurp", {"src": str(tree / "no")})["msg"]
    assert "is a directory" in run_module("slurp", {"path": str(tree)})["msg"]
    os.mkfifo(tree / "pipe")
    assert "regular file" in run_module("slurp", {"src": str(tree / "pipe")})["msg"]


def test_temporary_names_differ_and_are_private(tree: Path) -> None:
    made = [
        run_module("tempfile", {"path": str(tree), "state": state, "suffix": ".x"})
        for state in ("file", "directory", "file")
    ]
    assert len({result["path"] for result in made}) == 3
    assert [result["mode"] for result in made] == ["0600", "0700", "0600"]
    assert run_module("tempfile", {"path": str(tree)}, check=True)["skipped"]
