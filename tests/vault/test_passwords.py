"""Where passwords come from, and what is told when they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.diag import UsageError
from provisioner.vault.keyring import Password
from provisioner.vault.passwords import Given, Source, problems, read_all, sources


def ask_nobody(prompt: str) -> str:
    raise AssertionError(f"asked for {prompt}")


def file(path: Path, text: str, mode: int = 0o600) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def password(given: Given, environment: dict[str, str] | None = None) -> Password:
    (found,) = read_all(sources(given, environment or {}), ask_nobody)
    return found


def refusal(given: Given) -> str:
    with pytest.raises(UsageError) as error:
        password(given)
    return f"{error.value.message} ({error.value.hint})"


def test_sources_are_tried_in_the_order_environment_ids_files_prompt() -> None:
    environment = {"ANSIBLE_VAULT_IDENTITY_LIST": "a@x, b@y", "ANSIBLE_VAULT_PASSWORD_FILE": "env"}
    found = sources(Given(["dev@prompt", "only", "@z"], ["file"], ask=True), environment)
    assert [(source.label, source.place) for source in found] == [
        ("a", "x"), ("b", "y"), ("dev", "prompt"), ("default", "only"), ("default", "z"), ("default", "file"),
        ("default", "env"), ("default", "prompt")]


def test_blanks_around_the_password_in_a_file_are_no_part_of_it(tmp_path: Path) -> None:
    path = file(tmp_path / "pw", "\n  two words \r\n")
    assert password(Given(files=[path])).value == b"two words"
    assert password(Given([f"dev@{path}"])) == Password("dev", b"two words", f"--vault-id dev@{path}")


def test_the_home_directory_may_be_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file(tmp_path / "pw", "x")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert password(Given(), {"ANSIBLE_VAULT_PASSWORD_FILE": "~/pw"}).value == b"x"


def test_a_program_prints_the_password(tmp_path: Path) -> None:
    path = file(tmp_path / "pw.sh", "#!/bin/sh\necho \" $# $1\"\n", 0o700)
    assert password(Given([f"dev@{path}"])).value == b" 0 "


def test_a_client_is_told_which_one(tmp_path: Path) -> None:
    path = file(tmp_path / "keys-client.sh", "#!/bin/sh\necho \"$1 $2\"\n", 0o700)
    assert password(Given([f"dev@{path}"])).value == b"--vault-id dev"


def test_prompts_name_the_id() -> None:
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return " typed "

    found = read_all(sources(Given(["dev@prompt"], ask=True), {}), ask)
    assert asked == ["Vault password (dev)", "Vault password"]
    assert {each.value for each in found} == {b"typed"}


def test_a_new_password_is_asked_for_twice() -> None:
    answers = {"New vault password (dev)": "a", "Confirm new vault password (dev)": "b"}
    with pytest.raises(UsageError, match="are not the same"):
        read_all(sources(Given(["dev@prompt"]), {}), answers.__getitem__, confirm=True)


@pytest.mark.parametrize(("name", "text", "mode", "words"), [
    ("pw", " \n", 0o600, "the password is empty"),
    ("pw", "$ANSIBLE_VAULT;1.1;AES256\n61\n", 0o600, "is encrypted by the vault itself"),
    ("pw.sh", "#!/bin/sh\nexit 3\n", 0o700, "ended with 3 (its messages are above)"),
    ("pw.sh", "#!/bin/sh\n", 0o700, "printed nothing"),
    ("pw.sh", "no program", 0o700, "cannot be run: Exec format error (begin it with `#!`"),
    ("pw-client.sh", "#!/bin/sh\nexit 2\n", 0o700, "has no password for the id `dev`"),
])
def test_a_source_without_a_password_is_told(tmp_path: Path, name: str, text: str, mode: int, words: str) -> None:
    assert words in refusal(Given([f"dev@{file(tmp_path / name, text, mode)}"]))


def test_a_file_that_is_not_there_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    file(tmp_path / "vault.txt", "x")
    assert f"{tmp_path}/vault.tx: there is no such file (did you mean `vault.txt`?)" in refusal(
        Given(files=[f"{tmp_path}/vault.tx"]))
    assert "is a directory" in refusal(Given(files=[str(tmp_path)]))


@pytest.mark.parametrize(("text", "words"), [("dev@", "no source follows the @"), ("a b@x", "no blanks")])
def test_an_id_that_is_none_is_told(text: str, words: str) -> None:
    with pytest.raises(UsageError) as error:
        sources(Given([text]), {})
    assert words in error.value.message


def test_a_password_file_that_others_can_read_is_told(tmp_path: Path) -> None:
    path = file(tmp_path / "pw", "x", 0o644)
    assert problems([Source("default", path, "")]) == [
        f"the vault password file {path} is open to every user of this machine (mode 0644); `chmod 600 {path}`"]
    Path(path).chmod(0o640)
    program = file(tmp_path / "pw.sh", "#!/bin/sh", 0o755)  # prints it for those who may know it
    assert not problems([Source("default", path, ""), Source("default", program, ""), Source("x", "prompt", "")])
