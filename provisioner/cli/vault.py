"""`provision vault`: encrypted files and values, with ansible-vault's commands, flags and formats."""

from __future__ import annotations

import functools
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace as but
from typing import Any

import click

from provisioner.cli import places
from provisioner.cli.options import ask_password, is_set, vault_options, warn_about
from provisioner.diag import ProvisionError, Span, UsageError
from provisioner.vault import files
from provisioner.vault.editor import edit as edited
from provisioner.vault.envelope import DEFAULT_ID, is_encrypted
from provisioner.vault.keyring import Keyring, Password
from provisioner.vault.passwords import Given, Source, read_all, sources

STDIN = "-"
INDENT = 10
"""Blanks before each line of a value, as ansible-vault has it."""


class Commands(click.Group):
    """`encrypt_string`, as ansible-vault spells it, is `encrypt-string`."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name.replace("_", "-"))


@click.group(cls=Commands)
def vault() -> None:
    """Encrypt, view and edit secrets, as ansible-vault does."""


# -- options -----------------------------------------------------------------------------------------------------


def _with_passwords(*, confirm: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives a command the keyword `keys`, a `Keyring`. confirm: a typed password is new, and asked for twice."""

    def wrapped(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def collected(*args: Any, vault_id: Sequence[str], vault_password_file: Sequence[str],
                      ask_vault_password: bool, **given: Any) -> Any:
            named = sources(Given(vault_id, vault_password_file, ask_vault_password), os.environ)
            # Without a password there is nothing to do here, so one is asked for.
            named = named or (Source(DEFAULT_ID, "prompt", "-J"),)
            warn_about(named)
            keys = Keyring(read_all(named, ask_password, confirm=confirm),
                           only_matching=is_set("ANSIBLE_VAULT_ID_MATCH"))
            return command(*args, keys=keys, **given)

        for option in reversed(vault_options()):
            collected = option(collected)
        return collected

    return wrapped


_encrypt_with = click.option("--encrypt-vault-id", metavar="LABEL", envvar="ANSIBLE_VAULT_ENCRYPT_IDENTITY",
                             help="Which of several passwords to encrypt with.")
_output = click.option("--output", metavar="FILE", help="Write there instead of into the file; - is standard output.")


# -- whole files -------------------------------------------------------------------------------------------------


@vault.command()
@click.argument("names", nargs=-1, metavar="FILE...")
@_output
@_encrypt_with
@_with_passwords(confirm=True)
def encrypt(names: tuple[str, ...], *, output: str | None, encrypt_vault_id: str | None, keys: Keyring) -> int:
    """Encrypt files in place; without a FILE, or with -, standard input."""
    password = keys.to_encrypt(encrypt_vault_id)

    def encrypted(name: str) -> bytes:
        plain = _read(name)
        if is_encrypted(plain):
            raise UsageError(f"{_shown(name)} is encrypted already")
        return keys.encrypt(plain, password)

    return _each(names, output, encrypted, "encrypted")


@vault.command()
@click.argument("names", nargs=-1, metavar="FILE...")
@_output
@_with_passwords()
def decrypt(names: tuple[str, ...], *, output: str | None, keys: Keyring) -> int:
    """Decrypt files in place; without a FILE, or with -, standard input."""
    return _each(names, output, lambda name: keys.decrypt(_encrypted(name), Span(_shown(name), 1)), "decrypted")


@vault.command()
@click.argument("names", nargs=-1, required=True, metavar="FILE...")
@_with_passwords()
def view(names: tuple[str, ...], *, keys: Keyring) -> None:
    """Show encrypted files: in a pager on a terminal, as they are elsewhere."""
    for name in names:
        _show(keys.decrypt(_encrypted(name), Span(_shown(name), 1)))


@vault.command()
@click.argument("names", nargs=-1, required=True, metavar="FILE...")
@_encrypt_with
@_with_passwords()
def edit(names: tuple[str, ...], *, encrypt_vault_id: str | None, keys: Keyring) -> None:
    """Edit encrypted files in $EDITOR. The plain text is in a private file only, and nothing is left of it."""
    for name in names:
        if not os.path.exists(name):
            raise UsageError(f"there is no file {name}", hint="`provision vault create` makes one")
        plain, fitted = keys.unlock(_encrypted(name), Span(name, 1))
        password = keys.to_encrypt(encrypt_vault_id) if encrypt_vault_id else fitted
        changed = edited(plain, name, os.environ)
        if changed == plain and password == fitted:
            _say(f"{name}: not changed")
        else:
            files.replace(name, keys.encrypt(changed, password))


@vault.command()
@click.argument("name", metavar="FILE")
@_encrypt_with
@_with_passwords(confirm=True)
def create(name: str, *, encrypt_vault_id: str | None, keys: Keyring) -> None:
    """Make a new encrypted file, its text written in $EDITOR."""
    if os.path.exists(name):
        raise UsageError(f"{name} is there already", hint="`provision vault edit` opens it")
    password = keys.to_encrypt(encrypt_vault_id)
    files.replace(name, keys.encrypt(edited(b"", name, os.environ), password))


@vault.command()
@click.argument("names", nargs=-1, required=True, metavar="FILE...")
@click.option("--new-vault-id", metavar="LABEL@SOURCE", help="The new password and its id.")
@click.option("--new-vault-password-file", metavar="PATH", help="File, or program, with the new password.")
@_encrypt_with
@_with_passwords()
def rekey(names: tuple[str, ...], *, new_vault_id: str | None, new_vault_password_file: str | None,
          encrypt_vault_id: str | None, keys: Keyring) -> int:
    """Encrypt files with another password. A file is changed as a whole or not at all."""
    opened: dict[str, bytes] = {}

    def look(name: str) -> None:
        opened[name] = keys.decrypt(_encrypted(name), Span(_shown(name), 1))

    failed = _attempt(names, look)  # before the new password is asked for, and before the first file is changed
    password = _new_password(new_vault_id, new_vault_password_file, encrypt_vault_id)
    failed |= _attempt(list(opened), lambda name: files.replace(name, keys.encrypt(opened[name], password)))
    return _summary(names, failed, "rekeyed")


def _new_password(label_and_source: str | None, file: str | None, label: str | None) -> Password:
    if label_and_source and file:
        raise UsageError("--new-vault-id and --new-vault-password-file are two ways to say the same; give one")
    named = sources(Given([label_and_source] if label_and_source else [], [file] if file else [],
                          not (label_and_source or file)), {})
    warn_about(named)
    (password,) = read_all(named, ask_password, confirm=True)
    return but(password, label=label) if label else password


# -- values ------------------------------------------------------------------------------------------------------


@vault.command("encrypt-string")
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option("-n", "--name", "names", multiple=True, metavar="NAME", help="The variable; once for each TEXT.")
@click.option("--stdin-name", metavar="NAME", help="The variable for what standard input has.")
@click.option("-p", "--prompt", is_flag=True, help="Ask for the text.")
@click.option("--show-input", is_flag=True, help="Show what is typed at that.")
@click.option("--output", metavar="FILE", help="Write there instead of to standard output.")
@_encrypt_with
@_with_passwords(confirm=True)
def encrypt_string(texts: tuple[str, ...], *, names: tuple[str, ...], stdin_name: str | None, prompt: bool,
                   show_input: bool, output: str | None, encrypt_vault_id: str | None, keys: Keyring) -> None:
    """Encrypt values for YAML files: what is printed goes behind `name:`. Without a TEXT, standard input."""
    password = keys.to_encrypt(encrypt_vault_id)
    if len(names) > len(texts) + prompt:
        raise UsageError("there are more --name than texts")
    named = [*names, *[""] * (len(texts) - len(names))]
    found = list(zip(named, texts, strict=False))
    if prompt:
        found.append(_prompted(names[len(texts)] if len(names) > len(texts) else "", show=show_input))
    if stdin_name is not None or STDIN in texts or not found:
        found = [pair for pair in found if pair[1] != STDIN]
        found.append((stdin_name or "", _typed_text()))
    for _, text in found:
        if not text:
            raise UsageError("the text to encrypt is empty")
    _write(output, "".join(value_of(name, keys.encrypt(text.encode("utf-8", "surrogateescape"), password))
                           for name, text in found).encode())


def value_of(name: str, envelope: bytes) -> str:
    """As it stands in a YAML file."""
    head = f"{name}: " if name else ""
    return f"{head}!vault |\n" + "".join(f"{' ' * INDENT}{line}\n" for line in envelope.decode().splitlines())


def _prompted(name: str, *, show: bool) -> tuple[str, str]:
    name = name or click.prompt("Variable name (enter for no name)", default="", show_default=False, err=True)
    if show:
        return name, click.prompt("String to encrypt", err=True)
    text = ask_password("String to encrypt (hidden)")
    if ask_password("Confirm string to encrypt (hidden)") != text:
        raise UsageError("the two texts are not the same")
    return name, text


def _typed_text() -> str:
    if sys.stdin.isatty():
        _say("Type the text; Ctrl-D ends it (twice, if its last line has no end)")
    return sys.stdin.buffer.read().decode("utf-8", "surrogateescape")


# -- files and streams -------------------------------------------------------------------------------------------


def _each(names: Sequence[str], output: str | None, made: Callable[[str], bytes], done: str) -> int:
    """Write what `made` gives for each file into it, or for the only one to `output`."""
    names = names or (STDIN,)
    if output is not None and len(names) > 1:
        raise UsageError("--output takes one FILE", hint="without it each file is changed in place")
    failed = _attempt(names, lambda name: _write(output or name, made(name)))
    return _summary(names, failed, done) if names != (STDIN,) else int(bool(failed))


def _attempt(names: Sequence[str], work: Callable[[str], None]) -> set[str]:
    """The files whose turn failed; each failure is told at once."""
    failed = set()
    for name in names:
        try:
            work(name)
        except ProvisionError as error:
            failed.add(name)
            from provisioner.ui.codeframe import codeframes, read_file_line  # noqa: PLC0415

            click.echo(codeframes(error.diagnostics(), read_file_line), err=True)
    return failed


def _summary(names: Sequence[str], failed: set[str], done: str) -> int:
    good = len(set(names) - failed)
    bad = f", {len(failed)} not changed: {', '.join(sorted(failed))}" if failed else ""
    _say(f"{good} file{'' if good == 1 else 's'} {done}{bad}")
    return 1 if failed else 0


def _read(name: str) -> bytes:
    return sys.stdin.buffer.read() if name == STDIN else files.read(name)


def _encrypted(name: str) -> bytes:
    data = _read(name)
    if not is_encrypted(data.lstrip()):
        raise UsageError(f"{_shown(name)} is not encrypted")
    return data


def _write(name: str | None, content: bytes) -> None:
    if name in (None, STDIN):
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        assert name is not None
        files.replace(name, content)


def _show(content: bytes) -> None:
    if not sys.stdout.isatty():
        _write(None, content)
        return
    # The pager gets it through a pipe, and less keeps no history of what was looked for.
    pager = shlex.split(os.environ.get("PAGER") or "less")
    try:
        subprocess.run(pager, input=content, env={**os.environ, "LESSHISTFILE": "-"}, check=False)
    except OSError:
        _write(None, content)


def _shown(name: str) -> str:
    return "standard input" if name == STDIN else name


def _say(text: str) -> None:
    click.echo(text, err=True)


# -- the site's key ----------------------------------------------------------------------------------------------


@vault.command(name="site-key")
@click.option("-i", "--inventory", multiple=True, required=True, metavar="FILE", help="The site's inventory.")
@click.option("--state-dir", metavar="DIR", help="Where this controller keeps its state.")
@_encrypt_with
@_with_passwords()
def site_key(*, inventory: tuple[str, ...], state_dir: str | None, encrypt_vault_id: str | None,
             keys: Keyring) -> None:  # fmt: skip
    """Put this controller's key beside the inventory, encrypted, for all controllers of the site: with it drift checks
    know what each of them has applied."""
    from provisioner.baseline.key import share  # noqa: PLC0415 - the other commands need no history

    file = share(places.state_dir(state_dir), inventory, keys, encrypt_vault_id)
    click.echo(f"{file}: commit it, so that other controllers of the site have it too")
