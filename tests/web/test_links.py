from __future__ import annotations

from provisioner.web.links import Exported, file_of, served


def test_addresses_of_pages() -> None:
    assert served("overview") == "/"
    assert served("runs", q="a b&c", host="", before=7) == "/runs?q=a+b%26c&before=7"
    assert served("hosts", "../<x>/é") == "/hosts/..%2F%3Cx%3E%2F%C3%A9"


def test_files_of_an_export_never_leave_its_directory() -> None:
    assert file_of("overview") == "index.html"
    assert file_of("hosts", "web-1.example.com") == "hosts/web-1.example.com.html"
    for name in ("../../etc/passwd", "..", "a/b", "<x>", "a" * 300, "\udcff"):
        file = file_of("hosts", name)
        assert file.count("/") == 1
        assert file.removeprefix("hosts/").removesuffix(".html").isalnum()


def test_links_between_files_lead_only_to_files_that_are_there() -> None:
    link = Exported("../", frozenset({"abc"}), frozenset({"web-1"}))
    assert link("runs", "abc", host="web-1") == "../runs/abc.html"
    assert link("runs", "gone") == "../runs.html"
    assert link("hosts", "web-1") == "../hosts/web-1.html"
    assert link("overview") == "../index.html"
