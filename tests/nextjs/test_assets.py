"""Which old files of `_next/static` stay, and how they come to the tree that the web server serves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provisioner.remote.nextjs import assets
from provisioner.remote.nextjs.layout import Layout
from provisioner.testing.inprocess import make_context, run_module

HOUR = 3600.0
NOW = 100 * HOUR
RECORDS = {name: {"until": until * HOUR, "files": []} for name, until in
           {"new": 100, "last": 90, "older": 50, "oldest": 10}.items()}  # fmt: skip


@pytest.mark.parametrize(("present", "releases", "hours", "gone"), [
    (set(), 1, 5, ["last", "older", "oldest"]),
    (set(), 2, 5, ["older", "oldest"]),
    (set(), 1, 24, ["older", "oldest"]),
    ({"older"}, 1, 24, ["oldest"]),
    ({"older", "oldest"}, 1, 0, ["last"]),
    (set(), 9, 0, []),
])  # fmt: skip
def test_files_go_when_they_are_neither_of_a_kept_release_nor_young(
    present: set[str], releases: int, hours: float, gone: list[str]
) -> None:
    assert assets.expired(RECORDS, present, releases, hours, NOW) == gone


class Host:
    def __init__(self, root: Path) -> None:
        self.layout = Layout("shop", str(root))
        self.ctx = make_context()

    def release(self, name: str, files: dict[str, str]) -> None:
        for path, text in files.items():
            file = Path(self.layout.release(name), ".next/static", path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        Path(self.layout.release(name), "RELEASE.json").write_text(f'{{"fingerprint": "{name}", "created": "{name}"}}')
        assets.publish(self.ctx, self.layout)

    def served(self) -> dict[str, str]:
        root = Path(self.layout.static, "_next/static")
        return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}

    def prune(self, **more: object) -> dict[str, object]:
        args = {"name": "shop", "place": self.layout.root, "keep": 1, "keep_releases": 1, "keep_hours": 0, **more}
        return run_module("nextjs_prune", args)


def test_files_of_all_releases_are_served_as_the_releases_own(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.release("r1", {"chunks/a.js": "a", "r1/_buildManifest.js": "1"})
    host.release("r2", {"chunks/a.js": "a", "chunks/b.js": "b", "r2/_buildManifest.js": "2"})
    assert host.served() == {
        "chunks/a.js": "a", "chunks/b.js": "b", "r1/_buildManifest.js": "1", "r2/_buildManifest.js": "2",
    }  # fmt: skip
    assert os.path.samefile(f"{host.layout.static}/_next/static/chunks/b.js",
                            f"{host.layout.release('r2')}/.next/static/chunks/b.js")  # fmt: skip


def test_the_newer_release_wins_where_two_builds_call_themselves_the_same(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.release("r1", {"same/_buildManifest.js": "1"})
    host.release("r2", {"same/_buildManifest.js": "2"})
    assert host.served() == {"same/_buildManifest.js": "2"}
    assert Path(host.layout.release("r1"), ".next/static/same/_buildManifest.js").read_text() == "1"


def test_pruning_removes_what_only_forgotten_releases_have(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.release("r1", {"chunks/a.js": "a", "r1/_buildManifest.js": "1"})
    host.release("r2", {"chunks/a.js": "a", "chunks/b.js": "b"})
    assert host.prune(keep_hours=24)["changed"]
    assert not Path(host.layout.release("r1")).exists()
    assert "r1/_buildManifest.js" in host.served()
    assert host.prune()["changed"]
    assert host.served() == {"chunks/a.js": "a", "chunks/b.js": "b"}
    assert not Path(host.layout.static, "_next/static/r1").exists()
    assert not host.prune()["changed"]
