from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from provisioner.history.origin import birth_of, here, revision_of


def test_a_process_is_told_from_others_that_have_had_its_number() -> None:
    assert birth_of(os.getpid()) == birth_of(os.getpid()) != birth_of(1)
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert birth_of(gone.pid) == ""


def test_who_became_root_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "root")
    monkeypatch.setenv("SUDO_USER", "ada")
    assert here().user == "ada (as root)"


def test_a_folder_outside_of_any_repository_has_no_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert revision_of(tmp_path) is None
    assert revision_of(tmp_path / "not there") is None


def test_without_git_there_is_no_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert revision_of(Path(__file__).parent) is None
