"""A command group that imports a subcommand when it is called, and shows its help without importing any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

ARGUMENTS = f"{__name__}.arguments"
"""Of a context's `meta`: the words of the command line."""


@dataclass(frozen=True, slots=True)
class Entry:
    """target: "module:attribute" of the command."""

    target: str
    help: str


class LazyGroup(click.Group):
    """sections: title -> {name: entry}, in the order in which help shows them."""

    def __init__(self, *args: Any, sections: Mapping[str, Mapping[str, Entry]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sections = sections
        self.entries = {name: entry for entries in sections.values() for name, entry in entries.items()}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[ARGUMENTS] = tuple(args)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command), entry.target
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.entries and not args[0].startswith("-"):
            raise click.UsageError(f"There is no command {args[0]!r}{self._near(args[0])}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, self.entries))
        for title, entries in self.sections.items():
            rows: Sequence[tuple[str, str]] = [(name.ljust(width), entry.help) for name, entry in entries.items()]
            with formatter.section(title):
                formatter.write_dl(rows)

    def _near(self, name: str) -> str:
        import difflib  # noqa: PLC0415 - for mistakes only

        matches = difflib.get_close_matches(name, list(self.entries), n=1)
        return f"; did you mean {matches[0]!r}?" if matches else ""
