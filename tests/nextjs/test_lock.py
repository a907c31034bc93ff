"""Whether a release is under way can be seen without waiting for it."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from provisioner.remote.nextjs import lock
from provisioner.remote.nextjs.layout import Layout


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.setattr("provisioner.remote.nextjs.layout.LOCKS", str(tmp_path))
    return Layout("shop")


def test_no_release_is_under_way_where_there_never_was_one(layout: Layout) -> None:
    assert not lock.is_held(layout)


def test_a_lock_that_somebody_holds_is_seen(layout: Layout) -> None:
    with Path(layout.lock).open("w") as file:
        assert not lock.is_held(layout)
        fcntl.flock(file, fcntl.LOCK_EX)
        assert lock.is_held(layout)
    assert not lock.is_held(layout)
