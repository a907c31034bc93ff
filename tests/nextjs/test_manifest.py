"""What belongs to a release, and how a tree is compared with what it should be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.remote.nextjs import manifest
from provisioner.remote.nextjs.manifest import Differences, Manifest

MANIFESTS = st.dictionaries(
    st.text(min_size=1, max_size=5), st.lists(st.text(max_size=3) | st.integers(), min_size=2, max_size=3), max_size=6
)


def make(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o644)


def test_a_tree_is_told_file_by_file_with_links_as_they_are(tmp_path: Path) -> None:
    make(tmp_path, {"a.js": "x", "dir/b": "", "RELEASE.json": "{}"})
    (tmp_path / "a.js").chmod(0o755)
    (tmp_path / "dir/link").symlink_to("../a.js")
    found = manifest.read_tree(str(tmp_path))
    assert found == {
        "a.js": ["0755", 1, "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"],
        "dir/b": ["0644", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
        "dir/link": ["link", "../a.js"],
    }
    assert manifest.decode(manifest.encode(found)) == found


@pytest.mark.parametrize(("path", "part"), [
    (".next/server/app/page.js", True), (".next/static/chunks/1.js", True), (".next/cache/fetch-cache/x", True),
    ("node_modules/next/package.json", True), ("public/trace", True), ("MANIFEST.json", False),
    ("RELEASE.json", False), ("lib/RELEASE.json", True), (".next/cache/webpack/0.pack", False),
    (".next/cache/images/x/y.webp", False), (".next/server/route-cache/x", False), (".next/trace", False),
    ("node_modules/.cache/x", False), ("apps/web/.next/cache/swc/x", False), ("my.next/cache/x", True),
])  # fmt: skip
def test_what_a_running_app_makes_and_what_only_builds_need_is_no_part(path: str, part: bool) -> None:
    assert manifest.is_part(path) is part


def test_an_edited_a_lost_and_a_foreign_file_are_found_and_pages_made_anew_are_not() -> None:
    wanted: Manifest = {
        "a.js": ["0644", 1, "1"], "b.js": ["0644", 1, "2"], "c.js": ["0644", 1, "3"],
        ".next/server/app/news.html": ["0644", 1, "4"], ".next/server/app/old.rsc": ["0644", 1, "5"],
        ".next/server/app/page.js": ["0644", 1, "6"],
    }  # fmt: skip
    found: Manifest = {
        "a.js": ["0644", 1, "1"], "b.js": ["0600", 1, "2"], "d.js": ["0644", 1, "3"],
        ".next/server/app/news.html": ["0640", 9, "9"], ".next/server/app/other.html": ["0640", 9, "9"],
        ".next/server/app/page.js": ["0644", 1, "7"],
    }  # fmt: skip
    differences = manifest.compare(wanted, found)
    assert differences == Differences(
        missing=(".next/server/app/old.rsc", "c.js"), changed=(".next/server/app/page.js", "b.js"), added=("d.js",)
    )
    assert not any(manifest.compare(wanted, wanted))


@given(MANIFESTS, MANIFESTS)
def test_a_patch_makes_one_manifest_of_another(base: Manifest, new: Manifest) -> None:
    assert manifest.patched(base, manifest.patch(base, new)) == new
    assert manifest.patched({}, manifest.patch({}, new)) == new


def test_a_file_is_never_read_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    assert manifest.entry_of(str(tmp_path / "link")) == ["link", "/etc/passwd"]
    os.mkfifo(tmp_path / "pipe")
    assert list(manifest.walk(str(tmp_path))) == ["link"]
