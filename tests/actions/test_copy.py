"""`copy` on the controller: what is found where, and what goes to the host."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provisioner.actions import copy
from provisioner.actions.base import Done, HostWork
from provisioner.remote.modules.copy import SPEC
from provisioner.template.effects import EffectFailed
from provisioner.testing.expanding import expand, run
from provisioner.values import Secret, Unknown


@pytest.fixture
def play(tmp_path: Path) -> Path:
    """A playbook directory with `files/`."""
    for name, text in {
        "play/files/a.txt": "from files\n",
        "play/a.txt": "beside\n",
        "play/b.txt": "b\n",
        "play/files/tree/x": "x\n",
        "play/files/tree/deep/run": "#!/bin/sh\n",
        "role/files/a.txt": "role\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "play/files/tree/deep/run").chmod(0o755)
    (tmp_path / "play/files/tree/empty").mkdir()
    (tmp_path / "play/files/tree/link").symlink_to("x")
    return tmp_path / "play"


def copied(play: Path, dest: Path, args: dict[str, Any]) -> dict[str, Any]:
    return run(expand(copy, {"dest": str(dest), **args}, search=[play]), verify=True, diff=True)


def test_files_is_looked_into_before_the_directory_itself(play: Path, tmp_path: Path) -> None:
    copied(play, tmp_path / "out", {"src": "a.txt"})
    assert (tmp_path / "out").read_text() == "from files\n"
    copied(play, tmp_path / "out", {"src": "b.txt"})
    assert (tmp_path / "out").read_text() == "b\n"


def test_the_role_comes_before_the_playbook(play: Path, tmp_path: Path) -> None:
    run(expand(copy, {"src": "a.txt", "dest": str(tmp_path / "out")}, search=[tmp_path / "role", play]))
    assert (tmp_path / "out").read_text() == "role\n"


def test_a_file_that_is_not_there_is_told_with_places_and_a_near_name(play: Path) -> None:
    with pytest.raises(EffectFailed, match=r"did you mean `a.txt`") as failure:
        expand(copy, {"src": "a.tx", "dest": "/x"}, search=[play])
    assert str(play / "files") in str(failure.value)


def test_small_content_rides_along_and_large_stays_until_asked_for(play: Path) -> None:
    (play / "large").write_bytes(b"x" * 40_000)
    small, large = (expand(copy, {"src": name, "dest": "/x"}, search=[play]) for name in ("b.txt", "large"))
    assert isinstance(small, HostWork)
    assert isinstance(large, HostWork)
    assert small.contents[0].data == b"b\n"
    assert large.contents[0].data is None
    assert large.contents[0].path == play / "large"


@pytest.mark.parametrize(
    ("content", "text"), [("a\n", "a\n"), ("", ""), (5, "5"), ({"a": [1]}, '{"a": [1]}'), ([1], "[1]"), (True, "True")]
)
def test_content_is_text_or_json(play: Path, tmp_path: Path, content: Any, text: str) -> None:
    assert copied(play, tmp_path / "out", {"content": content})["changed"]
    assert (tmp_path / "out").read_text() == text


def test_secret_content_arrives_and_is_not_shown(play: Path, tmp_path: Path) -> None:
    for content in (Secret("hunter22"), {"password": Secret("hunter22")}):
        work = expand(copy, {"content": content, "dest": str(tmp_path / "out")}, search=[play])
        assert isinstance(work, HostWork)
        assert "hunter22" not in json.dumps(work.args, default=str)
        assert "hunter22" not in str(run(work, diff=True))
        assert "hunter22" in (tmp_path / "out").read_text()


def test_what_is_not_known_yet_makes_the_task_unknown(play: Path) -> None:
    work = expand(copy, {"content": Unknown("the output of `date`"), "dest": "/x"}, search=[play])
    assert isinstance(work, Done)
    assert work.result["unknown"] == "the output of `date`"


def test_a_tree_goes_below_its_name_or_without_it(play: Path, tmp_path: Path) -> None:
    first = copied(play, tmp_path / "out", {"src": "tree"})
    assert first["changed"]
    assert (tmp_path / "out/tree/deep/run").read_text() == "#!/bin/sh\n"
    assert (tmp_path / "out/tree/empty").is_dir()
    assert not (tmp_path / "out/tree/link").is_symlink()
    copied(play, tmp_path / "out2/", {"src": "tree/", "local_follow": False, "mode": "preserve"})
    assert (tmp_path / "out2/deep/run").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out2/link").is_symlink()
    assert copied(play, tmp_path / "out", {"src": "tree"})["changed"] is False


def test_one_name_in_a_directory(play: Path, tmp_path: Path) -> None:
    assert copied(play, tmp_path, {"src": "b.txt"})["dest"] == str(tmp_path / "b.txt")
    assert "can not use content with a dir as dest" in copied(play, tmp_path, {"content": "x"})["msg"]


def test_preserve_takes_the_mode_of_the_local_file(play: Path, tmp_path: Path) -> None:
    (play / "b.txt").chmod(0o751)
    assert copied(play, tmp_path / "out", {"src": "b.txt", "mode": "preserve"})["mode"] == "0751"
    assert "has no mode" in copied(play, tmp_path / "out", {"content": "x", "mode": "preserve"})["msg"]


def test_a_wrong_checksum_sends_nothing(play: Path, tmp_path: Path) -> None:
    result = copied(play, tmp_path / "out", {"src": "b.txt", "checksum": "0" * 40})
    assert result["failed"]
    assert not (tmp_path / "out").exists()


def test_a_file_that_cannot_be_decrypted_is_not_sent_as_it_is(play: Path, tmp_path: Path) -> None:
    (play / "b.txt").write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    words = "no vault password was given.*A vault password or secret must be specified to decrypt .*/b.txt$"
    with pytest.raises(EffectFailed, match=words):
        copied(play, tmp_path / "out", {"src": "b.txt"})
    assert copied(play, tmp_path / "out", {"src": "b.txt", "decrypt": False})["changed"]


def test_a_file_of_the_host_is_left_to_the_host(play: Path) -> None:
    work = expand(copy, {"src": "a.txt", "dest": "/x", "remote_src": "yes"}, search=[play])
    assert isinstance(work, HostWork)
    assert work.args["src"] == "a.txt"
    assert not work.contents


@pytest.mark.parametrize(("args", "words"), [
    ({"dest": "/x"}, "src (or content) is required"), ({"src": "a"}, "dest is required"),
])  # fmt: skip
def test_what_is_missing_is_told_in_ansibles_words(args: dict[str, str], words: str) -> None:
    assert [problem.message for problem in SPEC.problems(args)] == [words]
