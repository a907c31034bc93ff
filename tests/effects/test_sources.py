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
    assert [entry["path"] for entry in followed] == ["a-b", "a", "a/b", "a/b/f", "l", "l/b", "l/b/f"]
    kept = sources.tree((str(tmp_path), False), {}, LOCKED)
    assert [entry["kind"] for entry in kept] == ["file", "directory", "directory", "file", "link"]


def test_links_that_lead_nowhere_or_back_stay_links(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for name, target in {"d/up": "..", "gone": "nothing", "self": "self"}.items():
        (tmp_path / name).symlink_to(target)
    links = {entry["path"]: entry["target"] for entry in sources.tree((str(tmp_path), True), {}, LOCKED)
             if entry["kind"] == "link"}
    assert links == {"d/up": "..", "gone": "nothing", "self": "self"}


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p")
    assert sources.tree((str(tmp_path), True), {}, LOCKED) == []
