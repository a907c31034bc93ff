"""Variables from the command line: `-e a=5`, `-e '{"a": 5}'`, `-e @file.yml`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from provisioner.diag import InputError, Span, UsageError
from provisioner.lang.freeform import UnbalancedError, split_words, unquote
from provisioner.lang.source import LOCKED
from provisioner.lang.yaml import load_data, load_file, to_template
from provisioner.values import Value, Vault

_NAME: Final = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


def parse_extra_vars(options: Iterable[str], vault: Vault = LOCKED) -> dict[str, Value]:
    """The variables of all `-e` options, later ones win.

    `name=value` words give text; mappings in YAML or JSON and files keep their types. Raises `UsageError` for
    an option that is none of these, `InputError` for a file that is wrong.
    """
    values: dict[str, Value] = {}
    for option in options:
        values.update(_parse(option.strip(), vault))
    return values


def _parse(option: str, vault: Vault) -> dict[str, Value]:
    if option.startswith("@"):
        return _mapping(load_file(option[1:], None, vault, wanted_by=Span(f"-e {option}", 1)), option)
    if option.startswith(("{", "[")):
        try:
            return _mapping(load_data(option, "-e"), option)
        except InputError as error:
            raise UsageError(f"`-e {option}` is not YAML: {error.items[0].detail or error.items[0].summary}",
                             hint="quote the whole option in the shell") from None
    return _words(option)


def _words(option: str) -> dict[str, Value]:
    values: dict[str, Value] = {}
    try:
        words = split_words(option)
    except UnbalancedError as error:
        raise UsageError(f"`-e {option}`: {error}") from None
    for word, _, _ in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"`-e {option}`: `{word}` is not name=value", hint="quote a value that has spaces")
        values[_checked(name, option)] = to_template(unquote(value), Span("-e", 1))
    return values


def _mapping(data: Value, option: str) -> dict[str, Value]:
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise UsageError(f"`-e {option}` must be a mapping of variables",
                         hint="write `name: value` lines, or `{\"name\": value}`")
    return {_checked(str(name), option): value for name, value in data.items()}


def _checked(name: str, option: str) -> str:
    if not _NAME.match(name):
        raise UsageError(f"`-e {option}`: `{name}` is no variable name",
                         hint="a name has letters, digits and _, and starts with no digit")
    return name
