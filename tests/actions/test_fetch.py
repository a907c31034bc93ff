"""`fetch`: where files land, and that no host can choose another place."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.actions import fetch
from provisioner.testing.inprocess import run_module


@dataclass
class LocalDriving:
    """As much of a `Driving` as `fetch` uses; the host is this process."""

    args: Mapping[str, Any]
    host: str = "web1"
    check: bool = False
    calls: list[str] = field(default_factory=list)

    def call(self, module: str, args: Mapping[str, Any], *, sink: Any = None) -> dict[str, Any]:
        self.calls.append(module)
        sent = io.BytesIO()
        result = run_module(module, args, check=self.check, sent=sent)
        if sink is not None:
            sink.write(sent.getvalue())
        return result


def fetched(
    tmp_path: Path, source: Path | str, *, host: str = "web1", check: bool = False, **args: Any
) -> dict[str, Any]:
    call: Any = LocalDriving({"src": str(source), "dest": str(tmp_path / "out"), **args}, host, check)
    return dict(fetch.run(call))


def test_a_file_lands_below_host_and_path(tmp_path: Path) -> None:
    source = tmp_path / "remote/f"
    source.parent.mkdir()
    source.write_bytes(b"\0data")
    expected = tmp_path / "out/web1" / str(source).lstrip("/")
    first = fetched(tmp_path, source)
    assert first["changed"]
    assert first["dest"] == str(expected)
    assert expected.read_bytes() == b"\0data"
    again = fetched(tmp_path, source)
    assert again["changed"] is False
    assert first["md5sum"] == again["md5sum"] == hashlib.md5(b"\0data").hexdigest()
    source.write_bytes(b"new")
    assert fetched(tmp_path, source, check=True)["changed"]
    assert expected.read_bytes() == b"\0data"
    assert fetched(tmp_path, source)["changed"]
    assert [path.name for path in expected.parent.iterdir()] == ["f"]


def test_flat_takes_the_name_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    assert fetched(tmp_path, tmp_path / "f", flat=True)["dest"] == str(tmp_path / "out")
    assert fetched(tmp_path, tmp_path / "f", flat=True, dest=f"{tmp_path}/d/")["dest"] == str(tmp_path / "d/f")


@given(
    st.one_of(st.text(max_size=30), st.from_regex(r"\A(\.\./|/|\\|a|\.){0,12}\Z")),
    st.sampled_from(["web1", "..", "a/b", "../../x", ".", ""]),
)
def test_f9_nothing_lands_outside_of_dest(source: str, host: str) -> None:
    try:
        target = fetch.destination(source, "out", host, flat=False)
    except ValueError:
        return
    assert target.parts[:2] == ("out", "web1")
    assert ".." not in target.parts


def test_f9_a_link_below_dest_is_not_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/web1").symlink_to("/tmp")
    assert "leads out" in fetched(tmp_path, tmp_path / "f")["msg"]


def test_what_is_not_there_fails_unless_told_otherwise(tmp_path: Path) -> None:
    assert fetched(tmp_path, "/nope")["failed"]
    ignored = fetched(tmp_path, "/nope", fail_on_missing=False)
    assert not ignored.get("failed")
    assert "ignored" in ignored["msg"]
    assert "unknown" in fetched(tmp_path, "/nope", check=True)
    assert "directory" in fetched(tmp_path, tmp_path)["msg"]


def test_a_file_cut_on_the_way_is_not_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").write_text("whole")
    call: Any = LocalDriving({"src": str(tmp_path / "f"), "dest": str(tmp_path / "out"), "flat": True})
    real = call.call

    def cut(module: str, args: Mapping[str, Any], *, sink: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = real(module, args)
        sink.write(b"who")
        return result

    monkeypatch.setattr(call, "call", cut)
    assert "changed on the host" in fetch.run(call)["msg"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f"]
