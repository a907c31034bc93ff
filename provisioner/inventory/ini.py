"""INI inventories: host lines, `[group]`, `[group:vars]`, `[group:children]`."""

from __future__ import annotations

import ast
import re
import shlex
import warnings
from dataclasses import dataclass
from typing import Final

from provisioner.diag import Span, near
from provisioner.inventory.builder import Builder
from provisioner.inventory.model import ALL, UNGROUPED
from provisioner.lang.yaml import to_template
from provisioner.values import Value, Vault

_SECTION: Final = re.compile(r"^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:[#;].*)?$")
_PORT: Final = re.compile(r"^(?:\[([0-9A-Fa-f:.]+)\]|([^:]*(?:\[[^\]]*\][^:\[]*)*)):(\d{1,5})$")
_KINDS: Final = ("hosts", "vars", "children")
#: A literal longer than this is text: Python's parser is slow on garbage.
_MAX_LITERAL: Final = 20_000


@dataclass(slots=True)
class _Ini:
    file: str
    builder: Builder
    vault: Vault | None = None
    group: str = UNGROUPED
    kind: str = "hosts"
    group_span: Span | None = None

    def run(self, text: str) -> None:
        named: dict[str, Span] = {}
        used: list[tuple[str, str, Span]] = []
        for number, line in enumerate(text.splitlines(), 1):
            stripped = line.strip()
            if not stripped or stripped[0] in "#;":
                continue
            span = Span(self.file, number, len(line) - len(line.lstrip()) + 1)
            if stripped.startswith("[") and not self._is_host(stripped):
                self._section(stripped, span)
                if self.kind == "vars":
                    used.append((self.group, "[…:vars]", span))
                elif self.kind != "skipped":
                    named.setdefault(self.group, span)
            elif self.kind == "skipped":
                continue
            elif self.kind == "vars":
                self._variable(stripped, span)
            elif self.kind == "children":
                child = stripped.split("#")[0].split()[0] if stripped.split("#")[0].split() else ""
                if child:
                    used.append((child, f"[{self.group}:children]", span))
                    self.builder.child(self.group, child, span)
            else:
                self._host(line, stripped, span)
        for name, where, span in used:
            if name not in named and name not in {ALL, UNGROUPED} and not self._filled(name):
                detail = f"{where} names the group `{name}`, which is not defined"
                hint = near(name, named) or f"add a section [{name}]"
                self.builder.found.error("Unknown group", detail, span, hint=hint)

    def _filled(self, name: str) -> bool:
        """Whether another source defines the group."""
        group = self.builder.groups.get(name)
        return group is not None and bool(group.hosts or group.children)

    def _is_host(self, text: str) -> bool:
        """`[::1]:22` and `[a:c].example.com` are hosts: something follows the bracket."""
        return _SECTION.match(text) is None and "]" in text and text.split("]", 1)[1][:1].strip() not in {"", "#", ";"}

    def _section(self, text: str, span: Span) -> None:
        match = _SECTION.match(text)
        if match is None:
            detail = f"`{text}` is not [group], [group:vars] or [group:children]"
            hint = "a section is closed with ]" if "]" not in text else ""
            self.builder.found.error("Wrong section", detail, span, hint=hint)
            self.kind = "skipped"
            return
        self.group, self.kind = match.group(1), match.group(2) or "hosts"
        if self.kind not in _KINDS:
            self.builder.found.error("Wrong section", f"`{text}`: `{self.kind}` is neither vars nor children", span,
                                     hint=near(self.kind, _KINDS))
            self.kind = "skipped"
            return
        self.builder.group(self.group, span)

    def _host(self, line: str, stripped: str, span: Span) -> None:
        found = self.builder.found
        try:
            words = shlex.split(stripped, comments=True)
        except ValueError as error:
            found.error("Line not readable", f"{str(error).lower()} in `{stripped}`", span, hint="close the quote")
            return
        if not words:
            return
        variables: dict[str, Value] = {}
        for word in words[1:]:
            name, equals, value = word.partition("=")
            if not equals or not name:
                at = line.find(word)
                found.error("Line not readable", f"`{word}` is not `name=value`",
                            Span(span.file, span.line, at + 1 if at >= 0 else span.column),
                            hint="quote a value that has spaces")
                continue
            variables[name] = read_value(value, span, self.vault)
        host, port = split_port(words[0])
        if port is not None:
            variables.setdefault("ansible_port", port)
        self.builder.host(host, self.group, variables, span)

    def _variable(self, text: str, span: Span) -> None:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            self.builder.found.error("Line not readable", f"`{text}` is not `name=value`", span)
            return
        group = self.builder.group(self.group, span)
        self.builder.add(group.vars, {name.strip(): read_value(value.strip(), span, self.vault)})
        group.origin = self.file


def parse_ini(text: str, file: str, builder: Builder, vault: Vault | None = None) -> None:
    """Add the hosts and groups of an INI inventory; mistakes go to the builder's collector.

    vault: the file is encrypted, and this discloses its values.
    """
    _Ini(file, builder, vault).run(text)


def split_port(name: str) -> tuple[str, int | None]:
    """`host:22` and `[::1]:22` to name and port."""
    match = _PORT.match(name)
    if match is None or not 0 < int(match.group(3)) < 65536:
        return name, None
    return match.group(1) or match.group(2), int(match.group(3))


def read_value(text: str, span: Span, vault: Vault | None = None) -> Value:
    """A value as Ansible reads it in INI files: a Python literal if it is one (8080, True, ['a']), else text."""
    value: Value = text
    if len(text) <= _MAX_LITERAL:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "\d" in a text is no mistake of the user's
                value = ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            value = text
    try:
        return to_template(_as_data(value), span, vault)
    except TypeError:
        return to_template(text, span, vault)


def _as_data(value: Value) -> Value:
    """A literal as data; raises TypeError for what JSON does not have (sets, bytes, complex numbers)."""
    if isinstance(value, dict):
        if not all(isinstance(key, (str, int)) for key in value):
            raise TypeError
        return {key: _as_data(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_data(item) for item in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError
