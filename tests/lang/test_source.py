"""Files that cannot be read are told, not raised as OSError."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.diag import InputError, Span
from provisioner.lang.source import decode, join, read_source


@pytest.mark.parametrize(("name", "words"), [
    ("missing.yml", "does not exist"), (".", "is a directory"), ("a\0b", "File not readable"), ("latin.yml", "UTF-8"),
    ("missing/deeper.yml", "does not exist"), ("file/deeper.yml", "File not readable"),
])
def test_an_unreadable_file_is_told(name: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "latin.yml").write_bytes(b"a: 1\nb: \xe9\n")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match=words):
        read_source(str(tmp_path / name))


def test_the_place_that_named_the_file_is_told(tmp_path: Path) -> None:
    wanted_by = Span("site.yml", 3, 5)
    with pytest.raises(InputError) as raised:
        read_source(str(tmp_path / "no"), wanted_by=wanted_by)
    assert raised.value.items[0].span == wanted_by


def test_the_first_wrong_byte_is_located() -> None:
    with pytest.raises(InputError) as raised:
        decode(b"a: 1\nbc\xff", "f.yml")
    assert raised.value.items[0].span == Span("f.yml", 2, 3)


def test_a_byte_order_mark_is_dropped() -> None:
    assert decode(b"\xef\xbb\xbfa", "f") == "a"


def test_paths_stay_as_the_user_types_them() -> None:
    assert join("", "a.yml") == "a.yml"
    assert join("sub", "a.yml") == "sub/a.yml"
    assert join("sub", "/abs") == "/abs"
