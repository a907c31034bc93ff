"""The user's own commands at points of a release, and of the way back to an earlier one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from provisioner.nextjs.settings.common import with_defaults
from provisioner.remote.spec import Arg, Problem

When = Literal["before_build", "after_build", "before_switch", "after_switch", "before_rollback", "after_rollback"]

OPTIONS = {
    "before_build": Arg(type="raw", default=(), doc="In the build directory, before each build"),
    "after_build": Arg(type="raw", default=(), doc="There, after it; what it changes becomes part of the release"),
    "before_switch": Arg(
        type="raw",
        default=(),
        doc="Once, on the first host, in the new release, before any host starts it: migrations",
    ),
    "after_switch": Arg(
        type="raw", default=(), doc="On every host that has switched; a failure is a warning, the release stays"
    ),
    "before_rollback": Arg(
        type="raw",
        default=(),
        doc="Once, on the first host, in the release that is left, before any host goes back by `provision app`",
    ),
    "after_rollback": Arg(
        type="raw", default=(), doc="On every host that has gone back; a failure is a warning, the release stays"
    ),
    "timeout": Arg(type="float", default=600.0, doc="Seconds that each command may take"),
}


@dataclass(frozen=True, slots=True)
class Hooks:
    """Commands for a shell, in order."""

    before_build: tuple[str, ...] = ()
    after_build: tuple[str, ...] = ()
    before_switch: tuple[str, ...] = ()
    after_switch: tuple[str, ...] = ()
    before_rollback: tuple[str, ...] = ()
    after_rollback: tuple[str, ...] = ()
    timeout: float = 600.0

    def at(self, when: When) -> tuple[str, ...]:
        commands: tuple[str, ...] = getattr(self, when)
        return commands


def read(value: Mapping[str, Any]) -> Hooks:
    full = with_defaults(OPTIONS, value)
    return Hooks(**{name: _commands(full[name]) for name in get_args(When)}, timeout=full["timeout"])


def problems(value: Mapping[str, Any]) -> Iterator[Problem]:
    for name in get_args(When):
        given = value.get(name, ())
        listed = given if isinstance(given, (list, tuple)) else [given]
        if not all(isinstance(command, str) and command.strip() and "\0" not in command for command in listed):
            yield Problem("hooks", f"`{name}` must be a command or a list of commands", "as a shell takes them")
    if not 0 < value.get("timeout", 1) <= 24 * 3600:
        yield Problem("hooks", f"`timeout: {value['timeout']:g}` of hooks is not between 0 and 86400 seconds")


def _commands(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
