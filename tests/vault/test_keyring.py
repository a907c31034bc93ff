"""Which password opens what, what is told when none does, and that nothing is decrypted twice."""

from __future__ import annotations

import pytest
from vault_vectors import BYTES_1_1, DEV_PASSWORD, FILE_1_1, FILE_1_2, PASSWORD, PLAIN, VALUE_1_2

from provisioner.diag import Span, UsageError, VaultError
from provisioner.values import Secret
from provisioner.vault import cipher
from provisioner.vault.keyring import Keyring, Password

DEFAULT = Password("default", PASSWORD.encode(), "--vault-password-file vault.txt")
DEV = Password("dev", DEV_PASSWORD.encode(), "--vault-id dev@dev.txt")
WRONG = Password("dev", b"wrong", "--vault-id dev@prompt")
HERE = Span("group_vars/all.yml", 3, 4)
VALUE = "\n".join(line.strip() for line in VALUE_1_2.splitlines()[1:])


def refusal(keys: Keyring, text: str) -> VaultError:
    with pytest.raises(VaultError) as error:
        keys.decrypt(text.encode(), HERE)
    assert error.value.span == HERE
    return error.value


def derived(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Each password that keys are made from, from now on: the part that costs time."""
    tried: list[bytes] = []
    derive = cipher.derive

    def noted(password: bytes, salt: bytes) -> cipher.Keys:
        tried.append(password)
        return derive(password, salt)

    monkeypatch.setattr(cipher, "derive", noted)
    return tried


@pytest.mark.parametrize("passwords", [(DEFAULT, DEV), (DEV, DEFAULT), (WRONG, DEV), (Password("x", DEV.value),)],
                         ids=["last", "first", "after a wrong one with its label", "under another label"])
def test_every_password_is_tried(passwords: tuple[Password, ...]) -> None:
    assert Keyring(passwords).decrypt(FILE_1_2.encode(), HERE).decode() == PLAIN


def test_the_one_with_the_label_is_tried_first(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = derived(monkeypatch)
    Keyring([DEFAULT, DEV]).decrypt(FILE_1_2.encode(), HERE)
    assert tried == [DEV.value]


def test_no_password_at_all_tells_how_to_give_one() -> None:
    error = refusal(Keyring(), FILE_1_2)
    assert error.message == "This is encrypted with the vault id `dev`, and no vault password was given"
    assert "--vault-id dev@FILE" in error.hint


def test_passwords_that_do_not_fit_are_listed_without_themselves() -> None:
    error = refusal(Keyring([WRONG, DEFAULT]), FILE_1_2)
    assert "`dev` (--vault-id dev@prompt), `default` (--vault-password-file vault.txt)" in error.message
    assert PASSWORD not in str(error.diagnostics())
    assert PASSWORD not in repr(Keyring([WRONG, DEFAULT]))


def test_with_id_match_other_labels_are_not_tried() -> None:
    error = refusal(Keyring([Password("prod", DEV.value)], only_matching=True), FILE_1_2)
    assert "no password has that id: there are `prod`" in error.message


def test_damage_is_told_as_such() -> None:
    assert "is damaged: lines are missing, or cut" in refusal(Keyring([DEFAULT]), FILE_1_1[:200]).message


def test_a_value_is_opened_once_however_often_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = derived(monkeypatch)
    keys = Keyring([DEV])
    assert {keys.open(VALUE, HERE) for _ in range(100)} == {Secret("tok-{{ not a template }}")}
    assert len(tried) == 1


def test_a_value_that_is_no_text_is_told() -> None:
    with pytest.raises(VaultError, match="not UTF-8"):
        Keyring([DEFAULT]).open(BYTES_1_1, HERE)


def test_listeners_hear_of_every_secret_also_of_earlier_ones() -> None:
    heard: list[object] = []
    keys = Keyring([DEV])
    keys.disclose("early")
    keys.tell(heard.append)
    keys.open(VALUE, HERE)
    keys.open(VALUE, HERE)
    assert heard == [[Secret("early")], Secret("tok-{{ not a template }}")]


def test_the_password_to_encrypt_with_is_the_only_one_or_the_named_one() -> None:
    assert Keyring([DEV]).to_encrypt(None) is DEV
    assert Keyring([DEFAULT, DEV]).to_encrypt("dev") is DEV
    for keys, label, words in ((Keyring([DEFAULT, DEV]), None, "several ids (default, dev)"),
                               (Keyring([DEV]), "prod", "no password has that id; there are `dev`"),
                               (Keyring(), None, "a vault password is needed")):
        with pytest.raises(UsageError) as error:
            keys.to_encrypt(label)
        assert words in error.value.message


def test_the_label_decides_the_format() -> None:
    assert Keyring().encrypt(b"x", DEFAULT).startswith(b"$ANSIBLE_VAULT;1.1;AES256\n")
    assert Keyring().encrypt(b"x", DEV).startswith(b"$ANSIBLE_VAULT;1.2;AES256;dev\n")
