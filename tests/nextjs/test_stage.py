"""Releases put together from a build, sent as differences, and refused when they are not what was sent."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from provisioner.actions.base import content_of
from provisioner.messages import Content
from provisioner.remote.nextjs import manifest
from provisioner.testing.inprocess import run_module

APP = {
    "package.json": "{}", ".next/BUILD_ID": "b1", ".next/static/chunks/a.js": "old", ".next/server/app/page.js": "p",
    ".next/server/app/news.html": "<1>", ".next/cache/webpack/0": "cache", "node_modules/next/index.js": "n" * 5000,
}  # fmt: skip
ODD = "public/-a \n'ü"


class Machine:
    """A place where releases are made, as on a host but for owners."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "releases").mkdir(parents=True)

    def path(self, release: str, name: str = "") -> Path:
        return self.root / "releases" / release / name

    def build(self, files: Mapping[str, str], release: str, **more: Any) -> dict[str, Any]:
        tree = self.root / "build/tree"
        for name, text in files.items():
            path = tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return self.stage(release, **more)

    def stage(self, release: str, archive: Content | None = None, **about: Any) -> dict[str, Any]:
        told = {"fingerprint": release, "created": release, **about}
        args: dict[str, Any] = {"name": "shop", "place": str(self.root), "release": release, "about": told}
        if archive is not None:
            args["archive"] = archive.reference()
        return run_module("nextjs_stage", args, contents=[archive] if archive else [])

    def pack(self, release: str, base: str | None = None) -> Content:
        sent = io.BytesIO()
        args = {"name": "shop", "place": str(self.root), "release": release, **({"base": base} if base else {})}
        result = run_module("nextjs_pack", args, sent=sent)
        assert not result.get("failed"), result
        assert result["sha256"] == content_of(sent.getvalue()).sha256
        return content_of(sent.getvalue())

    def tree(self, release: str) -> manifest.Manifest:
        return manifest.read_tree(str(self.path(release)))


def two_releases(tmp_path: Path) -> tuple[Machine, Machine, str, str]:
    """r1 on both machines, r2 on the first."""
    here, there = Machine(tmp_path / "here"), Machine(tmp_path / "there")
    first = here.build({**APP, ODD: "odd"}, "r1")["manifest"]
    assert there.stage("r1", here.pack("r1"), manifest=first)["changed"]
    second = here.build({".next/static/chunks/b.js": "new", ".next/BUILD_ID": "b2"}, "r2")["manifest"]
    return here, there, first, second


def test_a_release_is_the_build_without_its_caches(tmp_path: Path) -> None:
    here = Machine(tmp_path)
    result = here.build({**APP, ODD: "odd"}, "r1")
    assert {str(path) for path in here.tree("r1")} == {*APP, ODD} - {".next/cache/webpack/0"}
    assert result["size"] == result["added"] == sum(len(text) for text in APP.values()) - len("cache") + len("odd")
    assert not here.stage("r1")["changed"]


def test_the_same_release_arrives_on_another_host(tmp_path: Path) -> None:
    here, there, _, second = two_releases(tmp_path)
    assert there.stage("r2", here.pack("r2"), manifest=second)["manifest"] == second
    assert there.tree("r2") == here.tree("r2")
    assert there.path("r1", "MANIFEST.json").read_bytes() == here.path("r1", "MANIFEST.json").read_bytes()


def test_only_what_differs_is_sent_and_the_rest_is_the_earlier_releases(tmp_path: Path) -> None:
    here, there, first, second = two_releases(tmp_path)
    archive = here.pack("r2", first)
    assert archive.size < 1500 < len(APP["node_modules/next/index.js"])
    result = there.stage("r2", archive, manifest=second)
    assert result["manifest"] == second
    assert result["size"] - result["added"] == len(APP["node_modules/next/index.js"]) + 8
    assert there.tree("r2") == here.tree("r2")
    for machine in (here, there):
        assert os.path.samefile(*(machine.path(name, "node_modules/next/index.js") for name in ("r1", "r2")))
        assert not os.path.samefile(*(machine.path(name, ".next/server/app/page.js") for name in ("r1", "r2")))


def test_pages_that_the_app_made_anew_meanwhile_are_no_obstacle(tmp_path: Path) -> None:
    here, there, first, second = two_releases(tmp_path)
    for machine in (here, there):
        machine.path("r1", ".next/server/app/news.html").write_text("<made anew>")
    here.path("r2", ".next/server/app/news.html").write_text("<made anew, too>")
    assert there.stage("r2", here.pack("r2", first), manifest=second)["manifest"] == second
    assert there.path("r2", ".next/server/app/news.html").read_text() == "<made anew, too>"


def test_a_host_whose_earlier_release_was_edited_asks_for_all(tmp_path: Path) -> None:
    here, there, first, second = two_releases(tmp_path)
    there.path("r1", "node_modules/next/index.js").write_text("edited by hand")
    assert there.stage("r2", here.pack("r2", first), manifest=second).get("lacking")
    assert not there.path("r2").exists()
    assert there.stage("r2", here.pack("r2"), manifest=second)["changed"]
    assert there.tree("r2") == here.tree("r2")


def test_a_host_without_the_earlier_release_asks_for_all(tmp_path: Path) -> None:
    here, _, first, second = two_releases(tmp_path)
    other = Machine(tmp_path / "other")
    assert other.stage("r2", here.pack("r2", first), manifest=second).get("lacking")


def test_an_edited_release_is_not_taken_over_into_the_next_build(tmp_path: Path) -> None:
    here = Machine(tmp_path)
    here.build(APP, "r1")
    here.path("r1", "node_modules/next/index.js").write_text("edited by hand")
    here.build({}, "r2")
    assert here.path("r2", "node_modules/next/index.js").read_text() == APP["node_modules/next/index.js"]


def test_what_is_damaged_on_its_way_is_refused_and_nothing_is_kept(tmp_path: Path) -> None:
    here, there, first, second = two_releases(tmp_path)
    here.path("r2", ".next/static/chunks/b.js").write_text("spoilt")
    result = there.stage("r2", here.pack("r2", first), manifest=second)
    assert result["failed"]
    assert "is not the one that was sent: 1 changed (.next/static/chunks/b.js)" in result["msg"]
    cut_off = content_of((here.pack("r2").data or b"")[:-200])
    result = there.stage("r2", cut_off, manifest=second)
    assert result["failed"]
    assert "can't be unpacked" in result["msg"]
    assert os.listdir(there.root / "releases") == ["r1"]


def test_another_release_than_the_one_announced_is_refused(tmp_path: Path) -> None:
    here, there, first, _ = two_releases(tmp_path)
    assert "another manifest" in there.stage("r2", here.pack("r2", first), manifest="0" * 64)["msg"]


def test_the_oldest_builds_go_and_what_was_started_on_the_same_host_is_still_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provisioner.remote.nextjs.layout.RELEASE_JOURNALS", str(tmp_path / "apps"))
    known = tmp_path / "apps/shop/releases/r1.json"
    known.parent.mkdir(parents=True)
    known.write_text("{}")
    here = Machine(tmp_path / "place")
    here.build(APP, "r1")
    here.build({}, "r2")
    result = run_module("nextjs_prune", {"name": "shop", "place": str(here.root), "keep": 1})
    assert not result.get("failed"), result
    assert os.listdir(here.root / "releases") == ["r2"]
    assert known.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_another_user_built_is_that_users_no_longer(tmp_path: Path) -> None:
    here = Machine(tmp_path)
    here.build(APP, "r1")
    for path in (here.root / "build/tree").rglob("*"):
        os.chown(path, 65534, 65534)
    here.build({"public/new.txt": "x"}, "r2")
    assert {path.stat().st_uid for path in here.path("r2").rglob("*")} == {0}
