"""`provision app`: what it refuses before it asks any host, and that it is asked at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.cli.main import main

HERE = ("-i", "localhost,", "-c", "local")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROVISION_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize(("words", "told"), [
    (("env", "set", "NEXT_PUBLIC_URL=x"), "frozen into the pages when they are built"),
    (("env", "set", "PORT=1"), "has no effect on the app"),
    (("env", "set", "shop", "other", "A=1"), "'other' is neither NAME=VALUE nor a name in capital letters"),
    (("env", "set", "shop"), "which variable?"),
    (("env", "unset", "A=1"), "only the name"),
    (("exec", "shop"), "It stands behind `--`"),
    (("restart", "shop", "--rollout", "many"), "numbers of hosts and shares of them"),
])  # fmt: skip
def test_wrong_words_are_told_before_any_host_is_asked(
    words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["app", *words, "-i", "nowhere.invalid,"]) == 5
    assert told in capsys.readouterr().err


def test_an_app_that_is_nowhere_is_a_wrong_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["app", "status", "no-such-app", *HERE]) == 5
    assert "there is no app 'no-such-app' on this host" in capsys.readouterr().err


def test_a_host_that_is_not_there_is_unreachable(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["app", "restart", "shop", "-i", "nowhere.invalid,"]) == 4
    assert "nowhere.invalid: UNREACHABLE: " in capsys.readouterr().err
