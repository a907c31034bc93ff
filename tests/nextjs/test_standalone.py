"""`mode: standalone` on every version of Next.js, for an app whose next.config says nothing of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from shop import APPS, Shop


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", [12, 13, 14, 15, 16])
def test_a_standalone_release_needs_no_line_in_the_configuration(version: int, shop: Shop, tmp_path: Path) -> None:
    app = tmp_path / "app"
    shutil.copytree(APPS / "pages-only/pages", app / "pages")
    shutil.copytree(APPS / "monorepo/apps/web/public", app / "public")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(APPS / f"next{version}" / name, app)
    shop.apply(tmp_path, app, mode="standalone")
    assert "pages-only says Hello" in shop.says()
    assert "server.js" in shop.server()
    assert int(shop.release("du -sm . | cut -f1")) < 100
    assert "pages" not in shop.release("ls").split()
    assert shop.kind("/_next/image?url=%2Fdot.png&w=64&q=75") == "image/webp"
    assert "javascript" in shop.kind(shop.script())
