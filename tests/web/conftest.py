from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.web.examples import fill


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of `examples.fill`; nobody writes to it."""
    file = tmp_path_factory.mktemp("record") / "history.db"
    fill(file)
    return file


@pytest.fixture
def file(filled: Path, tmp_path: Path) -> Path:
    """A copy of it for a test."""
    return Path(shutil.copy(filled, tmp_path / "history.db"))
