"""`file`: modes in all spellings, links, times, recursion; and what check mode foresees."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.remote.modebits import mode_bits
from provisioner.testing.inprocess import run_module


def file(path: Path, *, check: bool = False, predicted: Any = None, **args: Any) -> dict[str, Any]:
    return run_module(
        "file", {"path": str(path), **args}, check=check, diff=True, verify=not check, predicted=predicted
    )


def mode_of(path: Path) -> str:
    return f"{stat.S_IMODE(path.lstat().st_mode):04o}"


def test_an_unchanged_directory_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    real = os.stat

    def counted(path: Any, **options: Any) -> os.stat_result:
        calls.append(path)
        return real(path, **options)

    monkeypatch.setattr(os, "stat", counted)
    args = {"path": str(tmp_path), "state": "directory", "mode": mode_of(tmp_path), "owner": str(os.getuid())}
    assert run_module("file", args)["changed"] is False
    assert calls.count(str(tmp_path)) == 1


@pytest.mark.parametrize(
    ("mode", "before", "after"),
    [
        ("0640", "0644", "0640"),
        (0o640, "0644", "0640"),
        ("u=rw,g=r,o=", "0777", "0640"),
        ("a+x", "0644", "0755"),
        ("g-w", "0664", "0644"),
        ("go=u", "0700", "0777"),
        ("u+s", "0755", "4755"),
        ("a+X", "0644", "0644"),
        ("a+X", "0744", "0755"),
        ("o=", "0777", "0770"),
        ("u=rwX,go=rX", "0600", "0644"),
        ("g+s,o+t", "0755", "3755"),
        ("u+r,u-x", "0100", "0400"),
    ],
)
def test_modes_are_understood_in_all_spellings(tmp_path: Path, mode: Any, before: str, after: str) -> None:
    path = tmp_path / "f"
    path.touch()
    path.chmod(int(before, 8))
    result = file(path, mode=mode)
    assert mode_of(path) == after
    assert result["mode"] == (after if after.startswith("0") else "0" + after)  # as Ansible has it
    assert result["changed"] == (before != after)


@pytest.mark.parametrize("mode", [644, 755, "0999", "rw-r--r--", "u=q", "8"])
def test_y14_a_mode_that_means_something_else_is_refused(tmp_path: Path, mode: Any) -> None:
    (tmp_path / "f").touch(0o600)
    assert file(tmp_path / "f", mode=mode)["failed"]
    assert mode_of(tmp_path / "f") == "0600"


@given(
    st.from_regex(r"\A[ugoa]{0,3}[-+=]([ugo]|[rwxXst]{0,3})(,[ugoa]{0,2}[-+=][rwx]{0,2})?\Z"),
    st.integers(0, 0o777),
    st.booleans(),
)
def test_a_symbolic_mode_gives_a_mode(mode: str, old: int, is_directory: bool) -> None:
    assert 0 <= mode_bits(mode, old, is_directory=is_directory, umask=0o022) <= 0o7777


def test_directories_are_made_with_their_parents(tmp_path: Path) -> None:
    result = file(tmp_path / "a/b/c", state="directory", mode="0711")
    assert [entry["after"]["path"] for entry in result["diff"]] == [
        str(tmp_path / part) for part in ("a", "a/b", "a/b/c")
    ]
    assert {mode_of(tmp_path / part) for part in ("a", "a/b", "a/b/c")} == {"0711"}


def test_what_is_there_decides_when_no_state_is_given(tmp_path: Path) -> None:
    assert file(tmp_path, mode="0700")["state"] == "directory"
    missing = file(tmp_path / "no", mode="0700")
    assert "cannot continue" in missing["msg"]
    assert missing["state"] == "absent"
    assert "already exists as a file" in file(Path("/etc/hostname"), state="directory")["msg"]


def test_a_link_is_relative_as_given(tmp_path: Path) -> None:
    (tmp_path / "t").touch()
    assert file(tmp_path / "l", src="t", state="link")["src"] == "t"
    assert os.readlink(tmp_path / "l") == "t"


def test_a_link_is_replaced_in_one_step(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).touch()
        assert file(tmp_path / "l", src=name, state="link")["changed"]
    assert os.readlink(tmp_path / "l") == "b"


def test_a_link_without_src_keeps_its_target(tmp_path: Path) -> None:
    (tmp_path / "t").touch()
    (tmp_path / "l").symlink_to("t")
    assert file(tmp_path / "l", state="link")["changed"] is False
    assert "src is required for creating new symlinks" in file(tmp_path / "x", state="link")["msg"]


def test_src_is_only_for_links(tmp_path: Path) -> None:
    assert "src option requires state to be 'link' or 'hard'" in file(tmp_path / "x", src="/etc/hosts")["msg"]


def test_a_link_passes_its_mode_on_to_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "t").touch(0o644)
    for changes in (True, False):
        assert file(tmp_path / "l", src="t", state="link", mode="0700")["changed"] is changes
    assert mode_of(tmp_path / "t") == "0700"
    result = file(tmp_path / "l2", src="nothing", state="link", mode="0700", force=True)
    assert "gets no mode" in str(result["warnings"])


def test_f5_a_link_does_not_pass_a_mode_through_a_link_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "secret").touch(0o600)
    (tmp_path / "theirs").symlink_to("secret")
    os.chown(tmp_path / "theirs", 1, 1, follow_symlinks=False)
    assert file(tmp_path / "l", src="theirs", state="link", mode="0666")["failed"]
    assert mode_of(tmp_path / "secret") == "0600"


def test_the_diff_of_a_link_names_its_target_as_src(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).touch()
    file(tmp_path / "l", src="a", state="link")
    diff = file(tmp_path / "l", src="b", state="link")["diff"]
    assert (diff["before"]["src"], diff["after"]["src"]) == ("a", "b")


def test_hard_links_are_made_in_directories_and_need_their_other_name(tmp_path: Path) -> None:
    (tmp_path / "t").touch()
    (tmp_path / "d").mkdir()
    for changes in (True, False):
        assert file(tmp_path / "d", src=str(tmp_path / "t"), state="hard", mode="0640")["changed"] is changes
    assert (tmp_path / "d/t").stat().st_ino == (tmp_path / "t").stat().st_ino
    assert mode_of(tmp_path / "t") == "0640"
    assert file(tmp_path / "t", state="hard")["changed"] is False
    missing = file(tmp_path / "h", src="nothing", state="hard")
    assert (missing["msg"], missing["src"], missing["dest"]) == ("src does not exist", "nothing", str(tmp_path / "h"))
    assert file(tmp_path / "h", state="hard")["msg"] == "src is required for creating new hardlinks"


def test_the_diff_of_nothing_is_the_path_twice(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    assert file(tmp_path / "f")["diff"] == {side: {"path": str(tmp_path / "f")} for side in ("before", "after")}


def test_check_mode_warns_of_an_owner_that_is_not_there(tmp_path: Path) -> None:
    def warnings(**args: Any) -> str:
        return str(file(tmp_path / "f", check=True, **args).get("warnings"))

    assert "failed to look up user nobody-here" in warnings(owner="nobody-here")
    assert "failed to look up group with gid 399999" in warnings(group="399999")
    made = {"user": {"nobody-here": {"kind": "user"}}}
    assert warnings(owner="nobody-here", predicted=made) == "None"


def test_a_directory_that_is_not_empty_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "d/keep").mkdir(parents=True)
    assert "not empty" in file(tmp_path / "d", src="/etc", state="link", force=True)["msg"]
    assert (tmp_path / "d/keep").is_dir()


def test_absent_removes_a_link_and_not_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "d/x").mkdir(parents=True)
    (tmp_path / "l").symlink_to("d")
    assert file(tmp_path / "l", state="absent")["changed"]
    assert (tmp_path / "d/x").is_dir()
    assert file(tmp_path / "l", state="absent")["changed"] is False


def test_touch_sets_times_and_makes_empty_files(tmp_path: Path) -> None:
    kept: dict[str, Any] = {"modification_time": "preserve", "access_time": "preserve"}
    assert file(tmp_path / "f", state="touch", **kept)["changed"]
    assert file(tmp_path / "f", state="touch", **kept)["changed"] is False
    assert file(tmp_path / "f", state="touch", access_time="preserve", modification_time="201001021530.00")["changed"]
    assert (tmp_path / "f").stat().st_mtime < 1.3e9
    assert file(tmp_path / "f", state="touch")["changed"]
    assert (tmp_path / "f").stat().st_mtime > 1.7e9
    assert "is not a time" in file(tmp_path / "f", state="touch", access_time="soon")["msg"]


def test_recursion_changes_everything_below_and_says_what(tmp_path: Path) -> None:
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / "d/e/f").touch(0o600)
    (tmp_path / "d/run").touch(0o700)
    result = file(tmp_path / "d", state="directory", recurse=True, mode="u=rwX,go=rX")
    assert mode_of(tmp_path / "d/e/f") == "0644"
    assert mode_of(tmp_path / "d/run") == "0755"
    assert str(tmp_path / "d/e/f") in str(result["diff"])
    assert file(tmp_path / "d", state="directory", recurse=True, mode="u=rwX,go=rX")["changed"] is False


def test_f5_recursion_does_not_leave_through_a_link_others_could_make(tmp_path: Path) -> None:
    (tmp_path / "outside").touch(0o600)
    (tmp_path / "d").mkdir()
    (tmp_path / "d").chmod(0o777)  # somebody else can put links here
    (tmp_path / "d/trap").symlink_to("../outside")
    file(tmp_path / "d", state="directory", recurse=True, mode="a+rwX")
    assert mode_of(tmp_path / "outside") == "0600"


def test_check_mode_foresees_what_earlier_tasks_would_have_made(tmp_path: Path) -> None:
    made = {"path": {str(tmp_path / "d"): {"kind": "directory", "mode": "0755"}}}
    assert file(tmp_path / "d", check=True, predicted=made, state="directory", mode="0755")["changed"] is False
    assert file(tmp_path / "d/f", check=True, predicted=made, state="touch")["changed"]
    assert file(tmp_path / "l", check=True, predicted=made, src="d", state="link")["changed"]
    assert "does not exist yet" in file(tmp_path / "l", check=True, src="e", state="link")["unknown"]
    (tmp_path / "old").touch()
    gone = {"path": {str(tmp_path / "old"): {"kind": "absent"}}}
    assert file(tmp_path / "old", check=True, predicted=gone, state="absent")["changed"] is False
