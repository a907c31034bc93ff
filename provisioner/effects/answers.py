"""One function for each kind of effect, found by name in `ANSWERS`."""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from provisioner.diag import NoVaultPassword, VaultError
from provisioner.effects import files, passwords, sources, tables
from provisioner.effects.processes import CommandFailed, output_of
from provisioner.effects.sources import plain_content
from provisioner.effects.vars import load_vars
from provisioner.lang.source import LOCKED
from provisioner.template.effects import Effect, EffectFailure
from provisioner.values import Secret, Value, Vault

Options: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where relative names are looked for; the last path is the playbook's directory."""

    search_paths: tuple[Path, ...]
    vault: Vault

    @property
    def directory(self) -> Path:
        return self.search_paths[-1] if self.search_paths else Path()


def answer(effect: Effect, *, search_paths: Sequence[str | Path] = (), vault: Vault = LOCKED) -> Value:
    """What the world says; for a lookup a list with one entry per result. `EffectFailure` when it cannot.

    search_paths: directories in order, as `vars.magic.search_path` gives them; the last one is also where
    `pipe` runs. vault: opens files that are encrypted.
    """
    if effect.kind in sources.SOURCES or effect.kind == "load_vars":
        return _local(effect, search_paths, vault)
    if effect.kind not in ANSWERS:
        return EffectFailure(f"There is no lookup `{effect.kind}`")
    place = _Place(tuple(map(Path, search_paths)), vault)
    try:
        return ANSWERS[effect.kind](tuple(map(_revealed, effect.args)), dict(effect.kwargs), place)
    except (OSError, UnicodeDecodeError, ValueError, CommandFailed) as error:
        return EffectFailure(f"The lookup `{effect.kind}` failed: {error}")
    except VaultError as error:
        return EffectFailure(f"The lookup `{effect.kind}` failed: {error.diagnostics()[0]}")


def _local(effect: Effect, search_paths: Sequence[str | Path], vault: Vault) -> Value:
    """A file of the controller that a task wants to send; the task may name its own directories."""
    options = {"search": search_paths, **{name: _revealed(value) for name, value in effect.kwargs}}
    args = tuple(map(_revealed, effect.args))
    try:
        if effect.kind == "load_vars":
            return load_vars(args, options, vault)
        return sources.SOURCES[effect.kind](args, options, vault)
    except (OSError, ValueError) as error:
        return EffectFailure(str(error))
    except VaultError as error:
        told = error.diagnostics()[0]
        path = told.span.file if isinstance(error, NoVaultPassword) and told.span else ""
        asked = f": A vault password or secret must be specified to decrypt {path}" if path else ""
        return EffectFailure(f"{told}{asked}")  # Ansible's words last: playbooks look for them


def _revealed(value: Value) -> Value:
    return value.reveal() if isinstance(value, Secret) else value


def _env(args: tuple[Value, ...], options: Options, place: _Place) -> Value:
    """None for each that is not set."""
    return [os.environ.get(str(name)) for name in args]


def _file(args: tuple[Value, ...], options: Options, place: _Place) -> Value:
    """
    >>> evaluate("lookup('file', 'motd')"), evaluate("lookup('file', 'motd', rstrip=false)")
    ('hello', 'hello\\n')
    """
    left, right = options.get("lstrip", False), options.get("rstrip", True)
    texts = []
    for name in args:
        content, decrypted = plain_content(files.find(str(name), place.search_paths, ("files",)), place.vault)
        text = content.decode("utf-8")
        text = text.lstrip() if left else text
        text = text.rstrip() if right else text
        texts.append(place.vault.disclose(text) if decrypted else text)
    return texts


def _unvault(args: tuple[Value, ...], options: Options, place: _Place) -> Value:
    """
    >>> evaluate("lookup('unvault', 'motd')")
    'hello\\n'
    """
    return _file(args, {"rstrip": False}, place)


def _template(args: tuple[Value, ...], options: Options, place: _Place) -> Value:
    """
    >>> evaluate("lookup('template', 'motd.j2')", city="Graz")
    'welcome to Graz\\n'
    """
    found = [files.find(str(name), place.search_paths, ("templates",)) for name in args]
    contents = [plain_content(path, place.vault) for path in found]
    return [{"path": str(path), "source": content.decode("utf-8"), "decrypted": decrypted}
            for path, (content, decrypted) in zip(found, contents, strict=True)]


def _part(args: tuple[Value, ...], options: Options, place: _Place) -> Value:
    """What a template includes, imports or extends; None when there is no such file."""
    beside = (Path(str(options["beside"])),) if "beside" in options else ()
    try:
        found = files.find(str(args[0]), (*place.search_paths, *beside), ("templates",))
    except FileNotFoundError:
        return None
    content, decrypted = plain_content(found, place.vault)
    return {"path": str(found), "source": content.decode("utf-8"), "decrypted": decrypted}


def _fileglob(args: tuple[Value, ...], options: Options, place: _Place) -> Value:
    """
    >>> evaluate("query('fileglob', '*.csv') | map('basename')")
    ['users.csv']
    """
    return [match for pattern in args for match in files.glob(str(pattern), place.search_paths)]


def _first_found(args: tuple[Value, ...], options: Options, place: _Place) -> Value:
    """
    >>> evaluate("lookup('first_found', ['pacman.yml', 'apt.yml', 'default.yml']) | basename")
    'apt.yml'
    """
    return files.first_found(args, options, place.search_paths)


def _pipe(args: tuple[Value, ...], options: Options, place: _Place) -> Value:
    """
    >>> evaluate("lookup('pipe', 'echo hi')")
    'hi'
    """
    return [output_of(str(command), place.directory).rstrip("\n") for command in args]


def _lines(args: tuple[Value, ...], options: Options, place: _Place) -> Value:
    """
    >>> evaluate("query('lines', 'echo a; echo b')")
    ['a', 'b']
    """
    return [line for command in args for line in output_of(str(command), place.directory).splitlines()]


def _password(args: tuple[Value, ...], options: Options, place: _Place) -> Value:
    """
    >>> evaluate("lookup('password', '/dev/null')"), evaluate("lookup('password', '/dev/null length=12') | length")
    (********, 12)
    """
    return [passwords.stored(str(term), options, place.directory) for term in args]


def _random_choice(args: tuple[Value, ...], options: Options, place: _Place) -> Value:
    """
    >>> evaluate("lookup('random_choice', ['a', 'b']) in ['a', 'b']")
    True
    """
    return [secrets.choice(args)] if args else []


def _now(args: tuple[Value, ...], options: Options, place: _Place) -> Value:
    """Without a zone, as playbooks expect: of the controller, or UTC."""
    return datetime.now(UTC).replace(tzinfo=None) if args[0] else datetime.now().astimezone().replace(tzinfo=None)


def _generator(options: Options) -> random.Random:
    seed: Any = options.get("seed")
    return random.Random(seed) if seed is not None else random.SystemRandom()  # noqa: S311 - seeds are to repeat


def _random(args: tuple[Value, ...], options: Options, place: _Place) -> Value:
    start, end, step = args
    return _generator(options).randrange(start, end, step)


def _shuffle(args: tuple[Value, ...], options: Options, place: _Place) -> Value:
    indexes = list(range(args[0]))
    _generator(options).shuffle(indexes)
    return indexes


def _salt(args: tuple[Value, ...], options: Options, place: _Place) -> Value:
    return passwords.new_salt(args[0])


def _stat(args: tuple[Value, ...], options: Options, place: _Place) -> Value:
    what, path = args
    return files.CHECKS[what](path)


def _path(args: tuple[Value, ...], options: Options, place: _Place) -> Value:
    what, *paths = args
    return files.PATHS[what](*paths)


def _ini(args: tuple[Value, ...], options: Options, place: _Place) -> Value:
    """
    >>> evaluate("lookup('ini', 'port', section='web', file='app.ini')")
    '80'
    """
    return tables.ini(args, options, place.search_paths)


def _csvfile(args: tuple[Value, ...], options: Options, place: _Place) -> Value:
    """
    >>> evaluate("lookup('csvfile', 'bob', file='users.csv', delimiter=',')")
    '1002'
    """
    return tables.csvfile(args, options, place.search_paths)


def _url(args: tuple[Value, ...], options: Options, place: _Place) -> Value:
    """
    >>> evaluate("lookup('url', 'http://127.0.0.1:1/', errors='ignore')")
    """
    return tables.url(args, {name: _revealed(value) for name, value in options.items()})


ANSWERS: Mapping[str, Callable[[tuple[Value, ...], Options, _Place], Value]] = {
    "env": _env, "file": _file, "unvault": _unvault, "template": _template, "part": _part, "fileglob": _fileglob,
    "first_found": _first_found, "pipe": _pipe, "lines": _lines, "password": _password, "random_choice": _random_choice,
    "now": _now, "random": _random, "shuffle": _shuffle, "salt": _salt, "stat": _stat,
    "path": _path, "ini": _ini, "csvfile": _csvfile, "url": _url,
}
