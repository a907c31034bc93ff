"""`unarchive`: what is unpacked, and every archive that is not."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from provisioner.actions.base import content_of
from provisioner.remote import archives
from provisioner.testing.inprocess import run_module

Member = tuple[str, bytes, dict[str, Any]]


def tar(*members: Member, mode: str = "w:gz") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data, more in members:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_500_000_000
            for key, value in more.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    return packed.getvalue()


def file(name: str, data: bytes = b"x", **more: Any) -> Member:
    return name, data, more


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> Member:
    return name, b"", {"type": kind, "linkname": target}


def unarchive(dest: Path, packed: bytes, *, check: bool = False, **args: Any) -> dict[str, Any]:
    content = content_of(packed)
    given = {"src": "a", "dest": str(dest), "_content": content.reference(), **args}
    return run_module("unarchive", given, contents=[content], diff=True, check=check, verify=not check)


def names(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


GOOD = (
    file("a/", b"", type=tarfile.DIRTYPE, mode=0o750),
    file("a/run", b"#!", mode=0o755),
    file("./a/b/c", b"deep"),
    link("a/l", "b/c"),
)


@pytest.mark.parametrize(
    ("mode", "handler"),
    [("w:", "TarArchive"), ("w:gz", "TgzArchive"), ("w:bz2", "TarBzipArchive"), ("w:xz", "TarXzArchive")],
)
def test_tars_are_unpacked_once(tmp_path: Path, mode: str, handler: str) -> None:
    first = unarchive(tmp_path, tar(*GOOD, mode=mode), list_files=True)
    assert first["changed"]
    assert first["handler"] == handler
    assert first["files"] == ["a", "a/run", "a/b/c", "a/l"]
    assert (tmp_path / "a/b/c").read_bytes() == b"deep"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o750
    assert (tmp_path / "a/run").stat().st_mtime == 1_500_000_000
    assert os.readlink(tmp_path / "a/l") == "b/c"
    assert unarchive(tmp_path, tar(*GOOD, mode=mode))["changed"] is False


def test_a_zip_is_unpacked_once(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("d/", b"")
        archive.writestr("d/f", b"text" * 1000)
        entry = zipfile.ZipInfo("d/run")
        entry.external_attr = (stat.S_IFREG | 0o755) << 16
        archive.writestr(entry, b"#!")
        entry = zipfile.ZipInfo("d/l")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, b"f")
    assert unarchive(tmp_path, packed.getvalue())["handler"] == "ZipArchive"
    assert (tmp_path / "d/l").read_bytes() == b"text" * 1000
    assert os.access(tmp_path / "d/run", os.X_OK)
    assert unarchive(tmp_path, packed.getvalue())["changed"] is False


def test_only_what_differs_is_written_and_check_mode_says_the_same(tmp_path: Path) -> None:
    unarchive(tmp_path, tar(*GOOD))
    (tmp_path / "a/b/c").write_bytes(b"DEEP")  # the same size
    (tmp_path / "a/run").chmod(0o600)
    expected = {"prepared": "~ a/run\n~ a/b/c\n"}
    assert unarchive(tmp_path, tar(*GOOD), check=True)["diff"] == expected
    assert (tmp_path / "a/b/c").read_bytes() == b"DEEP"
    assert unarchive(tmp_path, tar(*GOOD))["diff"] == expected
    assert (tmp_path / "a/b/c").read_bytes() == b"deep"


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([file("../out")], "leads out"),
        ([file("a/../../out")], "leads out"),
        ([file("/etc/out")], "absolute name"),
        ([link("l", "../.."), file("l/out")], "out of the destination"),
        ([link("l", "/etc"), file("x")], "out of the destination"),
        ([link("l", "a"), file("l/x")], "through a link"),
        ([file("l/x"), link("l", "a")], "through a link"),
        ([link("l", "."), file("l"), file("l/x")], "through a link"),
        ([link("h", "/etc/passwd", tarfile.LNKTYPE)], "absolute name"),
        ([link("h", "../secret", tarfile.LNKTYPE)], "leads out"),
        ([link("h", "not-there", tarfile.LNKTYPE)], "not a file before it"),
        ([link("l", "x"), link("h", "l", tarfile.LNKTYPE)], "not a file before it"),
        ([file("d", b"", type=tarfile.CHRTYPE, devmajor=1, devminor=3)], "is a device"),
        ([file("p", b"", type=tarfile.FIFOTYPE)], "is a device"),
    ],
)
def test_f8_an_archive_that_reaches_out_is_refused_as_a_whole(
    tmp_path: Path, members: list[Member], words: str
) -> None:
    dest = tmp_path / "dest"
    dest.mkdir()
    for check in (True, False):
        result = unarchive(dest, tar(file("innocent"), *members), check=check)
        assert result["failed"]
        assert words in result["msg"]
        assert "exception" not in result
    assert names(tmp_path) == ["dest"]


def test_f8_a_zip_that_reaches_out_is_refused(tmp_path: Path) -> None:
    for name in ("../out", "/out", "..\\out"):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(zipfile.ZipInfo(name), b"x")
        assert unarchive(tmp_path, packed.getvalue())["failed"]
    assert names(tmp_path) == []


def test_f8_bombs_are_refused_before_they_are_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "SUSPECT_SIZE", 1 << 20)
    assert "times its size" in unarchive(tmp_path, tar(file("zeros", bytes(20 << 20))))["msg"]
    monkeypatch.setattr(archives, "MOST_ENTRIES", 3)
    assert "more than 3 entries" in unarchive(tmp_path, tar(*(file(f"f{n}") for n in range(4))))["msg"]
    assert names(tmp_path) == []


def test_f8_set_user_bits_are_dropped(tmp_path: Path) -> None:
    unarchive(tmp_path, tar(file("s", mode=0o6755)))
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o755


def test_f8_of_two_entries_with_one_name_the_last_counts(tmp_path: Path) -> None:
    packed = tar(file("f", b"first"), link("g", "f"), file("f", b"last"), file("g", b"file"))
    assert unarchive(tmp_path, packed)["changed"]
    assert (tmp_path / "f").read_bytes() == b"last"
    assert (tmp_path / "g").read_bytes() == b"file"
    assert not (tmp_path / "g").is_symlink()


def test_f8_a_link_that_is_there_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("precious")
    (tmp_path / "dest").mkdir()
    (tmp_path / "dest/f").symlink_to("../outside")
    assert unarchive(tmp_path / "dest", tar(file("f", b"new")))["changed"]
    assert (tmp_path / "outside").read_text() == "precious"


def test_hard_links_become_one_file(tmp_path: Path) -> None:
    unarchive(tmp_path, tar(file("a"), link("b", "a", tarfile.LNKTYPE)))
    assert (tmp_path / "a").stat().st_ino == (tmp_path / "b").stat().st_ino


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({"extra_opts": ["--strip-components=1"]}, ["b", "b/c", "l", "run"]),
        ({"extra_opts": ["--strip-components", "2"]}, ["c"]),
        ({"exclude": ["a/b", "*.x"]}, ["a", "a/l", "a/run"]),
        ({"include": ["a/run"]}, ["a", "a/run"]),
        ({"extra_opts": ["--exclude=a/*"]}, ["a"]),
    ],
)
def test_parts_of_an_archive(tmp_path: Path, args: dict[str, Any], expected: list[str]) -> None:
    unarchive(tmp_path, tar(*GOOD), **args)
    assert names(tmp_path) == expected


def test_newer_files_are_kept_when_asked_for(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("mine")
    assert unarchive(tmp_path, tar(file("f", b"theirs", mode=0o644)), keep_newer=True)["changed"] is False
    assert (tmp_path / "f").read_text() == "mine"


@pytest.mark.parametrize(
    "packed", [b"", b"plain text", b"PK\3\4 not a zip", b"\x1f\x8b not gzip", tar(*GOOD)[:-20], b"\x28\xb5\x2f\xfd...."]
)
def test_what_is_no_archive_is_told(tmp_path: Path, packed: bytes) -> None:
    result = unarchive(tmp_path, packed)
    assert result["failed"]
    assert "exception" not in result
    assert names(tmp_path) == []
