"""Files that cannot be read are told, not raised as OSError."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.diag import InputError, Span, VaultError
from provisioner.lang.source import LOCKED, Source, decode, is_encrypted_file, join, read_source
from provisioner.values import Secret, Vault


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


class Rot:
    """A vault whose cipher is the text after the header, reversed."""

    def decrypt(self, envelope: bytes, span: Span) -> bytes:
        if not envelope.endswith(b"!"):
            raise VaultError("damaged", span=span, hint="mend it")
        return envelope.partition(b"\n")[2][-2::-1]

    def open(self, envelope: str, span: Span) -> Secret:
        raise NotImplementedError

    def disclose(self, text: str) -> Secret:
        return Secret(text)


def test_an_encrypted_file_is_decrypted_and_known_as_such(tmp_path: Path) -> None:
    vault, file = Rot(), tmp_path / "f"
    file.write_text("$ANSIBLE_VAULT;1.1;X\ncba!")
    assert read_source(str(file), vault) == Source(str(file), "abc", vault)
    assert is_encrypted_file(str(file))
    file.write_text("abc")
    assert read_source(str(file), vault) == Source(str(file), "abc")
    assert not is_encrypted_file(str(file))
    assert not is_encrypted_file(str(tmp_path / "none"))


@pytest.mark.parametrize("vault", [Rot(), LOCKED])
def test_one_that_cannot_be_decrypted_is_told_with_who_named_it(vault: Vault, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("$ANSIBLE_VAULT;1.1;X\ncba")
    with pytest.raises(InputError) as error:
        read_source(str(tmp_path / "f"), vault, wanted_by=Span("site.yml", 3))
    (item,) = error.value.items
    assert item.span == Span(str(tmp_path / "f"), 1)
    assert item.related == (("named here", Span("site.yml", 3)),)
