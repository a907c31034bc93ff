"""`provision vault` as a user calls it: files, streams, prompts at a terminal."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from vault_vectors import BYTES, BYTES_1_1, DEV_PASSWORD, FILE_1_1, FILE_1_2, PASSWORD, PLAIN

from provisioner.cli.main import main
from provisioner.cli.vault import vault
from provisioner.diag import ProvisionError, Span
from provisioner.testing.typist import Typist
from provisioner.vault.envelope import parse
from provisioner.vault.keyring import Keyring
from provisioner.vault.keyring import Password as Key


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with two passwords and the same file encrypted with each."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ANSIBLE_")]:
        monkeypatch.delenv(name)
    for name, text in (("pw", PASSWORD), ("dev", DEV_PASSWORD), ("a.yml", FILE_1_1), ("b.yml", FILE_1_2)):
        Path(name).write_text(text)
        Path(name).chmod(0o600)
    return tmp_path


def run(*arguments: str, given: str | bytes = "") -> Result:
    return CliRunner().invoke(vault, arguments, input=given, standalone_mode=False)


def done(*arguments: str, given: str | bytes = "") -> Result:
    result = run(*arguments, given=given)
    assert result.exception is None, result.exception
    assert not result.return_value, result.stderr
    return result


def refusal(*arguments: str, given: str | bytes = "") -> str:
    error = run(*arguments, given=given).exception
    assert isinstance(error, ProvisionError), error
    return f"{error.message} ({error.hint})"


def opened(text: str | bytes, password: str) -> str:
    data = text if isinstance(text, bytes) else text.encode()
    return Keyring([Key("default", password.encode())]).decrypt(data, Span("x", 1)).decode()


# -- whole files -------------------------------------------------------------------------------------------------


def test_encrypting_and_decrypting_in_place() -> None:
    Path("f").write_text(PLAIN)
    Path("f").chmod(0o640)
    assert "1 file encrypted" in done("encrypt", "--vault-id", "dev@dev", "f").stderr
    assert Path("f").read_text().startswith("$ANSIBLE_VAULT;1.2;AES256;dev\n")
    assert Path("f").stat().st_mode & 0o777 == 0o640
    assert "1 file decrypted" in done("decrypt", "--vault-id", "dev@dev", "f").stderr
    assert Path("f").read_text() == PLAIN


def test_standard_input_goes_to_standard_output() -> None:
    encrypted = done("encrypt", "--vault-password-file", "pw", given=BYTES).stdout
    assert done("decrypt", "--vault-password-file", "pw", "-", given=encrypted).stdout_bytes == BYTES


def test_output_leaves_the_file_as_it_is() -> None:
    assert done("decrypt", "--vault-password-file", "pw", "a.yml", "--output", "-").stdout == PLAIN
    done("decrypt", "--vault-password-file", "pw", "a.yml", "--output", "plain.yml")
    assert Path("plain.yml").read_text() == PLAIN
    assert Path("plain.yml").stat().st_mode & 0o777 == 0o600
    assert Path("a.yml").read_text() == FILE_1_1
    assert "--output takes one FILE" in refusal("decrypt", "--vault-password-file", "pw", "a.yml", "b.yml",
                                                "--output", "x")


def test_view_shows_text_of_any_password() -> None:
    shown = done("view", "--vault-id", "dev@dev", "--vault-password-file", "pw", "a.yml", "b.yml").stdout
    assert shown == PLAIN * 2


def test_which_password_encrypts_must_be_said_when_there_are_several(monkeypatch: pytest.MonkeyPatch) -> None:
    both = ("--vault-id", "dev@dev", "--vault-id", "prod@pw")
    Path("f").write_text("x")
    assert "several ids (dev, prod)" in refusal("encrypt", *both, "f")
    assert "no password has that id" in refusal("encrypt", *both, "--encrypt-vault-id", "test", "f")
    done("encrypt", *both, "--encrypt-vault-id", "prod", "f")
    assert parse(Path("f").read_bytes()).label == "prod"
    monkeypatch.setenv("ANSIBLE_VAULT_ENCRYPT_IDENTITY", "dev")
    assert parse(done("encrypt", *both, given="x").stdout_bytes).label == "dev"


def test_a_file_that_fails_does_not_keep_the_others_from_their_turn() -> None:
    result = run("decrypt", "--vault-password-file", "pw", "a.yml", "b.yml", "pw", "none")
    assert result.return_value == 1
    assert Path("a.yml").read_text() == PLAIN
    assert Path("b.yml").read_text() == FILE_1_2
    for words in ("b.yml:1:1: error: No vault password opens this", "pw is not encrypted", "none cannot be read",
                  "1 file decrypted, 3 not changed: b.yml, none, pw"):
        assert words in result.stderr
    assert "is encrypted already" in run("encrypt", "--vault-password-file", "pw", "b.yml").stderr


# -- rekey -------------------------------------------------------------------------------------------------------


def test_rekey_changes_password_and_id() -> None:
    Path("bin").write_text(BYTES_1_1)
    result = done("rekey", "--vault-id", "dev@dev", "--vault-password-file", "pw", "a.yml", "b.yml", "bin",
                  "--new-vault-id", "prod@pw")
    assert "3 files rekeyed" in result.stderr
    assert {parse(Path(name).read_bytes()).label for name in ("a.yml", "b.yml", "bin")} == {"prod"}
    assert opened(Path("b.yml").read_text(), PASSWORD) == PLAIN


def test_rekey_leaves_files_that_it_cannot_open_and_says_which() -> None:
    result = run("rekey", "--vault-password-file", "pw", "a.yml", "b.yml", "--new-vault-password-file", "dev")
    assert result.return_value == 1
    assert "1 file rekeyed, 1 not changed: b.yml" in result.stderr
    assert Path("b.yml").read_text() == FILE_1_2
    assert opened(Path("a.yml").read_text(), DEV_PASSWORD) == PLAIN
    assert "two ways to say the same" in refusal("rekey", "--vault-password-file", "pw", "a.yml", "--new-vault-id",
                                                 "x@dev", "--new-vault-password-file", "dev")


# -- edit --------------------------------------------------------------------------------------------------------


def use_editor(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    Path("ed").write_text(f"#!/bin/sh\n{script}\n")
    Path("ed").chmod(0o700)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", str(Path("ed").absolute()))


def test_what_was_edited_is_encrypted_with_the_same_password(monkeypatch: pytest.MonkeyPatch) -> None:
    use_editor(monkeypatch, 'echo "more: 1" >> "$1"')
    done("edit", "--vault-password-file", "pw", "--vault-id", "dev@dev", "b.yml")
    assert parse(Path("b.yml").read_bytes()).label == "dev"
    assert opened(Path("b.yml").read_text(), DEV_PASSWORD) == PLAIN + "more: 1\n"


def test_what_was_not_changed_is_not_encrypted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    use_editor(monkeypatch, 'touch "$1"')
    assert "a.yml: not changed" in done("edit", "--vault-password-file", "pw", "a.yml").stderr
    assert Path("a.yml").read_text() == FILE_1_1


def test_create_makes_what_edit_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    use_editor(monkeypatch, 'echo "new: 1" > "$1"')
    assert "`provision vault create` makes one" in refusal("edit", "--vault-password-file", "pw", "new.yml")
    done("create", "--vault-password-file", "pw", "new.yml")
    assert opened(Path("new.yml").read_text(), PASSWORD) == "new: 1\n"
    assert "`provision vault edit` opens it" in refusal("create", "--vault-password-file", "pw", "new.yml")


# -- values ------------------------------------------------------------------------------------------------------


def test_a_value_is_printed_as_a_yaml_file_has_it() -> None:
    lines = done("encrypt-string", "--vault-id", "dev@dev", "s3cret", "--name", "db_password").stdout.splitlines()
    assert lines[:2] == ["db_password: !vault |", "          $ANSIBLE_VAULT;1.2;AES256;dev"]
    assert opened("\n".join(lines[1:]), DEV_PASSWORD) == "s3cret"


def test_several_values_and_standard_input() -> None:
    shown = done("encrypt_string", "--vault-password-file", "pw", "one", "two", "-n", "a", "-n", "b", "--stdin-name",
                 "c", given="three\n").stdout
    parts = shown.replace(" !vault |", "").split("\n" + " " * 10 + "$")
    assert [part.splitlines()[-1] for part in parts[:-1]] == ["a:", "b:", "c:"]
    assert opened("$" + parts[-1], PASSWORD) == "three\n"
    assert "more --name than texts" in refusal("encrypt-string", "--vault-password-file", "pw", "x", "-n", "a", "-n",
                                               "b")
    assert "is empty" in refusal("encrypt-string", "--vault-password-file", "pw")


# -- people at a terminal ----------------------------------------------------------------------------------------


def typist(*arguments: str) -> Typist:
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "PAGER": "cat", "TERM": "dumb"}
    return Typist([sys.executable, "-m", "provisioner", *arguments], environment=environment)


def test_a_password_is_asked_for_unseen_and_the_file_is_shown_in_the_pager() -> None:
    with typist("vault", "view", "a.yml") as person:
        person.answer("Vault password", PASSWORD)
        code, shown = person.end()
    assert code == 0
    assert PASSWORD not in shown
    assert "db_password: s3cret-Ünïcode" in shown


def test_a_new_password_is_asked_for_twice() -> None:
    Path("f").write_text("x\n")
    with typist("vault", "encrypt", "--vault-id", "new@prompt", "f") as person:
        person.answer("New vault password (new)", "typed")
        person.answer("Confirm new vault password (new)", "tpyed")
        code, shown = person.end()
    assert code == 5
    assert "the two passwords are not the same" in shown
    assert Path("f").read_text() == "x\n"
    with typist("vault", "encrypt", "--vault-id", "new@prompt", "f") as person:
        person.answer("New vault password (new)", "typed")
        person.answer("Confirm new vault password (new)", "typed")
        assert person.end()[0] == 0
    assert opened(Path("f").read_text(), "typed") == "x\n"


def test_rekey_asks_for_the_old_password_then_for_the_new_one() -> None:
    with typist("vault", "rekey", "-J", "a.yml") as person:
        person.answer("Vault password", PASSWORD)
        person.answer("New vault password", "other")
        person.answer("Confirm new vault password", "other")
        assert person.end()[0] == 0
    assert opened(Path("a.yml").read_text(), "other") == PLAIN


def test_a_value_to_encrypt_is_asked_for_unseen() -> None:
    with typist("vault", "encrypt-string", "-p", "-n", "x", "--vault-password-file", "pw") as person:
        person.answer("String to encrypt (hidden)", "unseen-text")
        person.answer("Confirm string to encrypt (hidden)", "unseen-text")
        code, shown = person.end()
    assert code == 0
    assert "unseen-text" not in shown
    envelope = shown[shown.index("$ANSIBLE_VAULT"):]
    assert opened(envelope, PASSWORD) == "unseen-text"


def test_a_run_asks_for_the_vault_password() -> None:
    Path("site.yml").write_text("- hosts: localhost\n  gather_facts: false\n  vars_files: a.yml\n  tasks:\n"
                                "    - debug: msg={{ port }}\n")
    with typist("apply", "-J", "site.yml") as person:
        person.answer("Vault password", PASSWORD)
        code, shown = person.end()
    assert code == 0
    assert '"msg": 8080' in shown


def test_mistakes_end_with_the_exit_codes_of_all_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vault", "view", "--vault-password-file", "nope", "a.yml"]) == 5
    assert main(["vault", "view", "--vault-password-file", "dev", "a.yml"]) == 1
    assert "a.yml:1:1: error: No vault password opens this" in capsys.readouterr().err
    assert main(["vault", "vew"]) == 5
