"""The controller's files for tasks: found, read and listed; mistakes say where was looked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provisioner.effects import answer, sources
from provisioner.lang.source import LOCKED
from provisioner.template.effects import Effect, EffectFailure


def test_a_file_comes_with_its_checksum_and_small_content(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"hello\n")
    (tmp_path / "large").write_bytes(b"x" * 100_000)
    found = answer(Effect("find_file", ("f", ["files"]), (("search", [str(tmp_path)]),)))
    assert found["sha256"] == "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
    assert found["sha1"] == "f572d396fae9206628714fb2ce00f72e94f2258f"
    assert found["data"] == b"hello\n"
    assert answer(Effect("find_file", ("large", ["files"])), search_paths=[tmp_path])["data"] is None


def test_a_missing_file_names_every_place_once(tmp_path: Path) -> None:
    failure = answer(Effect("find_file", ("f", ["files"]), (("search", [str(tmp_path), str(tmp_path)]),)))
    assert isinstance(failure, EffectFailure)
    assert failure.message.count(str(tmp_path)) == 2  # files/ and the directory itself
    assert "lookup" not in failure.message


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_a_name_that_is_none_is_told(tmp_path: Path, name: str) -> None:
    assert isinstance(answer(Effect("find_file", (name, [])), search_paths=[tmp_path]), EffectFailure)


def test_a_tree_lists_directories_before_what_is_in_them(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/f").write_text("x")
    (tmp_path / "a-b").touch()
    (tmp_path / "l").symlink_to("a")
    followed = sources.tree((str(tmp_path), True), {}, LOCKED)
    assert [entry["path"] for entry in followed] == ["a", "a/b", "a/b/f", "a-b", "l", "l/b", "l/b/f"]
    kept = sources.tree((str(tmp_path), False), {}, LOCKED)
    assert [entry["kind"] for entry in kept] == ["directory", "directory", "file", "file", "link"]


def test_a_tree_that_holds_itself_or_a_broken_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "up").symlink_to(".")
    assert "above it" in answer(Effect("tree", (str(tmp_path), True))).message
    (tmp_path / "up").unlink()
    (tmp_path / "gone").symlink_to("nothing")
    assert "link to nothing" in answer(Effect("tree", (str(tmp_path), True))).message


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p")
    assert sources.tree((str(tmp_path), True), {}, LOCKED) == []
