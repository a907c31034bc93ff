"""The command line as it may be recorded: without what people write into it that nobody else should read."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import click

from provisioner.cli.lazy import ARGUMENTS
from provisioner.ui.redact import MASK

_ASSIGNED = re.compile(r"([A-Za-z_][\w.-]*=)")
_VARIABLES = re.compile(r"(-[A-Za-z]*e|--extra-vars=?)(.*)", re.DOTALL)
_ADDRESSES = frozenset({"--webhook"})
_SHORT_WITH_VALUE = frozenset("ilteTfuc")
"""Letters of options behind which the rest of a word is their value: `-le` is a limit, `-be` is `-b -e`."""


def called() -> tuple[str, ...]:
    """The words of this process's command line, masked."""
    context = click.get_current_context(silent=True)
    return tuple(masked(context.meta.get(ARGUMENTS, ()))) if context is not None else ()


def masked(words: Sequence[str]) -> Iterator[str]:
    """`words` without values of variables: those of `-e`, those of `NAME=VALUE`, and what stands behind `--`."""
    left = iter(words)
    for word in left:
        found = _VARIABLES.fullmatch(word)
        if word in _ADDRESSES:  # who knows it may write there
            yield word
            yield from (MASK for _ in islice(left, 1))
        elif word.startswith(tuple(f"{name}=" for name in _ADDRESSES)):
            yield f"{word.partition('=')[0]}={MASK}"
        elif word == "--":
            yield word
            yield from (MASK for _ in left)
        elif found is not None and _is_extra(found[1]):
            option, given = found.groups()
            yield option + (_variables(given) if given else "")
            if not given and option != "--extra-vars=":
                yield from map(_variables, islice(left, 1))
        else:
            assigned = _ASSIGNED.match(word)
            yield assigned[1] + MASK if assigned else word


def _is_extra(option: str) -> bool:
    return option.startswith("--") or not _SHORT_WITH_VALUE & set(option[1:-1])


def _variables(given: str) -> str:
    """What `-e` was given: a file's name as it is, of `a=1 b=2` the names, of JSON or YAML nothing."""
    if given.startswith("@"):
        return given
    if given.lstrip().startswith(("{", "[")):
        return MASK
    names = re.findall(r"(?:^|\s)([A-Za-z_]\w*)=", given)
    return " ".join(f"{name}={MASK}" for name in names) or MASK


def program() -> tuple[str, ...]:
    """The provision that runs now, by its whole path."""
    script = Path(sys.argv[0])
    if script.name == "provision" and os.access(script, os.X_OK):
        return (str(script.absolute()),)
    return (sys.executable, "-P", "-m", "provisioner")  # -P: no module of the working directory takes the place of ours
