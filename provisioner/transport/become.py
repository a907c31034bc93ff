"""Becoming another user by sudo: the command, and the one answer sudo gets.

The prompt is a random text that we give to sudo, so nothing that a command prints can be mistaken for it. The
password is written once, only after that prompt was seen, and never after the runner's own first line.
"""

from __future__ import annotations

import re
import secrets
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from provisioner.diag import BecomeFailed
from provisioner.messages import Become

_GIVE = "give it with `-K` or `ansible_become_password`, or allow NOPASSWD in sudoers"
_NO_SECOND_TRY = ("give the right one with `-K` or `ansible_become_password`; sudo was asked once only, so that nobody "
                  "is locked out")
# (what sudo says in LC_ALL=C, what we say, what to do)
_REFUSALS = (
    ("is not in the sudoers file", "the user may not use sudo", "add the user to sudoers on the host (`visudo`)"),
    ("is not allowed to execute", "sudoers does not let the user run this", "allow `/bin/sh` in sudoers, or ALL"),
    ("is not allowed to run sudo", "the user may not use sudo", "add the user to sudoers on the host (`visudo`)"),
    ("unknown user", "there is no such user on the host", "make the user first, or correct `become_user`"),
    ("unable to initialize policy", "sudo's configuration is broken", "look at it with `visudo -c` on the host"),
    ("expired", "the account or its password has expired", "set a new password on the host with `passwd`"),
    ("password change required", "the password must be changed first", "set a new password on the host with `passwd`"),
    ("incorrect password", "the password is wrong", _NO_SECOND_TRY),
    ("a password is required", "sudo wants a password and none was given", _GIVE),
    ("sudo: not found", "sudo is not installed on the host", "install it, or log in as the user directly"),
    ("no such file", "sudo is not installed on the host", "install it, or log in as the user directly"),
)  # fmt: skip
_TERMINAL = ("you must have a tty to run sudo", "a terminal is required", "no tty present")


_SETTLED = 1.0  # seconds of silence after which what sudo said is taken for all it has to say


class NeedsTerminal(Exception):
    """sudo runs only with a terminal (`Defaults requiretty`): start again with one."""


def _refusal(said: str) -> tuple[str, str] | None:
    """(reason, hint) of the first known refusal in what sudo said."""
    lowered = said.lower()
    return next(((reason, hint) for words, reason, hint in _REFUSALS if words in lowered), None)


def check_method(become: Become) -> None:
    """Raise `BecomeFailed` for what is not there yet."""
    if become.method != "sudo":
        raise BecomeFailed(f"`become_method: {become.method}` is not supported",
                           hint="use `sudo`, or log in as that user")


def new_prompt() -> str:
    return f"sudo-{secrets.token_hex(16)}:"


def without_prompt(text: str) -> str:
    """`text` without prompts of ours, for people."""
    return re.sub(r"sudo-[0-9a-f]{32}:", "", text)


def command(become: Become, prompt: str, script: str) -> str:
    """Shell text that runs `script` by /bin/sh as the other user."""
    flags = [flag for flag in become.flags if flag not in ("-n", "-S", "-H", "--non-interactive", "--stdin")]
    before = [become.exe or "sudo", "-H", "-S", *flags]
    # The prompt is written in two halves: a shell that shows its commands (`set -x`) does not show the prompt.
    half = len(prompt) // 2
    shown = f'{prompt[:half]}""{prompt[half:]}'
    return f"{shlex.join(before)} -p {shown} -u {shlex.quote(become.user)} -- /bin/sh -c {shlex.quote(script)}"


@dataclass(slots=True)
class Dialog:
    """Follows what sudo says until the runner speaks. `look` gets all that was said so far, each time.

    quiet: seconds of silence after an unfinished line (a question that is not ours) that count as a refusal.
    """

    become: Become
    prompt: str
    write: Callable[[bytes], None]
    quiet: float = 4.0
    clock: Callable[[], float] = time.monotonic
    _answered: bool = False
    _said: str = ""
    _since: float = field(default=0.0)

    def look(self, said: str) -> None:
        """Answer the prompt; raises `BecomeFailed` as soon as it is clear that it leads nowhere."""
        now = self.clock()
        if said != self._said:
            self._said, self._since = said, now
        asked = said.count(self.prompt)
        if asked and self.become.password is None:
            raise self._failed("sudo wants a password and none was given",
                               _GIVE)
        if asked and not self._answered:
            assert self.become.password is not None
            self._answered = True
            self.write(self.become.password.reveal().encode() + b"\n")
        elif asked > 1:
            raise self._failed("the password is wrong", _NO_SECOND_TRY)
        elif asked and now - self._since > _SETTLED and _refusal(said.rpartition(self.prompt)[2]):
            raise self.ended(said)  # sudo has said no, but goes on to ask for something (a new password)
        question = said.rsplit("\n", 1)[-1].strip()
        if question and not question.endswith(self.prompt) and now - self._since > self.quiet:
            raise self._failed(f"sudo asks something else: {question!r}", "log in by hand once to see what it wants")

    def ended(self, said: str) -> BecomeFailed:
        """The error for a sudo that ended without starting anything. Raises `NeedsTerminal` if that is all it lacks."""
        if any(words in said.lower() for words in _TERMINAL):
            raise NeedsTerminal
        refusal = _refusal(said)
        if refusal is not None:
            return self._failed(*refusal)
        lines = [line for row in said.splitlines() if (line := without_prompt(row).strip())]
        last = "; ".join(lines[-3:])
        return self._failed(last or "sudo ended without a word", "try `sudo -l` on the host")

    def _failed(self, reason: str, hint: str) -> BecomeFailed:
        return BecomeFailed(f"Cannot become {self.become.user} by sudo: {reason}", hint=hint)
