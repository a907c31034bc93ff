"""Replacing files: whole or not at all, with mode, owner and links kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provisioner.diag import UsageError
from provisioner.vault.files import read, replace


def test_mode_and_links_are_kept(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to("real")
    replace(str(link), b"new")
    assert real.read_text() == "new"
    assert real.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["link", "real"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("old")
    os.chown(file, 1234, 1235)
    replace(str(file), b"new")
    assert (file.stat().st_uid, file.stat().st_gid) == (1234, 1235)


def test_a_new_file_is_private(tmp_path: Path) -> None:
    replace(str(tmp_path / "f"), b"x")
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").write_text("old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="cannot be written: No space left"):
        replace(str(tmp_path / "f"), b"new")
    assert (tmp_path / "f").read_text() == "old"
    assert os.listdir(tmp_path) == ["f"]


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read(str(tmp_path / "f"))
