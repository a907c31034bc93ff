"""Which files are the source, and what changes its digest."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from provisioner.nextjs.settings import Directory, Git
from provisioner.nextjs.source import SourceError, opened, read_tree, write_archive


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name, text in {
        "package.json": "{}", "app/page.js": "page", "node_modules/next/x.js": "n", ".next/BUILD_ID": "b",
        ".env": "A=1",
        ".env.local": "mine", ".env.production.local": "mine", "docs/big.md": "doc", "app/.DS_Store": "",
    }.items():  # fmt: skip
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def git(root: Path, *words: str) -> None:
    who = [
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.com",
        "-c",
        "init.defaultBranch=main",
        "-c",
        "commit.gpgsign=false",
    ]
    subprocess.run(["git", *who, "-C", str(root), *words], check=True, capture_output=True)


def test_what_is_built_and_what_is_of_this_machine_stays_behind(project: Path) -> None:
    assert list(read_tree(project).files) == [".env", "app/page.js", "docs/big.md", "package.json"]


def test_excluded_paths_stay_behind(project: Path) -> None:
    assert list(read_tree(project, ["docs", "*.env"]).files) == ["app/page.js", "package.json"]


def test_git_ignores_count_but_env_files_of_the_build_do_come(project: Path) -> None:
    (project / ".gitignore").write_text("docs/\n.env*\n")
    git(project, "init", "-q")
    assert list(read_tree(project).files) == [".env", ".gitignore", "app/page.js", "package.json"]


def test_the_digest_follows_content_mode_and_name_but_not_time(project: Path) -> None:
    first = read_tree(project).digest
    os.utime(project / "app/page.js", (1, 1))
    assert read_tree(project).digest == first
    (project / "app/page.js").chmod(0o755)
    second = read_tree(project).digest
    (project / "app/page.js").write_text("other")
    third = read_tree(project).digest
    (project / "app/page.js").rename(project / "app/other.js")
    assert len({first, second, third, read_tree(project).digest}) == 4


def test_the_archive_holds_the_files_with_their_times_and_no_owner(project: Path, tmp_path: Path) -> None:
    os.utime(project / "app/page.js", (1_600_000_000, 1_600_000_000))
    (project / "link").symlink_to("app/page.js")
    target = tmp_path / "source.tar.gz"
    write_archive(read_tree(project), target)
    with tarfile.open(target) as archive:
        members = {member.name: member for member in archive}
    assert set(members) == {".env", "app/page.js", "docs/big.md", "package.json", "link"}
    assert members["app/page.js"].mtime == 1_600_000_000
    assert (members["app/page.js"].uid, members["app/page.js"].uname, oct(members["app/page.js"].mode)) == (
        0,
        "",
        "0o644",
    )
    assert members["link"].issym()


def test_a_relative_directory_is_looked_for_beside_the_playbook(project: Path, tmp_path: Path) -> None:
    with opened(Directory("project"), [str(tmp_path / "nowhere"), str(tmp_path)], (), tmp_path) as tree:
        assert tree.root == project
    with pytest.raises(SourceError) as caught, opened(Directory("projet"), [str(tmp_path)], (), tmp_path):
        pass
    assert "projet" in caught.value.message
    assert str(tmp_path) in caught.value.hint


def test_a_repository_gives_the_tree_of_the_version(project: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    git(project, "init", "-q")
    git(project, "add", "app", "package.json")
    git(project, "commit", "-qm", "one")
    git(project, "tag", "v1")
    (project / "app/page.js").write_text("two")
    git(project, "commit", "-qam", "two")
    with opened(Git(str(project), "v1"), (), (), cache) as tree:
        assert (tree.root / "app/page.js").read_text() == "page"
        assert list(tree.files) == ["app/page.js", "package.json"]
        revision = tree.revision
    with opened(Git(str(project)), (), (), cache) as tree:
        assert (tree.root / "app/page.js").read_text() == "two"
    with opened(Git(str(project), path="app"), (), (), cache) as tree:
        assert list(tree.files) == ["page.js"]
    (project / ".git").rename(project / "gone")  # a commit that is known needs no network
    with opened(Git(str(project), revision or ""), (), (), cache) as tree:
        assert (tree.root / "app/page.js").read_text() == "page"
    assert [path.name for path in cache.iterdir()] == ["git"]


@pytest.mark.parametrize("version", ["nowhere", "--upload-pack=x"])
def test_an_unknown_version_is_named(project: Path, tmp_path: Path, version: str) -> None:
    git(project, "init", "-q")
    git(project, "add", "package.json")
    git(project, "commit", "-qm", "one")
    with (
        pytest.raises(SourceError, match=f"no branch, tag or commit `{version}`"),
        opened(Git(str(project), version), (), (), tmp_path),
    ):
        pass


def test_a_repository_that_is_not_there_is_told_by_gits_own_words(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="git fetch failed"), opened(Git(str(tmp_path / "none")), (), (), tmp_path):
        pass
