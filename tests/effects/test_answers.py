"""The controller's world answers effects; what the user got wrong is a failure that says why."""

from __future__ import annotations

import re
import stat
from datetime import datetime
from pathlib import Path

import pytest

from provisioner.effects import answer
from provisioner.template.effects import Effect, EffectFailure
from provisioner.values import Secret


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in {"files/a.txt": " a {{ x }}\n", "files/b.txt": "b", "templates/t.j2": "<{{ x }}>\n",
                       "vars/Debian.yml": "{}", "c.txt": "c"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_files_are_found_in_their_directories_first(tree: Path) -> None:
    (tree / "a.txt").write_text("other")
    assert answer(Effect("file", ("a.txt", "c.txt")), search_paths=[tree]) == [" a {{ x }}", "c"]
    assert answer(Effect("file", ("a.txt",), (("lstrip", True), ("rstrip", False))), search_paths=[tree]) == [
        "a {{ x }}\n"]
    path = str(tree / "templates/t.j2")
    assert answer(Effect("template", ("t.j2",)), search_paths=[tree]) == [
        {"path": path, "source": "<{{ x }}>\n", "decrypted": False}]


def test_a_file_that_is_not_there_is_told_with_the_places_tried(tree: Path) -> None:
    failure = answer(Effect("file", ("nope",)), search_paths=[tree])
    assert isinstance(failure, EffectFailure)
    assert str(tree / "files/nope") in failure.message


def test_globs_give_files_sorted(tree: Path) -> None:
    (tree / "files/d.txt").mkdir()
    found = [str(tree / "files/a.txt"), str(tree / "files/b.txt")]
    assert answer(Effect("fileglob", ("*.txt",)), search_paths=[tree]) == found
    assert answer(Effect("fileglob", (str(tree / "files/*.txt"),))) == found
    assert answer(Effect("fileglob", ("nope/*",)), search_paths=[tree]) == []


def test_a_glob_without_a_directory_is_answered_by_the_first_that_has_a_match(tmp_path: Path) -> None:
    for folder, name in (("play/files", "a.yml"), ("role", "b.conf")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / name).touch()
    found = answer(Effect("fileglob", ("*.conf",)), search_paths=[tmp_path / "play", tmp_path / "role"])
    assert found == [str(tmp_path / "role" / "b.conf")]


@pytest.mark.parametrize(("effect", "found"), [
    (Effect("first_found", ("nope", "a.txt")), "files/a.txt"),
    (Effect("first_found", ({"files": ["nope.yml", "Debian.yml"], "paths": ["vars"]},)), "vars/Debian.yml"),
    (Effect("first_found", ({"files": "nope.yml,Debian.yml"},), (("subdir", "vars"),)), "vars/Debian.yml"),
    (Effect("first_found", ("Debian.yml", "c.txt")), "c.txt"),
    (Effect("first_found", (), (("files", ["c.txt"]),)), "c.txt"),
    (Effect("first_found", ({"files": ["nope"], "skip": True},)), None),
])
def test_the_first_file_that_exists_is_found(tree: Path, effect: Effect, found: str | None) -> None:
    assert answer(effect, search_paths=[tree]) == ([str(tree / found)] if found else [])


def test_no_file_of_all_is_a_failure(tree: Path) -> None:
    failure = answer(Effect("first_found", ("x", "y")), search_paths=[tree])
    assert isinstance(failure, EffectFailure)
    assert "none of x, y exists" in failure.message


def test_commands_run_in_the_directory_of_the_playbook(tree: Path) -> None:
    assert answer(Effect("pipe", ("pwd", Secret("echo hi"))), search_paths=["/", tree]) == [str(tree), "hi"]
    assert answer(Effect("lines", ("printf 'a\\nb\\n'",))) == ["a", "b"]
    failure = answer(Effect("pipe", ("echo oops >&2; exit 3",)))
    assert failure == EffectFailure("The lookup `pipe` failed: `echo oops >&2; exit 3` ended with 3: oops")


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_TEST", "1")
    assert answer(Effect("env", ("PROVISION_TEST", "PROVISION_NOT_SET"))) == ["1", None]


def test_a_password_is_made_once_kept_and_secret(tree: Path) -> None:
    effect = Effect("password", ("credentials/db length=12 chars=digits",))
    first = answer(effect, search_paths=[tree])
    assert answer(effect, search_paths=[tree]) == first
    password = first[0].reveal()
    assert len(password) == 12
    assert password.isdigit()
    assert stat.S_IMODE((tree / "credentials/db").stat().st_mode) == 0o600
    hashed = answer(Effect("password", ("credentials/db", ), (("encrypt", "sha512"),)), search_paths=[tree])
    assert hashed[0].reveal().startswith("$6$")
    assert answer(Effect("password", ("credentials/db", ), (("encrypt", "sha512"),)), search_paths=[tree]) == hashed
    assert answer(effect, search_paths=[tree]) == first


@pytest.mark.parametrize(("options", "kept", "begins"), [
    ({"encrypt": "bcrypt"}, r"pw salt=[./0-9A-Za-z]{22} ident=2b\n", "$2b$12$"),
    ({"encrypt": "blowfish", "ident": "2y"}, r"pw salt=[./0-9A-Za-z]{22} ident=2y\n", "$2y$12$"),
    ({"encrypt": "sha256"}, r"pw salt=[./0-9A-Za-z]{16}\n", "$5$"),
])
def test_the_hash_of_a_password_stays_the_same(
    tree: Path, options: dict[str, str], kept: str, begins: str
) -> None:
    file = tree / "credentials/web"
    file.parent.mkdir(exist_ok=True)
    file.write_text("pw\n")
    effect = Effect("password", ("credentials/web",), tuple(sorted(options.items())))
    first = answer(effect, search_paths=[tree])
    assert re.fullmatch(kept, file.read_text())
    assert first[0].reveal().startswith(begins)
    assert answer(effect, search_paths=[tree]) == first


def test_a_hash_that_is_not_known_is_an_error_and_keeps_nothing(tree: Path) -> None:
    found = answer(Effect("password", ("credentials/none",), (("encrypt", "rot13"),)), search_paths=[tree])
    assert "sha512, sha256, bcrypt" in found.message
    assert not (tree / "credentials/none").exists()


def test_two_passwords_that_are_not_kept_differ() -> None:
    assert answer(Effect("password", ("/dev/null",))) != answer(Effect("password", ("/dev/null",)))


def test_a_seed_draws_what_ansible_draws_with_it() -> None:
    seed = (("seed", "h"),)
    assert answer(Effect("random", (0, 59, 1), seed)) == 16
    assert answer(Effect("shuffle", (4,), seed)) == [3, 1, 0, 2]


def test_draws_and_the_clock_answer() -> None:
    assert answer(Effect("random", (5, 6, 1))) == 5
    assert sorted(answer(Effect("shuffle", (3,)))) == [0, 1, 2]
    assert len(answer(Effect("salt", (16,)))) == 16
    assert answer(Effect("random_choice", ("a",))) == ["a"]
    assert isinstance(answer(Effect("now", (True,))), datetime)
    assert answer(Effect("now", (True,))).tzinfo is None


def test_files_are_looked_at(tree: Path) -> None:
    asked = [answer(Effect("stat", (what, str(tree)))) for what in ("exists", "directory", "file", "link")]
    assert asked == [True, True, False, False]


def test_an_unknown_kind_is_a_failure() -> None:
    assert isinstance(answer(Effect("nope")), EffectFailure)
