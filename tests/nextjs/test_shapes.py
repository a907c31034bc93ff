"""Apps of different shape, deployed by the real program from one playbook in which only `source` differs.

All go to one host as the same app, so the shapes also take each other's place there.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from shop import APPS, Shop


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("app", "words", "server"), [
    pytest.param("app-router", "app-router says Hello", "next start", marks=pytest.mark.slow),
    pytest.param("pages-only", "pages-only says Hello", "next start", marks=pytest.mark.slow),
    pytest.param("typescript", "typescript says Hello", "next start", marks=pytest.mark.slow),
    pytest.param("static-export", "Release one", "", marks=pytest.mark.slow),
    ("monorepo", "monorepo says Hello", "server.js"),
])  # fmt: skip
def test_every_shape_is_deployed_by_the_same_playbook(
    app: str, words: str, server: str, shop: Shop, tmp_path: Path
) -> None:
    """server: what runs; nothing does for an app that is exported, which nginx has as files."""
    shop.apply(tmp_path, APPS / app)
    assert words in shop.says()
    assert (server in shop.server()) if server else (shop.server() == "")
    again = shop.apply(tmp_path, APPS / app)
    assert again.names("changed") == [], again.results("changed")


@pytest.mark.timeout(900)
def test_a_standalone_release_of_a_workspace_has_only_what_the_server_needs(shop: Shop, tmp_path: Path) -> None:
    shop.apply(tmp_path, APPS / "monorepo")
    assert int(shop.release("du -sm . | cut -f1")) < 100
    assert shop.release("ls apps/web/server.js .next/BUILD_ID") == ".next/BUILD_ID\napps/web/server.js"
    assert not {"packages", "package.json", "pnpm-lock.yaml"} & set(shop.release("ls").split())
    assert shop.kind("/_next/image?url=%2Fdot.png&w=64&q=75") == "image/webp"  # by sharp, which the build traced
    assert "javascript" in shop.kind(shop.script())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_workspace_runs_on_the_full_tree_too(shop: Shop, tmp_path: Path) -> None:
    settings = {"mode": "server", "hooks": {"after_build": "pwd > public/where.txt"}}
    shop.apply(tmp_path, APPS / "monorepo", **settings)
    assert "monorepo says Hello" in shop.says()
    assert shop.says("/where.txt").strip() == "/srv/shop/build/tree/apps/web"
    assert "next start" in shop.server()
    assert shop.kind("/_next/image?url=%2Fdot.png&w=64&q=75") == "image/webp"
    assert shop.apply(tmp_path, APPS / "monorepo", **settings).names("changed") == []


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("mode", ["server", "standalone"])
def test_npm_has_workspaces_too(mode: str, shop: Shop, tmp_path: Path) -> None:
    """There the dependencies are at the top, and none beside the app."""
    shop.apply(tmp_path, of_npm(tmp_path / "source"), mode=mode)
    assert "app-router says Hello" in shop.says()
    assert ("server.js" if mode == "standalone" else "next start") in shop.server()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", [12, 13])
def test_an_app_of_old_is_exported_by_its_own_command(version: int, shop: Shop, tmp_path: Path) -> None:
    """`next export`, which 14 has no more."""
    source = tmp_path / "source"
    shutil.copytree(APPS / f"next{version}", source)
    (source / "pages/docs").mkdir(parents=True)
    (source / "pages/index.js").write_text(f"export default function Home() {{ return <h1>By {version}</h1>; }}\n")
    (source / "pages/docs/more.js").write_text("export default function More() { return <h1>More</h1>; }\n")
    shop.apply(tmp_path, source, mode="static")
    assert f"By {version}" in shop.says().replace("<!-- -->", "")
    assert "More" in shop.says("/docs/more")
    assert shop.server() == ""
    assert "javascript" in shop.kind(shop.script())
    assert shop.apply(tmp_path, source, mode="static").names("changed") == []


def of_npm(folder: Path) -> Path:
    """The app `app-router` as a package of a workspace."""
    shutil.copytree(APPS / "app-router", folder / "apps/web", ignore=shutil.ignore_patterns("node_modules", ".next"))
    top = {"name": "top", "private": True, "workspaces": ["apps/*"]}
    (folder / "package.json").write_text(json.dumps(top))
    lock = json.loads((folder / "apps/web/package-lock.json").read_text())
    own = lock["packages"][""]
    lock |= {"name": "top", "packages": {
        **lock["packages"], "": {"name": "top", "workspaces": ["apps/*"]}, "apps/web": own,
        "node_modules/app-router": {"resolved": "apps/web", "link": True},
    }}  # fmt: skip
    (folder / "package-lock.json").write_text(json.dumps(lock))
    (folder / "apps/web/package-lock.json").unlink()
    return folder
