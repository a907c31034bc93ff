"""Asking for variables, at a pseudo-terminal and without one."""

from __future__ import annotations

import io
import sys
from dataclasses import replace

import pytest

from provisioner.diag import InputError, Span
from provisioner.effects import prompts
from provisioner.lang.model import Prompt
from provisioner.template.passwords import sha_crypt
from provisioner.values import Secret

RELEASE = Prompt("release", Span("site.yml", 3), private=False)


class Terminal(io.StringIO):
    """Types `answers`, one a question."""

    def __init__(self, *answers: str) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[tuple[str, bool]] = []

    def isatty(self) -> bool:
        return True

    def ask(self, text: str, *, echo: bool) -> str:
        self.asked.append((text, echo))
        return self.answers.pop(0)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    made = Terminal()
    monkeypatch.setattr(sys, "stdin", made)
    monkeypatch.setattr(prompts, "ask", made.ask)
    return made


def test_what_is_typed_is_the_value(terminal: Terminal) -> None:
    terminal.answers = ["7"]
    assert prompts.prompted(RELEASE, "Which release", None) == "7"
    assert terminal.asked == [("Which release: ", True)]


def test_nothing_typed_is_the_default(terminal: Terminal) -> None:
    terminal.answers = [""]
    assert prompts.prompted(RELEASE, "Which", "stable") == "stable"
    assert terminal.asked == [("Which [stable]: ", True)]


def test_what_is_typed_unseen_is_secret(terminal: Terminal) -> None:
    terminal.answers = ["hush"]
    assert prompts.prompted(replace(RELEASE, private=True), "Password", None) == Secret("hush")
    assert terminal.asked == [("Password: ", False)]


def test_two_different_answers_are_asked_for_again(terminal: Terminal) -> None:
    terminal.answers = ["a", "b", "c", "c"]
    assert prompts.prompted(replace(RELEASE, confirm=True), "Name", None) == "c"
    assert [text for text, _ in terminal.asked] == [
        "Name: ", "confirm Name: ", f"{prompts.MISMATCH}\nName: ", "confirm Name: "]


def test_a_password_becomes_its_hash(terminal: Terminal) -> None:
    terminal.answers = ["pw"]
    prompt = replace(RELEASE, encrypt="sha512", salt="salty", private=True)
    assert prompts.prompted(prompt, "Password", None) == Secret(sha_crypt("pw", "salty", "sha512"))


def test_without_a_terminal_the_default_counts_or_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("not read"))
    assert prompts.prompted(RELEASE, "Which", "stable") == "stable"
    with pytest.raises(InputError, match="give it with `-e release=…`"):
        prompts.prompted(RELEASE, "Which", None)
