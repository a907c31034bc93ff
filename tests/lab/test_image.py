from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.diag import LabError
from provisioner.lab import Lab, image


def silent(progress: image.Progress) -> None:
    pass


def test_an_unknown_release_is_refused_with_a_near_name(tmp_path: Path) -> None:
    with pytest.raises(LabError) as caught:
        image.ensure(tmp_path, "bookwurm", (), silent)
    assert caught.value.hint == "did you mean `bookworm`?"


@pytest.mark.parametrize("package", ["-y", "a;b", "../x", "A", ""])
def test_what_is_no_package_name_never_reaches_apt(tmp_path: Path, package: str) -> None:
    with pytest.raises(LabError, match="is not a Debian package name"):
        image.ensure(tmp_path, "bookworm", (package,), silent)


def test_an_unfinished_build_is_removed_and_a_finished_one_kept(tmp_path: Path) -> None:
    (tmp_path / "bookworm-1.building/rootfs").mkdir(parents=True)
    (tmp_path / "bookworm-1.lock").touch()
    (tmp_path / "bookworm-0/rootfs").mkdir(parents=True)
    image.remove_unfinished(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["bookworm-0"]


def test_a_package_that_does_not_exist_is_named_and_leaves_nothing(lab: Lab, tmp_path: Path) -> None:
    lab.up(count=0)
    for base in lab.cache_dir.glob("bookworm-*"):
        if "+" not in base.name:
            (tmp_path / base.name).symlink_to(base)
    with pytest.raises(LabError, match="Unable to locate package no-such-package"):
        image.ensure(tmp_path, "bookworm", ("no-such-package",), silent)
    assert [path.name for path in tmp_path.iterdir() if not path.is_symlink()] == []
