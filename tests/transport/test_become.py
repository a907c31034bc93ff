from __future__ import annotations

import shlex

import pytest

from provisioner.diag import BecomeFailed
from provisioner.messages import Become
from provisioner.transport.become import Dialog, NeedsTerminal, check_method, command, new_prompt
from provisioner.values import Secret

PROMPT = "sudo-0123456789abcdef:"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def dialog(password: str | None = "hunter2", clock: Clock | None = None) -> tuple[Dialog, list[bytes]]:
    written: list[bytes] = []
    become = Become("root", password=Secret(password) if password is not None else None)
    return Dialog(become, PROMPT, written.append, clock=clock or Clock()), written


def test_the_password_is_written_once_and_only_after_the_prompt() -> None:
    talk, written = dialog()
    talk.look("We trust you have received the usual lecture\n[sudo] password for deploy: ")
    assert written == []
    talk.look(f"lecture\n{PROMPT}")
    talk.look(f"lecture\n{PROMPT}")
    talk.look(f"lecture\n{PROMPT} something else")
    assert written == [b"hunter2\n"]


def test_a_second_prompt_means_a_wrong_password_and_is_not_answered() -> None:
    talk, written = dialog()
    talk.look(PROMPT)
    with pytest.raises(BecomeFailed, match="the password is wrong"):
        talk.look(f"{PROMPT}Sorry, try again.\n{PROMPT}")
    assert written == [b"hunter2\n"]


def test_a_prompt_without_a_password_is_an_error_at_once() -> None:
    talk, written = dialog(None)
    with pytest.raises(BecomeFailed, match="none was given"):
        talk.look(PROMPT)
    assert written == []


def test_a_question_that_is_not_ours_is_never_answered_and_given_up_after_a_while() -> None:
    clock = Clock()
    talk, written = dialog(clock=clock)
    talk.look("Verification code: ")
    clock.now = 3.9
    talk.look("Verification code: ")
    clock.now = 4.1
    with pytest.raises(BecomeFailed, match="asks something else: 'Verification code:'"):
        talk.look("Verification code: ")
    assert written == []


def test_complete_lines_are_no_question_however_long_it_takes() -> None:
    clock = Clock()
    talk, _ = dialog(clock=clock)
    talk.look("a greeting\n")
    clock.now = 60
    talk.look("a greeting\n")


@pytest.mark.parametrize(("said", "reason"), [
    ("deploy is not in the sudoers file.\n", "may not use sudo"),
    ("Sorry, user deploy is not allowed to execute '/bin/sh' as root on web.\n", "does not let the user run this"),
    ("sudo: unknown user nosuch\n", "no such user"),
    ("sudo: Account or password is expired, reset your password and try again\n", "expired"),
    ("sudo: a password is required\n", "none was given"),
    ("/bin/sh: 1: exec: sudo: not found\n", "not installed"),
    ("sudo: something new\nof two lines\n", "sudo: something new; of two lines"),
    ("", "without a word"),
])  # fmt: skip
def test_h15_what_sudo_refuses_is_said_in_plain_words(said: str, reason: str) -> None:
    talk, _ = dialog()
    assert reason in talk.ended(said).message
    assert "root" in talk.ended(said).message


def test_h15_a_wish_for_a_terminal_is_told_apart() -> None:
    talk, _ = dialog()
    with pytest.raises(NeedsTerminal):
        talk.ended("sudo: sorry, you must have a tty to run sudo\n")


def test_the_prompt_does_not_stand_in_the_command_as_it_is() -> None:
    prompt = new_prompt()
    text = command(Become("www data", flags=("-n", "-i")), prompt, "echo 'hi'")
    assert prompt not in text
    assert shlex.split(text) == ["sudo", "-H", "-S", "-i", "-p", prompt, "-u", "www data", "--",
                                 "/bin/sh", "-c", "echo 'hi'"]  # fmt: skip


def test_a_password_is_never_part_of_the_command() -> None:
    assert "hunter2" not in command(Become("root", password=Secret("hunter2")), new_prompt(), "true")


def test_other_methods_than_sudo_are_refused_clearly() -> None:
    with pytest.raises(BecomeFailed, match="`become_method: su` is not supported"):
        check_method(Become("root", method="su"))
