"""The cipher, on what ansible-vault made and on its own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vault_vectors import BYTES, BYTES_1_1, DEV_PASSWORD, EMPTY_1_1, FILE_1_1, FILE_1_2, PASSWORD, PLAIN

from provisioner.vault.cipher import decrypt, derive, encrypt, fits
from provisioner.vault.envelope import parse


@pytest.mark.parametrize(("text", "password", "plain"), [
    (FILE_1_1, PASSWORD, PLAIN.encode()), (FILE_1_2, DEV_PASSWORD, PLAIN.encode()), (BYTES_1_1, PASSWORD, BYTES),
    (EMPTY_1_1, PASSWORD, b""),
], ids=["1.1", "1.2", "bytes", "nothing"])
def test_what_ansible_encrypted_is_decrypted(text: str, password: str, plain: bytes) -> None:
    envelope = parse(text.encode())
    keys = derive(password.encode(), envelope.salt)
    assert fits(envelope, keys)
    assert decrypt(envelope, keys) == plain


def test_a_wrong_password_or_one_changed_bit_does_not_fit() -> None:
    envelope = parse(FILE_1_1.encode())
    assert not fits(envelope, derive(b"wrong", envelope.salt))
    changed = bytes([envelope.ciphertext[0] ^ 1]) + envelope.ciphertext[1:]
    assert not fits(replace(envelope, ciphertext=changed), derive(PASSWORD.encode(), envelope.salt))


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=100))
def test_what_is_encrypted_comes_back(plain: bytes) -> None:
    envelope = encrypt(plain, "default", b"pw")
    keys = derive(b"pw", envelope.salt)
    assert fits(envelope, keys)
    assert decrypt(envelope, keys) == plain


def test_the_same_text_is_never_encrypted_to_the_same_bytes() -> None:
    first, second = encrypt(b"x", "default", b"pw"), encrypt(b"x", "default", b"pw")
    assert first.salt != second.salt
    assert first.ciphertext != second.ciphertext
