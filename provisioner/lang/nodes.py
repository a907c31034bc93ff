"""Positioned YAML nodes: what `lang/yaml.py` makes and the builders read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias

from provisioner.diag import Span
from provisioner.values import Template, Trusted, Value, Vault, Vaulted

# Not frozen: a playbook of 5,000 lines makes 20,000 of these, and freezing doubles the cost of each.


@dataclass(slots=True)
class Scalar:
    """A value without children.

    unsafe: tagged `!unsafe`, so never a template. plain: written without quotes. vault: the file is encrypted, and
    this is what discloses the value.
    """

    file: str
    line: int
    column: int
    value: Value
    text: str
    unsafe: bool = False
    plain: bool = False
    vault: Vault | None = None

    @property
    def span(self) -> Span:
        return Span(self.file, self.line, self.column)


@dataclass(slots=True)
class Seq:
    file: str
    line: int
    column: int
    items: list[Node] = field(default_factory=list)

    @property
    def span(self) -> Span:
        return Span(self.file, self.line, self.column)


@dataclass(slots=True)
class Map:
    file: str
    line: int
    column: int
    entries: list[tuple[Scalar, Node]] = field(default_factory=list)
    """Keys are unique, merge keys are resolved."""

    @property
    def span(self) -> Span:
        return Span(self.file, self.line, self.column)

    def get(self, name: str) -> Node | None:
        return next((value for key, value in self.entries if key.value == name), None)


Node: TypeAlias = Scalar | Seq | Map

#: What a template without quotes is read as, after it was told; nothing more is said about it.
STAND_IN: Final = "{{ quoted }}"


def has_template(text: str) -> bool:
    return "{{" in text or "{%" in text or "{#" in text


def to_value(node: Node) -> Value:
    """The node as data; strings with braces become `Template`, others `Trusted`."""
    if isinstance(node, Scalar):
        if isinstance(node.value, str) and not node.unsafe:
            if has_template(node.value):
                return Template(node.value, node.span, node.vault is not None)
            if node.vault is None:
                return Trusted.of(node.value)
        return node.value if node.vault is None else concealed(node.value, node.vault)
    if isinstance(node, Seq):
        return [to_value(item) for item in node.items]
    return {key.value: to_value(value) for key, value in node.entries}


#: Shorter numbers out of encrypted files stay visible: masking each "443" would make output unreadable.
_SECRET_DIGITS: Final = 6


def concealed(value: Value, vault: Vault) -> Value:
    """A plain value out of an encrypted file. Numbers stay numbers, but long ones are masked from now on."""
    if isinstance(value, str):
        return Vaulted(partial(vault.disclose, value))
    if isinstance(value, (int, float)) and len(str(value)) >= _SECRET_DIGITS:
        vault.disclose(str(value))
    return value


def describe(node: Node) -> str:
    """What a node is, in words for an error message."""
    if isinstance(node, Map):
        return "a mapping"
    if isinstance(node, Seq):
        return "a list"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, bool):
        return f"the boolean `{node.text}`"
    if isinstance(node.value, (int, float)):
        return f"the number {node.text}"
    text = node.text if len(node.text) <= 40 else node.text[:40] + "…"
    return f"the text `{text}`"


def as_node(value: Value, span: Span) -> Node:
    """Data back to nodes, all at one place."""
    at = (span.file, span.line, span.column)
    if isinstance(value, Mapping):
        return Map(*at, [(Scalar(*at, key, str(key)), as_node(item, span)) for key, item in value.items()])
    if isinstance(value, (list, tuple)):
        return Seq(*at, [as_node(item, span) for item in value])
    if isinstance(value, Template):
        return Scalar(*at, value.source, value.source)
    unsafe = isinstance(value, str) and not isinstance(value, Trusted)
    return Scalar(*at, value, "" if value is None else str(value), unsafe=unsafe)
