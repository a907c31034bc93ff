from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from provisioner.diag import UsageError
from provisioner.history.db import connect
from provisioner.web.export import export
from tests.web.examples import NOW, SCHEDULES


@pytest.fixture
def db(file: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(file)) as connection:
        yield connection


def test_every_link_of_an_export_leads_to_a_file_of_it(db: sqlite3.Connection, tmp_path: Path) -> None:
    site = tmp_path / "site"
    count = export(db, site, NOW, 5, SCHEDULES)
    pages = list(site.rglob("*.html"))
    assert len(pages) == count == 7 + 5 + 4
    for page in pages:
        for link in re.findall(r'(?:href|src)="([^"]*)"', page.read_text(encoding="utf-8")):
            assert (page.parent / link).is_file(), f"{page}: {link}"


def test_an_export_asks_nothing_of_a_server(db: sqlite3.Connection, tmp_path: Path) -> None:
    export(db, tmp_path / "site", NOW, 100, SCHEDULES)
    texts = [page.read_text(encoding="utf-8") for page in (tmp_path / "site").rglob("*.html")]
    assert not [text for text in texts if "<form" in text or "data-live" in text or "<script>" in text]
    assert all("default-src 'none'" in text for text in texts)


def test_an_export_is_written_again_over_itself_and_over_nothing_else(db: sqlite3.Connection, tmp_path: Path) -> None:
    export(db, tmp_path / "site", NOW, 1, SCHEDULES)
    export(db, tmp_path / "site", NOW, 2, SCHEDULES)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("mine")
    with pytest.raises(UsageError, match="other files"):
        export(db, tmp_path / "mine", NOW, 1, SCHEDULES)
    assert (tmp_path / "mine" / "index.html").read_text() == "mine"
