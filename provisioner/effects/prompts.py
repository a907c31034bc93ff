"""Answers `vars_prompt` at the terminal."""

from __future__ import annotations

import sys

from provisioner.diag import Diagnostic, InputError, UsageError
from provisioner.effects.passwords import new_salt
from provisioner.effects.terminal import ask
from provisioner.lang.model import Prompt
from provisioner.template.passwords import sha_crypt
from provisioner.values import Secret, Value

MISMATCH = "***** VALUES ENTERED DO NOT MATCH ****"


def prompted(prompt: Prompt, text: str, default: str | None) -> Value:
    """What somebody types; without anybody at a terminal the default. What was typed unseen is a `Secret`."""
    typed = _typed(prompt, text, default) if sys.stdin.isatty() else _nobody(prompt, default)
    if prompt.encrypt:
        return Secret(sha_crypt(typed, prompt.salt or new_salt(prompt.salt_size), prompt.encrypt))
    return Secret(typed) if prompt.private and typed != default else typed


def take_step(task: str) -> str:
    """Whether to do the task: `yes`, `no`, or `continue` to do this one and all others. An error without a terminal."""
    if not sys.stdin.isatty():
        raise UsageError("`--step` asks before each task, and nobody is at a terminal")
    shown = task if task.isprintable() else ascii(task)
    answer = ask(f"Perform task: {shown} (N)o/(y)es/(c)ontinue: ", echo=True).strip().lower()
    return {"y": "yes", "yes": "yes", "c": "continue", "continue": "continue"}.get(answer, "no")


def _typed(prompt: Prompt, text: str, default: str | None) -> str:
    asked = f"{text}: " if default is None else f"{text} [{default}]: "
    before = ""
    while True:
        answer = ask(before + asked, echo=not prompt.private)
        if not prompt.confirm or ask(f"confirm {asked}", echo=not prompt.private) == answer:
            return answer or default or ""
        before = f"{MISMATCH}\n"


def _nobody(prompt: Prompt, default: str | None) -> str:
    if default is not None:
        return default
    raise InputError([Diagnostic("Nobody to ask", f"`{prompt.name}` is asked for, and nobody is at a terminal",
                                 prompt.span, f"give it with `-e {prompt.name}=…`, or give the prompt a `default`")])
