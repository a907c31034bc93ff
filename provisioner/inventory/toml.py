"""TOML inventories: a table a group, with `hosts`, `vars` and `children`."""

from __future__ import annotations

import tomllib
from typing import Any

from provisioner.diag import Diagnostic, InputError, Span
from provisioner.inventory.builder import Builder
from provisioner.inventory.yaml import build_groups
from provisioner.lang.nodes import Map, Node, Scalar, Seq


def parse_toml(text: str, path: str, builder: Builder) -> None:
    """Add the groups of a file; its structure is that of YAML but for `children`, which is a list of names."""
    span = Span(path, 1)
    try:
        groups = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError([Diagnostic("Inventory not readable", str(error), span)]) from None
    for group in groups.values():
        if isinstance(group, dict):
            for part in ("children", "hosts"):
                if isinstance(group.get(part), list):
                    group[part] = dict.fromkeys(map(str, group[part]))
    build_groups(_node(groups, span), builder)


def _node(value: Any, span: Span) -> Node:
    """As if it had stood in a YAML file: text with braces is a template."""
    at = (span.file, span.line, span.column)
    if isinstance(value, dict):
        return Map(*at, [(Scalar(*at, key, key), _node(item, span)) for key, item in value.items()])
    if isinstance(value, list):
        return Seq(*at, [_node(item, span) for item in value])
    plain = value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
    return Scalar(*at, plain, "" if plain is None else str(plain))
