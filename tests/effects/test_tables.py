"""The lookups `ini`, `csvfile` and `url`."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from provisioner.effects import answer
from provisioner.template.effects import Effect, EffectFailure


def ask(folder: Path, kind: str, *terms: str, **options: Any) -> Any:
    return answer(Effect(kind, terms, tuple(sorted(options.items()))), search_paths=[folder])


INI = "[global]\nuser = root\nPort = 80\n[web]\nuser = www\nurl1 = a\nurl2 = b\n"


@pytest.mark.parametrize(("terms", "options", "found"), [
    (["user"], {}, ["root"]),
    (["user"], {"section": "web"}, ["www"]),
    (["user section=web file=app.ini", "port"], {}, ["www", "80"]),
    (["url.*"], {"section": "web", "re": True}, ["a", "b"]),
    (["nothing"], {"default": "x"}, ["x"]),
    (["Port"], {"case_sensitive": True}, ["80"]),
])
def test_values_of_an_ini_file(tmp_path: Path, terms: list[str], options: dict[str, Any], found: list[str]) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "app.ini").write_text(INI)
    assert ask(tmp_path, "ini", *terms, **{"file": "app.ini", **options}) == found


def test_a_file_of_properties_has_no_sections(tmp_path: Path) -> None:
    (tmp_path / "a.properties").write_text("user = root\n")
    assert ask(tmp_path, "ini", "user", type="properties", file="a.properties") == ["root"]


@pytest.mark.parametrize(("terms", "options", "found"), [
    (["Li"], {"delimiter": ","}, ["3"]),
    (["Li file=a.csv delimiter=, col=2"], {}, ["6.9"]),
    (["6.9"], {"delimiter": ",", "keycol": 2, "col": 0}, ["Li"]),
    (["Xx"], {"delimiter": ",", "default": "none"}, ["none"]),
    (["Xx"], {"delimiter": ","}, []),
    (["Xx"], {"delimiter": ",", "default": ["a", "b"]}, ["a", "b"]),
    (['Li file="a b.csv" delimiter=, col=2'], {}, ["7"]),
])
def test_cells_of_a_table(tmp_path: Path, terms: list[str], options: dict[str, Any], found: list[str]) -> None:
    (tmp_path / "a.csv").write_text("Symbol,Number,Mass\nH,1,1.0\nLi,3,6.9\n")
    (tmp_path / "a b.csv").write_text("Li,3,7\n")
    assert ask(tmp_path, "csvfile", *terms, **{"file": "a.csv", **options}) == found


MY_INI = "[a]\nbase = /srv\nlogs = %(base)s/logs\nflag\n"


@pytest.mark.parametrize(("term", "options", "found"), [
    ("logs", {}, ["/srv/logs"]), ("logs", {"interpolation": False}, ["%(base)s/logs"]), ("flag", {}, []),
])
def test_an_ini_file_with_references_and_keys_without_a_value(
    tmp_path: Path, term: str, options: dict[str, Any], found: list[str]
) -> None:
    (tmp_path / "my.ini").write_text(MY_INI)
    assert ask(tmp_path, "ini", term, file="my.ini", section="a", allow_none=True, **options) == found


@pytest.mark.parametrize(("kind", "term", "options", "words"), [
    ("ini", "x", {"section": "none", "file": "b.txt"}, "No section 'none' in"),
    ("ini", "x", {}, "Duplicate option in"),
    ("ini", "section=a", {}, "No key to look up"),
    ("ini", "x", {"sections": "a"}, "'sections' is not a valid option of the lookup `ini`.*section"),
    ("csvfile", "", {}, "Search key is required but was not found"),
    ("csvfile", "x col=1,", {}, "'col' has an invalid value: '1,'"),
    ("csvfile", "x", {"file": "none.csv"}, "No such file or directory: none.csv"),
])
def test_a_question_to_a_table_that_makes_no_sense(
    tmp_path: Path, kind: str, term: str, options: dict[str, Any], words: str
) -> None:
    (tmp_path / "a.txt").write_text("[global]\nx = 1\nx = 2\n")
    (tmp_path / "b.txt").write_text("[global]\nx = 1\n")
    failed = ask(tmp_path, kind, term, **{"file": "a.txt", **options})
    assert isinstance(failed, EffectFailure)
    assert re.search(words, failed.message)


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        missing = self.path != "/page"
        self.send_response(404 if missing else 200)
        self.end_headers()
        self.wfile.write(b"" if missing else f"one\n{self.headers.get('X-A')}\n".encode())

    def log_message(self, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Page) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def test_pages_of_the_web_by_lines_or_whole(tmp_path: Path, server: str) -> None:
    assert ask(tmp_path, "url", f"{server}/page", headers={"X-A": "b"}) == ["one", "b"]
    assert ask(tmp_path, "url", f"{server}/page", split_lines=False) == ["one\nNone\n"]


def test_what_cannot_be_fetched_is_told(tmp_path: Path, server: str) -> None:
    missing, wrong = ask(tmp_path, "url", f"{server}/no"), ask(tmp_path, "url", "file:///etc/passwd")
    assert isinstance(missing, EffectFailure)
    assert "404" in missing.message
    assert isinstance(wrong, EffectFailure)
    assert "only http and https" in wrong.message


def test_paths_of_the_controller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "b").symlink_to(tmp_path / "a")
    monkeypatch.setenv("HOME", "/home/me")
    assert ask(tmp_path, "path", "expanduser", "~/x") == "/home/me/x"
    assert ask(tmp_path, "path", "realpath", str(tmp_path / "b")) == str((tmp_path / "a").resolve())
    assert ask(tmp_path, "path", "same_file", str(tmp_path / "a"), str(tmp_path / "b")) is True
    assert ask(tmp_path, "path", "fileglob", str(tmp_path / "*")) == [str(tmp_path / "a"), str(tmp_path / "b")]
