"""The text form, read from what ansible-vault wrote and from what damage leaves of it."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vault_vectors import FILE_1_1, FILE_1_2

from provisioner.vault.envelope import Damaged, Envelope, is_encrypted, parse, write

HEADER, *LINES = FILE_1_1.splitlines()


@pytest.mark.parametrize("text", [FILE_1_1, FILE_1_2], ids=["1.1", "1.2"])
def test_what_ansible_wrote_is_written_the_same(text: str) -> None:
    assert is_encrypted(text.encode())
    assert write(parse(text.encode())) == text.encode()


def test_the_label_is_in_the_header_of_1_2_only() -> None:
    assert parse(FILE_1_1.encode()).label == "default"
    assert parse(FILE_1_2.encode()).label == "dev"


@pytest.mark.parametrize("change", [
    lambda text: text.replace("\n", "\r\n"),
    lambda text: text.replace("\n", "   \n"),
    lambda text: text.rstrip("\n"),
    lambda text: "\n".join(f"          {line}" for line in text.splitlines()),
    lambda text: HEADER + "\n" + "".join(LINES),
    lambda text: HEADER + "\n" + "".join(LINES).upper(),
], ids=["crlf", "trailing blanks", "no last newline", "indented", "one long line", "upper case"])
def test_editors_and_mail_do_no_harm(change: object) -> None:
    assert callable(change)
    assert parse(change(FILE_1_1).encode()) == parse(FILE_1_1.encode())


@pytest.mark.parametrize(("text", "words"), [
    ("hello", "does not begin with `$ANSIBLE_VAULT;1.1;AES256` but with `hello`"),
    ("", "does not begin with"),
    ("$ANSIBLE_VAULT;1.1", "does not begin with"),
    ("$ANSIBLE_VAULT;1.0;AES\n6162\n", "format 1.0"),
    ("$ANSIBLE_VAULT;2.0;AES256\n6162\n", "its format `2.0` is not known"),
    ("$ANSIBLE_VAULT;1.1;ROT13\n6162\n", "its cipher `ROT13` is not known"),
    (HEADER, "nothing follows the header"),
    (f"{HEADER}\n6162\n", "lines are missing, or cut"),
    (f"{HEADER}\n{LINES[0]}\nxyz\n", "line 3 of it holds something else than hexadecimal digits"),
    ("\n".join([HEADER, *LINES[:-1]]), "the end is missing"),
    ("\n".join([HEADER, *LINES])[:-1], "lines are missing, or cut"),
])
def test_damage_is_named(text: str, words: str) -> None:
    with pytest.raises(Damaged) as error:
        parse(text.encode())
    assert words in str(error.value)


@given(st.binary(max_size=300), st.booleans())
def test_whatever_the_bytes_are_only_damage_is_told(data: bytes, header: bool) -> None:
    with contextlib.suppress(Damaged):
        parse(HEADER.encode() + b"\n" + data if header else data)


@given(st.from_regex(r"[A-Za-z0-9_.-]{1,20}", fullmatch=True), st.binary(min_size=32, max_size=32),
       st.binary(min_size=32, max_size=32), st.integers(1, 20))
def test_what_is_written_is_read(label: str, salt: bytes, hmac: bytes, blocks: int) -> None:
    sealed = Envelope(label, salt, hmac, b"x" * 16 * blocks)
    assert parse(write(sealed)) == sealed
