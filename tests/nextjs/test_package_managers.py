"""Every package manager installs and builds on a host, in the version that the app's files or the settings name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from shop import APPS, Shop


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("files", "setting", "tool", "version"), [
    (None, "npm@10.8.2", "npm", "10.8.2"),
    ("pnpm", "pnpm@9.15.0", "pnpm", "9.15.0"),
    ("pnpm", None, "pnpm", "10."),
    ("yarn-classic", None, "yarn", "1.22."),
    ("yarn-berry", None, "@yarnpkg/cli-dist", "4."),
    ("bun", None, "bun", "1."),
])  # fmt: skip
def test_a_package_manager_installs_and_builds(
    files: str | None, setting: str | None, tool: str, version: str, shop: Shop, tmp_path: Path
) -> None:
    app = tmp_path / "app"
    shutil.copytree(APPS / "app-router", app, ignore=shutil.ignore_patterns("node_modules", ".next"))
    if files:
        (app / "package-lock.json").unlink()
        shutil.copytree(APPS / "managers" / files, app, dirs_exist_ok=True)
    shop.apply(tmp_path, app, package_manager=setting)
    assert "app-router says Hello" in shop.says()
    package = f"/srv/shop/build/tools/node_modules/{tool}/package.json"
    assert f'"version": "{version}' in shop.host.run(["cat", package]).stdout
