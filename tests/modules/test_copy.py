"""`copy` on the host: content, attributes, destinations, trees; and what it refuses."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from provisioner.actions.base import content_of
from provisioner.messages import Content
from provisioner.testing.inprocess import run_module

HELLO = content_of(b"hello\n")


def copy(dest: Path | str, content: Content = HELLO, **args: Any) -> dict[str, Any]:
    options = {name: args.pop(name) for name in ("check", "predicted") if name in args}
    given = {"dest": str(dest), "_content": content.reference(), "_sha1": "s", **args}
    return run_module("copy", given, diff=True, verify=not options.get("check"), contents=[content], **options)


def mode_of(path: Path) -> str:
    return f"{stat.S_IMODE(path.lstat().st_mode):04o}"


def test_md5sum_is_told_of_content_that_was_written_and_is_no_secret(tmp_path: Path) -> None:
    assert "md5sum" not in copy(tmp_path / "f", check=True)
    assert copy(tmp_path / "f")["md5sum"] == "b1946ac92492d2347c6235b4d2611184"
    assert "md5sum" not in copy(tmp_path / "f", mode="0604")
    assert "md5sum" not in copy(tmp_path / "g", _secret=True)


def test_an_unchanged_file_is_looked_at_once_and_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy(tmp_path / "f", mode="0644", owner=str(os.getuid()))
    calls: list[str] = []
    real_stat, real_open = os.stat, os.open

    def counted_stat(path: Any, **options: Any) -> os.stat_result:
        calls.append("stat")
        return real_stat(path, **options)

    def counted_open(path: Any, *args: Any, **options: Any) -> int:
        calls.append("open")
        return real_open(path, *args, **options)

    monkeypatch.setattr(os, "stat", counted_stat)
    monkeypatch.setattr(os, "open", counted_open)
    assert copy_once(tmp_path / "f")["changed"] is False
    assert calls == ["stat", "open"]


def copy_once(path: Path) -> dict[str, Any]:
    args = {"dest": str(path), "_content": HELLO.reference(), "mode": "0644", "owner": str(os.getuid())}
    return run_module("copy", args, contents=[HELLO])


def test_f1_nobody_sees_a_private_file_with_other_bits(tmp_path: Path) -> None:
    seen: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for path in tmp_path.iterdir():
                with contextlib.suppress(FileNotFoundError):  # a new file on its way to its name
                    seen.add(mode_of(path))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for number in range(200):
            copy(tmp_path / f"secret{number % 5}", content_of(b"x" * (1000 + number)), mode="0600")
    finally:
        done.set()
        watcher.join()
    assert seen == {"0600"}


def test_f3_owner_and_mode_are_set_before_there_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    for name in ("fchown", "fchmod", "rename"):
        monkeypatch.setattr(os, name, _noted(order, name, getattr(os, name)))
    copy(tmp_path / "f", mode="0640", owner=str(os.getuid()), group=str(os.getgid()))
    assert order[-1] == "rename"
    assert "fchmod" in order


def _noted(order: list[str], name: str, real: Any) -> Any:
    def call(*args: Any, **options: Any) -> Any:
        order.append(name)
        return real(*args, **options)

    return call


def test_f4_a_pipe_or_device_in_the_way_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for check in (True, False):
        result = copy(tmp_path / "pipe", check=check)
        assert result["failed"]
        assert "fifo" in result["msg"]


def test_f4_a_link_in_place_of_the_file_is_replaced_and_its_target_kept(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("precious")
    (tmp_path / "link").symlink_to("target")
    assert copy(tmp_path / "link")["changed"]
    assert (tmp_path / "target").read_text() == "precious"
    assert not (tmp_path / "link").is_symlink()


def test_with_follow_the_target_of_a_link_is_changed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    assert copy(tmp_path / "link", follow=True)["dest"] == str(tmp_path / "target")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "hello\n"


def test_f11_other_hard_links_keep_the_old_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    os.link(tmp_path / "a", tmp_path / "b")
    assert copy(tmp_path / "a")["changed"]
    assert (tmp_path / "b").read_text() == "old"


def test_f11_extended_attributes_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    os.setxattr(tmp_path / "a", "user.note", b"kept")
    assert copy(tmp_path / "a")["changed"]
    assert os.getxattr(tmp_path / "a", "user.note") == b"kept"


def test_a_bound_file_gives_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("old")

    def busy(*_: Any, **__: Any) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(os, "rename", busy)
    result = copy(tmp_path / "a")
    assert "mount point" in result["msg"]
    assert (tmp_path / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("data", [b"", b"no end", b"a\r\nb\r\n", "ünï\n".encode(), b"\xff\xfe", b"\0\1"])
def test_content_arrives_byte_for_byte(tmp_path: Path, data: bytes) -> None:
    assert copy(tmp_path / "f", content_of(data))["changed"]
    assert (tmp_path / "f").read_bytes() == data
    assert not copy(tmp_path / "f", content_of(data))["changed"]


def test_the_diff_shows_text_and_tells_of_binary_large_and_secret_content(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old\n")
    (text,) = copy(tmp_path / "f", _label="files/f")["diff"]
    assert text == {
        "before_header": str(tmp_path / "f"),
        "after_header": "files/f",
        "before": "old\n",
        "after": "hello\n",
    }
    (binary,) = copy(tmp_path / "f", content_of(b"\0" * 10))["diff"]
    assert "binary" in binary["after"]
    assert "\0" not in str(binary)
    assert "100000000" not in str(copy(tmp_path / "f", content_of(b"1" + b"0" * 200_000))["diff"])
    (hidden,) = copy(tmp_path / "f", content_of(b"password"), _secret=True)["diff"]
    assert "password" not in str(hidden)
    assert hidden["before"] != hidden["after"]


def test_a_copy_on_the_host_tells_its_checksum_and_path_as_ansible_does(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    args = {"src": str(tmp_path / "a"), "dest": str(tmp_path / "b"), "remote_src": True}
    made, there = run_module("copy", args), run_module("copy", args)
    assert made["checksum"] == there["checksum"] == hashlib.sha1(b"x").hexdigest()
    assert ("path" in made, there["path"]) == (False, str(tmp_path / "b"))


def test_links_of_a_directory_of_the_host_that_lead_nowhere_or_back_stay_links(tmp_path: Path) -> None:
    (tmp_path / "src/d").mkdir(parents=True)
    for name, target in {"d/up": "..", "gone": "nothing", "self": "self"}.items():
        (tmp_path / "src" / name).symlink_to(target)
    args = {"src": f"{tmp_path}/src/", "dest": str(tmp_path / "out"), "remote_src": True}
    assert [run_module("copy", args)["changed"] for _ in range(2)] == [True, False]
    assert [os.readlink(tmp_path / "out" / name) for name in ("d/up", "gone", "self")] == ["..", "nothing", "self"]


def test_check_mode_foresees_directories_and_users_of_earlier_tasks(tmp_path: Path) -> None:
    predicted = {"path": {str(tmp_path / "new"): {"kind": "directory"}}, "user": {"app-to-be": {"kind": "user"}}}
    result = copy(tmp_path / "new/f", owner="app-to-be", check=True, predicted=predicted)
    assert result["changed"]
    assert result["owner"] == "app-to-be"
    assert result["predictions"][0][:2] == ["path", str(tmp_path / "new/f")]
    assert not (tmp_path / "new").exists()


def test_check_mode_foresees_a_link_to_a_directory(tmp_path: Path) -> None:
    (tmp_path / "r1").mkdir()
    (tmp_path / "r1/f").write_bytes(HELLO.data or b"")
    predicted = {"path": {str(tmp_path / "current"): {"kind": "link", "target": "r1"}}}
    assert copy(tmp_path / "current/f", check=True, predicted=predicted)["changed"] is False


def test_what_check_mode_cannot_know_is_unknown(tmp_path: Path) -> None:
    assert "does not exist yet" in copy(tmp_path / "nowhere/f", check=True)["unknown"]
    assert "no user `app-to-be`" in copy(tmp_path / "f", owner="app-to-be", check=True)["unknown"]
    assert copy(tmp_path / "nowhere/f")["failed"]


def test_a_file_that_would_be_gone_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(HELLO.data or b"")
    predicted = {"path": {str(tmp_path / "f"): {"kind": "absent"}}}
    assert copy(tmp_path / "f", check=True, predicted=predicted)["changed"]


def test_nothing_is_put_in_place_that_the_command_refuses(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    refused = copy(tmp_path / "f", validate="grep -c nothing %s")
    assert refused["failed"]
    assert refused["rc"] == 1
    assert (tmp_path / "f").read_text() == "old"
    assert "validate must contain %s" in copy(tmp_path / "f", validate="true")["msg"]


def test_a_validated_path_is_never_split_into_words(tmp_path: Path) -> None:
    assert copy(tmp_path / "a b; touch c", validate="grep -q hello %s")["changed"]
    assert [path.name for path in tmp_path.iterdir()] == ["a b; touch c"]


@pytest.mark.parametrize(
    ("argument", "words"), [("attributes", "chattr"), ("setype", "SELinux"), ("unsafe_writes", "replaced as a whole")]
)
def test_what_is_not_supported_is_refused_in_words(tmp_path: Path, argument: str, words: str) -> None:
    given: dict[str, Any] = {argument: True if argument == "unsafe_writes" else "+i"}
    result = copy(tmp_path / "f", **given)
    assert words in result["msg"]
    assert not (tmp_path / "f").exists()


def test_an_entry_of_a_tree_never_leaves_the_destination(tmp_path: Path) -> None:
    for name in ("../out", "/etc/out", "a/../../out"):
        entry = {"path": name, "kind": "file", **HELLO.reference()}
        result = run_module("copy", {"dest": str(tmp_path / "d"), "_entries": [entry]}, contents=[HELLO])
        assert result["failed"]
        assert "has the name" in result["msg"]


def test_a_tree_is_one_change_and_its_second_copy_none(tmp_path: Path) -> None:
    entries = [{"path": f"d/f{number}", "kind": "file", **HELLO.reference()} for number in range(50)]
    entries.insert(0, {"path": "d", "kind": "directory"})
    args = {"dest": str(tmp_path / "new/deep"), "_entries": entries, "mode": "0600", "directory_mode": "0711"}
    first = run_module("copy", args, contents=[HELLO], verify=True, diff=True)
    assert first["changed"]
    assert mode_of(tmp_path / "new") == "0711"
    assert mode_of(tmp_path / "new/deep/d/f7") == "0600"
    (tmp_path / "new/deep/d").chmod(0o755)
    second = run_module("copy", args, contents=[])  # contents are not even asked for
    assert second["changed"] is False
