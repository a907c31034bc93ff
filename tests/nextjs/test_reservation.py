"""A place where apps are built is one build's at a time."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

from provisioner.remote.identity import identity
from provisioner.testing.inprocess import run_module


def reserve(place: Path, token: str = "mine", **more: Any) -> Any:
    result = run_module("nextjs_reserve", {"name": "shop", "place": str(place), "token": token, **more})
    assert not result.get("failed"), result
    return result["holder"]


def test_it_is_made_and_kept_until_it_is_given_back(tmp_path: Path) -> None:
    place = tmp_path / "apps/shop"
    assert reserve(place) is None
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert reserve(place, "other").startswith("process ")
    assert reserve(place) is None  # asked once more by the one that has it
    reserve(place, "other", state="free")
    assert reserve(place, "other") is not None
    reserve(place, state="free")
    assert reserve(place, "other") is None


def test_one_that_died_has_it_no_longer(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as holder:
        note = {"token": "theirs", "process": identity(holder.pid), "since": 0}
        (tmp_path / "lock").write_text(json.dumps(note))
        assert f"process {holder.pid}, for " in reserve(tmp_path)
        holder.kill()
        holder.wait()
        assert reserve(tmp_path) is None


def test_a_number_that_another_process_has_now_counts_for_nothing(tmp_path: Path) -> None:
    own = identity(1)
    assert own is not None
    (tmp_path / "lock").write_text(json.dumps({"token": "theirs", "process": [1, "0", own[2]], "since": 0}))
    assert reserve(tmp_path) is None


def test_a_note_that_was_cut_off_is_nobodys(tmp_path: Path) -> None:
    for text in ("", '{"token": "th', "[]", '{"token": "theirs", "process": null}'):
        (tmp_path / "lock").write_text(text)
        assert reserve(tmp_path) is None
        reserve(tmp_path, state="free")


def test_check_mode_makes_nothing(tmp_path: Path) -> None:
    place = tmp_path / "shop"
    run_module("nextjs_reserve", {"name": "shop", "place": str(place), "token": "t"}, check=True)
    assert not place.exists()
