"""Where vault passwords come from: `--vault-id label@source`, `--vault-password-file`, `-J`, the environment.

A source is a file, a program that prints the password, or `prompt`. A program whose name ends in `-client` is asked
for one of several passwords: it gets `--vault-id label`, and ends with 2 if it has none for it.
"""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from provisioner.diag import UsageError, near
from provisioner.vault.envelope import DEFAULT_ID, is_encrypted
from provisioner.vault.keyring import Password

PROMPTS: Final = frozenset({"prompt", "prompt_ask_vault_pass"})
DEADLINE: Final = 120.0
"""Seconds for a program: it may wait for a person (a touch of a key, an agent)."""
_NO_SUCH_ID: Final = 2
_OTHERS: Final = stat.S_IRWXO

Ask = Callable[[str], str]
"""Asks the user for a password with this prompt; what is typed is not shown."""


@dataclass(frozen=True, slots=True)
class Source:
    label: str
    place: str
    """`prompt`, or the path of a file or program."""
    option: str
    """What named it, for messages."""


@dataclass(frozen=True, slots=True)
class Given:
    """The options of the command line."""

    ids: Sequence[str] = ()
    files: Sequence[str] = ()
    ask: bool = False


def sources(given: Given, environment: Mapping[str, str]) -> tuple[Source, ...]:
    """All that were named, in the order in which they are tried: the environment's ids, options, files, prompt."""
    found = [_source(text, "ANSIBLE_VAULT_IDENTITY_LIST")
             for text in environment.get("ANSIBLE_VAULT_IDENTITY_LIST", "").split(",") if text.strip()]
    found += [_source(text, "--vault-id") for text in given.ids]
    found += [Source(DEFAULT_ID, file, "--vault-password-file") for file in given.files]
    if file := environment.get("ANSIBLE_VAULT_PASSWORD_FILE"):
        found.append(Source(DEFAULT_ID, file, "ANSIBLE_VAULT_PASSWORD_FILE"))
    if given.ask:
        found.append(Source(DEFAULT_ID, "prompt", "-J"))
    return tuple(dict.fromkeys(found))


def read_all(named: Iterable[Source], ask: Ask, *, confirm: bool = False) -> tuple[Password, ...]:
    """The passwords. confirm: they are for encrypting, so a typed one is asked for twice. Raises `UsageError`."""
    return tuple(_read(source, ask, confirm=confirm) for source in named)


def problems(named: Iterable[Source]) -> list[str]:
    """Password files that every user of this machine may read or change."""
    return [f"the vault password file {source.place} is open to every user of this machine (mode "
            f"{_mode(source.place):04o}); `chmod 600 {source.place}`"
            for source in named if source.place not in PROMPTS and _mode(source.place) & _OTHERS
            and not os.access(Path(os.path.expanduser(source.place)), os.X_OK)]


def _source(text: str, option: str) -> Source:
    label, at, place = text.strip().partition("@")
    if not at:
        label, place = "", label
    if not place:
        raise UsageError(f"{option} {text}: no source follows the @", hint="write LABEL@FILE or LABEL@prompt")
    if ";" in label or any(character.isspace() for character in label):
        raise UsageError(f"{option} {text}: an id has no blanks and no `;`")
    return Source(label or DEFAULT_ID, place, option)


def _read(source: Source, ask: Ask, *, confirm: bool) -> Password:
    if source.place in PROMPTS:
        value = _typed(source, ask, confirm=confirm)
    else:
        value = _of_file(source)
    if not value:
        raise UsageError(f"{_named(source)}: the password is empty")
    return Password(source.label, value, _named(source))


def _typed(source: Source, ask: Ask, *, confirm: bool) -> bytes:
    of = f" ({source.label})" if source.option != "-J" else ""
    if not confirm:
        return ask(f"Vault password{of}").strip().encode()
    first = ask(f"New vault password{of}").strip()
    if ask(f"Confirm new vault password{of}").strip() != first:
        raise UsageError("the two passwords are not the same", hint="nothing was changed; try again")
    return first.encode()


def _of_file(source: Source) -> bytes:
    path = Path(os.path.expanduser(source.place))
    try:
        if path.is_dir():
            raise UsageError(f"{_named(source)} is a directory, not a file with a password")
        if os.access(path, os.X_OK):
            return _printed(source, path)
        value = path.read_bytes().strip()
    except FileNotFoundError:
        beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise UsageError(f"{_named(source)}: there is no such file", hint=near(path.name, beside)) from None
    except OSError as error:
        raise UsageError(f"{_named(source)} cannot be read: {error.strerror}") from None
    if is_encrypted(value):
        raise UsageError(f"{_named(source)} is encrypted by the vault itself", hint="a password file is plain text")
    return value


def _printed(source: Source, path: Path) -> bytes:
    """What the program at `path` prints; its standard input and error are the user's, who may be asked something."""
    client = path.stem.endswith("-client")
    command = [str(path.absolute()), *(["--vault-id", source.label] if client else [])]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, timeout=DEADLINE, check=False)
    except subprocess.TimeoutExpired:
        raise UsageError(f"{_named(source)} did not end within {DEADLINE:.0f} s") from None
    except OSError as error:
        hint = "begin it with `#!`, or take the x bit away if it is a file with a password"
        raise UsageError(f"{_named(source)} cannot be run: {error.strerror}", hint=hint) from None
    if client and done.returncode == _NO_SUCH_ID:
        raise UsageError(f"{_named(source)} has no password for the id `{source.label}`")
    if done.returncode:
        raise UsageError(f"{_named(source)} ended with {done.returncode}", hint="its messages are above")
    value = done.stdout.strip(b"\r\n")
    if not value:
        raise UsageError(f"{_named(source)} printed nothing", hint="a program prints the password and a newline")
    return value


def _named(source: Source) -> str:
    if source.option == "-J":
        return source.option
    if source.option.endswith(("_FILE", "-file")):
        return f"{source.option} {source.place}"
    return f"{source.option} {source.label}@{source.place}"


def _mode(place: str) -> int:
    try:
        return stat.S_IMODE(os.stat(Path(os.path.expanduser(place))).st_mode)
    except OSError:
        return 0
