"""Reading the user's own files: bytes to text, with a diagnostic instead of an OSError."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioner.diag import Diagnostic, InputError, NoVaultPassword, Span, VaultError
from provisioner.values import Secret, Vault

#: A playbook of 100,000 lines has 5 MB; anything far beyond that is a mistake (a dump, a binary).
MAX_BYTES = 32 * 1024 * 1024
YAML_SUFFIXES = (".yml", ".yaml", ".json")
VAULT_MARK = "$ANSIBLE_VAULT;"


class Locked:
    """The `values.Vault` of those who have no passwords: opens nothing."""

    def decrypt(self, envelope: bytes, span: Span) -> bytes:
        raise NoVaultPassword("This is encrypted by the vault, and no vault password was given", span=span)

    def open(self, envelope: str, span: Span) -> Secret:
        raise NoVaultPassword("This is encrypted by the vault, and no vault password was given", span=span)

    def disclose(self, text: str) -> Secret:
        return Secret(text)


LOCKED = Locked()


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a file."""

    path: str
    text: str
    vault: Vault | None = None
    """What has decrypted it; None for a file that is plain."""


def read_source(path: str, vault: Vault = LOCKED, *, wanted_by: Span | None = None) -> Source:
    """A file, decrypted if it is encrypted; raises `InputError` that says what is wrong with it.

    wanted_by: the place that named the file, shown when the file cannot be read.
    """
    content = _content(path, wanted_by)
    if not is_encrypted(content):
        return Source(path, decode(content, path))
    try:
        return Source(path, decode(vault.decrypt(content, Span(path, 1)), path), vault)
    except VaultError as error:
        related = (("named here", wanted_by),) if wanted_by else ()
        raise InputError([Diagnostic("File not readable", error.message, error.span, error.hint,
                                     related=related)]) from None


def is_encrypted(content: bytes) -> bool:
    return content.startswith(VAULT_MARK.encode())


def is_encrypted_file(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return is_encrypted(file.read(len(VAULT_MARK)))
    except (OSError, ValueError):
        return False


def _content(path: str, wanted_by: Span | None) -> bytes:
    try:
        file = Path(path)
        if file.is_dir():
            raise _refuse("Not a file", f"`{path}` is a directory", wanted_by)
        if file.stat().st_size > MAX_BYTES:
            raise _refuse("File too large", f"`{path}` has more than {MAX_BYTES // 1024 // 1024} MiB", wanted_by)
        return file.read_bytes()
    except FileNotFoundError:
        raise _refuse("File not found", f"`{path}` does not exist", wanted_by, near_file([path])) from None
    except PermissionError:
        raise _refuse("File not readable", f"no permission to read `{path}`", wanted_by) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the name
        raise _refuse("File not readable", f"`{path}`: {error}", wanted_by) from None


def decode(content: bytes, path: str) -> str:
    """UTF-8 text (a byte order mark is dropped); the error names the line of the first wrong byte."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        detail = f"byte 0x{content[error.start]:02x} is not valid there"
        hint = "save the file as UTF-8"
        raise InputError([Diagnostic("Not UTF-8 text", detail, Span(path, line, column), hint)]) from None


def _refuse(summary: str, detail: str, span: Span | None, hint: str = "") -> InputError:
    return InputError([Diagnostic(summary, detail, span, hint)])


def join(directory: str, name: str) -> str:
    """`name` as seen from `directory`, kept as short as the user would type it."""
    if directory in {"", "."}:
        return name
    return str(Path(directory) / Path(os.path.expanduser(name)))


def first_file(candidates: Sequence[str]) -> str | None:
    """The first of the paths that is a file."""
    return next((path for path in candidates if is_file(path)), None)


def near_file(candidates: Iterable[str]) -> str:
    """A hint naming the file that looks most like one of `candidates` in the directories they would be in."""
    for candidate in candidates:
        wanted = Path(candidate)
        try:
            names = [entry.name for entry in wanted.parent.iterdir()]
        except (OSError, ValueError):
            continue
        match = difflib.get_close_matches(wanted.name, names, n=1, cutoff=0.6)
        if match:
            return f"did you mean `{join(str(wanted.parent), match[0])}`?"
    return ""


def is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def is_directory(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):
        return False
