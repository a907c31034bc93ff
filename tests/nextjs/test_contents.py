"""Which files of a build make a release."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provisioner.remote.nextjs.assemble import from_build
from provisioner.remote.nextjs.contents import Build, clear, lacking
from provisioner.remote.nextjs.layout import Layout
from provisioner.testing.inprocess import make_context


def build(top: Path, app: str, mode: str, *names: str) -> Build:
    """A tree with files of these names, each with its name in it."""
    for name in names:
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return Build(str(top), app, mode)


def copied(found: Build, target: Path) -> list[str]:
    """The release, where there is none before."""
    target.mkdir()
    from_build(make_context(), Layout("no-such-app"), found, str(target))
    return sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_symlink() or path.is_file())


OUTPUT = (".next/BUILD_ID", ".next/server/a.js", ".next/static/a.js", ".next/cache/webpack/x", ".next/trace",
          ".next/cache/fetch-cache/f", ".next/standalone/old")  # fmt: skip


def test_a_server_gets_the_tree_without_what_only_the_compiler_reads(tmp_path: Path) -> None:
    found = build(tmp_path / "tree", "", "server", "package.json", "public/a.png", "node_modules/next/x", *OUTPUT)
    expected = [".next/BUILD_ID", ".next/cache/fetch-cache/f", ".next/server/a.js", ".next/static/a.js",
                "node_modules/next/x", "package.json", "public/a.png"]  # fmt: skip
    assert copied(found, tmp_path / "release") == expected


def test_the_app_of_a_workspace_stays_in_its_directory_and_finds_next_there(tmp_path: Path) -> None:
    found = build(
        tmp_path / "tree", "apps/web", "server", "package.json", "node_modules/next/x", "apps/docs/package.json",
        "apps/web/package.json", "packages/ui/a.js", *(f"apps/web/{name}" for name in OUTPUT),
    )  # fmt: skip
    target = tmp_path / "release"
    assert copied(found, target) == [
        ".next", "apps/docs/package.json", "apps/web/.next/BUILD_ID", "apps/web/.next/cache/fetch-cache/f",
        "apps/web/.next/server/a.js", "apps/web/.next/static/a.js", "apps/web/node_modules/next",
        "apps/web/package.json", "node_modules/next/x", "package.json", "packages/ui/a.js",
    ]  # fmt: skip
    assert (target / ".next/BUILD_ID").read_text() == "apps/web/.next/BUILD_ID"
    assert (target / "apps/web/node_modules/next/x").read_text() == "node_modules/next/x"


def test_next_beside_the_app_is_left_as_it_is(tmp_path: Path) -> None:
    found = build(tmp_path / "tree", "apps/web", "server", "node_modules/next/x", "apps/web/.next/BUILD_ID",
                  "apps/web/node_modules/next/x")  # fmt: skip
    copied(found, tmp_path / "release")
    assert not os.path.islink(tmp_path / "release/apps/web/node_modules/next")


def test_the_build_of_a_place_that_the_app_has_left_is_removed(tmp_path: Path) -> None:
    moved = build(tmp_path, "apps/web", "server", *OUTPUT, *(f"apps/web/{name}" for name in OUTPUT))
    clear(make_context(), moved, "apps/web")
    assert (tmp_path / ".next/BUILD_ID").exists()
    assert not (tmp_path / "apps/web/.next/BUILD_ID").exists()
    assert (tmp_path / "apps/web/.next/cache/webpack/x").exists()
    clear(make_context(), moved, "")
    assert not (tmp_path / ".next").exists()
    assert (tmp_path / "apps/web/.next/cache/webpack/x").exists()


@pytest.mark.parametrize("app", ["", "apps/web"])
def test_a_standalone_release_is_what_next_found_and_what_it_leaves_to_others(app: str, tmp_path: Path) -> None:
    home = f"{app}/" if app else ""
    output = f"{home}.next/standalone"
    found = build(
        tmp_path / "tree", app, "standalone", "package.json", "source.js", "node_modules/large/x", ".provision/sharp",
        f"{home}public/a.png", f"{home}.next/BUILD_ID", f"{home}.next/static/a.js", f"{home}.next/server/old.js",
        f"{output}/node_modules/next/x", f"{output}/{home}server.js", f"{output}/{home}.next/BUILD_ID",
    )  # fmt: skip
    names = [".provision/sharp", f"{home}.next/BUILD_ID", f"{home}.next/static/a.js", f"{home}public/a.png",
             f"{home}server.js", "node_modules/next/x", *([".next"] if app else [])]  # fmt: skip
    assert copied(found, tmp_path / "release") == sorted(names)


def test_a_build_that_left_no_server_is_told_with_the_line_to_add(tmp_path: Path) -> None:
    context = make_context()
    found = build(tmp_path, "apps/web", "standalone", "apps/web/.next/BUILD_ID")
    problem = lacking(context, found)
    assert problem is not None
    assert "no .next/standalone/apps/web/server.js: add the line `output: 'standalone',`" in problem
    assert lacking(context, found._replace(mode="server")) is None
    whole = build(tmp_path, "apps/web", "standalone", "apps/web/.next/standalone/apps/web/server.js")
    assert lacking(context, whole) is None
    assert "no .next/BUILD_ID" in str(lacking(context, found._replace(app="")))


def test_only_a_standalone_build_has_variables_of_its_own() -> None:
    assert Build("/tree", "apps/web", "server").environment() == {}
    assert Build("/tree", "apps/web", "standalone").environment() == {
        "NEXT_PRIVATE_STANDALONE": "1", "NEXT_PRIVATE_OUTPUT_TRACE_ROOT": "/tree"}  # fmt: skip
