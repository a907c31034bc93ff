"""What all builders of one load share: options, diagnostics, parsed files, and the roles met so far."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from provisioner.diag import Collector, InputError, ProvisionError, Span
from provisioner.lang import modules, yaml
from provisioner.lang.context import Context
from provisioner.lang.model import HandlerSection, MachinesPlay, Role
from provisioner.lang.nodes import Map, Node, Seq, describe
from provisioner.lang.source import LOCKED, read_source
from provisioner.remote.spec import Spec
from provisioner.values import Template, Value, Vault

#: Renders a template from variables known at load; raises TemplateError (or UndefinedVariable).
Render: TypeAlias = Callable[[Template, Mapping[str, Value]], Value]

MAX_IMPORT_DEPTH = 40
MAX_INCLUDE_DEPTH = 200


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line and the settings say about loading."""

    extra_vars: Mapping[str, Value] = field(default_factory=dict)
    roles_path: tuple[str, ...] = ()
    collections_path: tuple[str, ...] = ()
    render: Render | None = None
    vault: Vault = LOCKED
    private_roles: bool | None = None
    """Whether variables of roles that don't say `public` are for their own tasks; None: of included ones."""


@dataclass(slots=True)
class Loading:
    """The state of one load of one play (or of one dynamic include)."""

    options: Options
    found: Collector
    ours: frozenset[str] = field(default_factory=modules.known_modules)
    specs: dict[str, Spec | None] = field(default_factory=dict)
    sections: list[HandlerSection] = field(default_factory=list)
    """Handlers of `roles:`, in load order."""
    imported_sections: list[HandlerSection] = field(default_factory=list)
    """Handlers of imported roles."""
    used_roles: list[Role] = field(default_factory=list)
    machines: list[MachinesPlay] = field(default_factory=list)
    """Of the whole load, in order."""
    has_hosts: bool = False
    """Whether a play with tasks has been met in this load."""
    listed_roles: set[Hashable] = field(default_factory=set)
    """`Role.identity` of roles under `roles:` and of dependencies whose handlers are known."""

    def for_play(self) -> Loading:
        """A fresh play of the same load."""
        return Loading(self.options, self.found, self.ours, self.specs)

    def spec(self, module: str) -> Spec | None:
        if module not in self.specs:
            self.specs[module] = modules.spec_of(module)
        return self.specs[module]

    def parse(self, path: str, wanted_by: Span | None = None) -> Node | None:
        """The nodes of a file; None when it is empty, or wrong (told already).

        A file that is encrypted as a whole is read as if it were plain: names of tasks are no secrets.
        """
        vault = self.options.vault
        try:
            source = read_source(path, vault, wanted_by=wanted_by)
            return yaml.parse(source.text, path, self.found, vault)
        except InputError as error:
            self.found.items.extend(item for item in error.items if item not in self.found.items)
            return None

    def parse_list(self, path: str, wanted_by: Span | None, of: str) -> list[Node]:
        """The entries of a file that holds a list; an empty file is an empty list."""
        node = self.parse(path, wanted_by)
        if node is None or is_empty(node):
            return []
        if isinstance(node, Seq):
            return node.items
        hint = f"start each with `- `, as in `- name: {of[:-1]}`"
        self.found.error("Wrong type", f"this file must be a list of {of}, not {describe(node)}", node.span, hint=hint)
        return []

    def parse_map(self, path: str, wanted_by: Span | None = None) -> Map | None:
        """The entries of a file that holds a mapping; None when it is empty, or wrong (told already)."""
        return self._as_map(self.parse(path, wanted_by))

    def parse_variables(self, path: str, wanted_by: Span | None = None) -> Map | None:
        """The same for a file of variables: those out of an encrypted one are secret."""
        vault = self.options.vault
        try:
            return self._as_map(yaml.parse_source(read_source(path, vault, wanted_by=wanted_by), self.found, vault))
        except InputError as error:
            self.found.items.extend(item for item in error.items if item not in self.found.items)
            return None

    def _as_map(self, node: Node | None) -> Map | None:
        if node is None or is_empty(node):
            return None
        if isinstance(node, Map):
            return node
        self.found.error("Wrong type", f"this file must be a mapping, not {describe(node)}", node.span)
        return None

    def render_now(self, value: Value, context: Context, what: str, span: Span) -> str | None:
        """`value` rendered with what is known at load; None and an error when more is needed."""
        rendered = self.render_value(value, context, what, span)
        return None if rendered is None else str(rendered)

    def render_value(self, value: Value, context: Context, what: str, span: Span) -> Value:
        """The same with the type that comes out; None, too, where that is what it gives."""
        if not isinstance(value, Template):
            return value
        if self.options.render is None:
            self._not_static(value, what, span, "no variables are known here")
            return None
        try:
            return self.options.render(value, self._static_vars(context))
        except ProvisionError as error:
            self._not_static(value, what, span, error.message)
            return None

    def _not_static(self, value: Template, what: str, span: Span, why: str) -> None:
        detail = f"{what} `{value.source}` must be known when the playbook is loaded: {why}"
        hint = "use extra variables (-e) or vars of the play, or the dynamic include_tasks / include_role"
        self.found.error("Not known at load", detail, value.span or span, hint=hint)

    def _static_vars(self, context: Context) -> dict[str, Value]:
        """Where the place is, and variables of the files that surround it, lowest precedence first."""
        known: dict[str, Value] = {}
        roles = (*reversed(context.role.parents), context.role) if context.role else ()
        for role in roles:
            known.update(role.defaults)
        known.update(context.play_vars)
        for role in roles:
            known.update(role.vars)
        for layer in context.vars:
            known.update(layer)
        for role in roles:
            known.update(role.params)
        for layer in context.include_vars:
            known.update(layer)
        known.update(self.options.extra_vars)
        known["playbook_dir"] = os.path.abspath(context.playbook_dir)
        if context.role is not None:
            known.update(role_name=context.role.name, role_path=os.path.abspath(context.role.path))
        return known

    def enter(self, path: str, context: Context, span: Span) -> Context | None:
        """The context inside the imported file `path`; None and an error when imports go in a circle."""
        key = os.path.normpath(path)
        if key in context.chain:
            circle = " → ".join((*context.chain[context.chain.index(key):], key))
            self.found.error("Imports go in a circle", circle, span)
            return None
        if len(context.chain) >= MAX_IMPORT_DEPTH:
            last = " → ".join(context.chain[-3:])
            detail = f"more than {MAX_IMPORT_DEPTH} files import each other: … {last}"
            self.found.error("Imported too deeply", detail, span)
            return None
        return replace(context, file=path, chain=(*context.chain, key))


def is_empty(node: Node) -> bool:
    return not isinstance(node, (Map, Seq)) and node.value is None
