"""The way in: playbooks from files, and what dynamic includes ask for while a play runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from provisioner.diag import Collector, Diagnostic
from provisioner.lang.build import apply_keywords, build_tasks
from provisioner.lang.context import Context
from provisioner.lang.model import Include, Node, Playbook
from provisioner.lang.modules import known_modules
from provisioner.lang.paths import find_tasks
from provisioner.lang.plays import build_playbook
from provisioner.lang.roles import LoadedRole, include_role
from provisioner.lang.state import MAX_INCLUDE_DEPTH, Loading, Options, Render
from provisioner.values import Value


def load_playbook(
    path: str | Path,
    *,
    extra_vars: Mapping[str, Value] | None = None,
    roles_path: tuple[str, ...] = (),
    render: Render | None = None,
) -> tuple[Playbook, tuple[Diagnostic, ...]]:
    """The playbook in `path` and warnings about it; raises `InputError` with all its mistakes.

    render: renders names of imported files and roles from variables that are known already.
    """
    return Loader(Options(extra_vars or {}, tuple(roles_path), render=render)).playbook(path)


@dataclass(frozen=True, slots=True)
class Loader:
    """Loads playbooks, and later the files that their dynamic includes name."""

    options: Options = field(default_factory=Options)
    ours: frozenset[str] = field(default_factory=known_modules, repr=False)
    """Names of the modules there are; looked up once."""

    def playbook(self, path: str | Path) -> tuple[Playbook, tuple[Diagnostic, ...]]:
        """The playbook and warnings about it; raises `InputError` with all mistakes."""
        loading = Loading(self.options, Collector(), self.ours)
        plays = build_playbook(str(path), loading)
        _in_order(loading.found)
        loading.found.raise_errors()
        return Playbook(plays, str(path), tuple(loading.machines)), loading.found.warnings

    def tasks(
        self, include: Include, file: str, variables: Mapping[str, Value] | None = None
    ) -> tuple[Node, ...]:
        """The tasks that `include_tasks` means by `file` (rendered); raises `InputError`.

        variables: what the include hands over besides its own `vars` (its loop's item), precedence 21.
        """
        loading = Loading(self.options, Collector(), self.ours)
        context = self._context(include, file, variables, loading)
        path = find_tasks(file, context, include.task.span, loading.found)
        nodes: tuple[Node, ...] = ()
        if path is not None:
            items = loading.parse_list(path, include.task.span, "tasks")
            nodes = build_tasks(items, replace(context, file=path, chain=(path,)), loading)
        _in_order(loading.found)
        loading.found.raise_errors()
        return nodes

    def role(
        self, include: Include, args: Mapping[str, Value], variables: Mapping[str, Value] | None = None
    ) -> LoadedRole:
        """The role of an `include_role` with rendered arguments `args`; raises `InputError`."""
        loading = Loading(self.options, Collector(), self.ours)
        context = self._context(include, str(args.get("name", args.get("role"))), variables, loading)
        loaded = include_role(include, args, replace(context, chain=()), loading, build_tasks)
        _in_order(loading.found)
        loading.found.raise_errors()
        return loaded

    def _context(
        self, include: Include, name: str, variables: Mapping[str, Value] | None, loading: Loading
    ) -> Context:
        """The context inside a dynamic include: what surrounds it, plus its vars and `apply`."""
        context = include.inherited
        if not isinstance(context, Context):
            raise TypeError("this include was not made by the loader")
        if len(context.includes) >= MAX_INCLUDE_DEPTH:
            last = " → ".join(context.includes[-3:])
            detail = f"more than {MAX_INCLUDE_DEPTH} includes inside each other: … {last} → {name}"
            hint = "is the condition that ends it right?"
            loading.found.error("Included too deeply", detail, include.task.span, hint=hint)
            loading.found.raise_errors()
        layers = (*context.include_vars, variables) if variables else context.include_vars
        context = replace(context, includes=(*context.includes, name), include_vars=layers)
        return apply_keywords(include, context, loading)


def _in_order(found: Collector) -> None:
    """Sort by place, files in the order they were met: the builders go over a file more than once."""
    order: dict[str, int] = {}
    for item in found.items:
        if item.span is not None:
            order.setdefault(item.span.file, len(order))

    def place(item: Diagnostic) -> tuple[int, int, int]:
        return (order[item.span.file], item.span.line, item.span.column) if item.span else (-1, 0, 0)

    found.items.sort(key=place)


__all__ = ["Loader", "Options", "Render", "load_playbook"]
