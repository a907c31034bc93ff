"""Where a mistake is and how it is told: spans, diagnostics and the one tree of errors.

    ProvisionError                 exit code
    ├── UsageError                 5    wrong options on the command line
    ├── InputError                 4    one or more mistakes in the user's files
    ├── TemplateError              -    a template could not be rendered (fails the task it belongs to)
    │   ├── UndefinedVariable
    │   ├── ConditionError              a `when` that is not boolean
    │   └── VaultError                  what is encrypted by the vault cannot be opened
    │       └── NoVaultPassword         because no password was given at all
    ├── HostUnreachable            4    no working connection to a host
    │   ├── HostKeyRejected             unknown, changed or revoked host key
    │   ├── AuthenticationFailed
    │   └── HostLost                    the connection died while work was under way: outcome unknown
    ├── HostFailed                 2    connected, but the host cannot do what is asked
    │   ├── BecomeFailed                sudo refused
    │   └── NoPython                    no usable Python on the host
    ├── PlayError                  1    a playbook is wrong in a way that shows only while it runs
    ├── ProtocolError              1    the runner said something it must not say
    ├── LabError                   1    a throw-away host could not be made or removed
    ├── LockHeld                   6    somebody else works on it
    └── Interrupted                99

Everything else that is raised is a bug of ours and ends with exit code 250.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in a file; line and column count from 1. `file` is the path as the user would type it."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing to tell the user about their input.

    summary: fixed words, no user data, no full stop ("Unknown keyword").
    detail:  what is wrong with which value, why it matters here.
    hint:    what to do, often a near name ("did you mean `when`?").
    related: other places that matter, each with a short label ("first defined here").
    """

    summary: str
    detail: str = ""
    span: Span | None = None
    hint: str = ""
    severity: Literal["error", "warning"] = "error"
    related: tuple[tuple[str, Span], ...] = ()

    def __str__(self) -> str:
        return f"{self.span}: {self.words}" if self.span else self.words

    @property
    def words(self) -> str:
        """In one line, without the place."""
        text = self.summary
        if self.detail:
            text += f": {self.detail}"
        if self.hint:
            text += f" ({self.hint})"
        return text


class ProvisionError(Exception):
    """Base of every error that is not a bug of ours; `exit_code` is what the command ends with."""

    exit_code: int = 1

    def __init__(self, message: str, *, hint: str = "", span: Span | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.span = span

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The error as diagnostics, ready for a renderer."""
        return (Diagnostic(self.message, span=self.span, hint=self.hint),)


class UsageError(ProvisionError):
    exit_code = 5


class InputError(ProvisionError):
    """One or more mistakes in files the user wrote; loading collects as many as it can before raising."""

    exit_code = 4

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.items: tuple[Diagnostic, ...] = tuple(diagnostics)
        first = self.items[0] if self.items else None
        super().__init__("\n".join(map(str, self.items)), span=first.span if first else None)

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        return self.items


class TemplateError(ProvisionError):
    """A template failed: syntax, a filter's error, a recursion. Fails the task, never the program."""


class UndefinedVariable(TemplateError):
    """A name or attribute that does not exist; `name` is what was looked up."""

    def __init__(self, message: str, *, name: str = "", hint: str = "", span: Span | None = None) -> None:
        super().__init__(message, hint=hint, span=span)
        self.name = name


class ConditionError(TemplateError):
    """A condition gave something else than a boolean."""


class VaultError(TemplateError):
    """Encrypted text cannot be opened: no password, a wrong one, damage. Fails the task that needs the value."""


class NoVaultPassword(VaultError):
    """None was given at all."""


class PlayError(ProvisionError):
    """The playbook is wrong in a way that shows only while it runs; ends the run."""


class HostUnreachable(ProvisionError):
    exit_code = 4


class HostKeyRejected(HostUnreachable):
    """The host's key is unknown, changed or revoked. Raised before anything secret is sent."""


class AuthenticationFailed(HostUnreachable):
    pass


class HostLost(HostUnreachable):
    """The connection died while tasks were running; whether they finished is not known."""


class HostFailed(ProvisionError):
    exit_code = 2


class BecomeFailed(HostFailed):
    pass


class NoPython(HostFailed):
    pass


class ProtocolError(ProvisionError):
    pass


class LabError(ProvisionError):
    pass


class LockHeld(ProvisionError):
    exit_code = 6


class Interrupted(ProvisionError):
    exit_code = 99


def near(name: str, known: Iterable[str]) -> str:
    """A hint naming the nearest known word (`"did you mean `when`?"`), or an empty string."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean `{matches[0]}`?" if matches else ""


@dataclass(slots=True)
class Collector:
    """Gathers diagnostics while a file is loaded, so that all its mistakes are told in one go."""

    items: list[Diagnostic] = field(default_factory=list)

    def error(self, summary: str, detail: str = "", span: Span | None = None, *, hint: str = "",
              related: tuple[tuple[str, Span], ...] = ()) -> None:
        self.items.append(Diagnostic(summary, detail, span, hint, "error", related))

    def warning(self, summary: str, detail: str = "", span: Span | None = None, *, hint: str = "",
                related: tuple[tuple[str, Span], ...] = ()) -> None:
        self.items.append(Diagnostic(summary, detail, span, hint, "warning", related))

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """Each once: a file that is read for several uses has its mistakes in each."""
        return tuple(dict.fromkeys(item for item in self.items if item.severity == "error"))

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        return tuple(dict.fromkeys(item for item in self.items if item.severity == "warning"))

    def raise_errors(self) -> None:
        """Raise `InputError` with everything found so far if any of it is an error."""
        if self.errors:
            raise InputError(self.errors)
