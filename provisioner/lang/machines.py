"""A play that declares machines instead of tasks: read here, understood by `provisioner.cloud`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from provisioner.diag import Span, near
from provisioner.lang.context import Context
from provisioner.lang.fields import read_text, read_vars, wrong_type
from provisioner.lang.model import Declaration, MachinesPlay
from provisioner.lang.nodes import Map, Node, Scalar, Seq, to_value
from provisioner.lang.state import Loading
from provisioner.values import Template, Value

KEYWORDS: Final = ("name", "site", "machines", "vars")


def is_machines_play(item: Map) -> bool:
    return item.get("machines") is not None or (item.get("site") is not None and item.get("hosts") is None)


def build_machines(item: Map, path: str, variables: Mapping[str, Value], loading: Loading) -> MachinesPlay:
    """variables: those that imports bring; they win over the play's own."""
    found = loading.found
    for key, _ in item.entries:
        if key.text not in KEYWORDS:
            hint = near(key.text, KEYWORDS) or "tasks go into a play of their own, after it"
            detail = f"`{key.text}` is not a keyword of a play with `machines`"
            found.error("Unknown keyword", detail, key.span, hint=hint)
    vars_node = item.get("vars")
    own = read_vars("vars", vars_node, found) if vars_node is not None else {}
    context = Context(os.path.dirname(path), path, play_vars={**own, **variables})
    site = _text("site", item, context, loading)
    if item.get("site") is None:
        found.error("No site", "a play with `machines` must say which site they belong to", item.span,
                    hint="add `site: NAME`: nothing of another site is ever touched")
    node = item.get("machines")
    declarations = []
    if isinstance(node, Seq):
        declarations = [_declaration(entry, context, loading) for entry in node.items if _is_map(entry, loading)]
    else:
        wrong_type("machines", "a list of machines", node or item, found, hint="start each with `- name: `")
    return MachinesPlay(site or "", tuple(declarations), item.span, _text("name", item, context, loading) or "", path)


def _is_map(node: Node, loading: Loading) -> bool:
    if not isinstance(node, Map):
        wrong_type("machines", "a list of mappings", node, loading.found, hint="start each with `- name: `")
    return isinstance(node, Map)


def _text(name: str, item: Map, context: Context, loading: Loading) -> str | None:
    node = item.get(name)
    value = read_text(name, node, loading.found) if node is not None else None
    return None if value is None else loading.render_now(value, context, f"the {name}", item.span)


def _declaration(node: Node, context: Context, loading: Loading) -> Declaration:
    assert isinstance(node, Map)
    values = {}
    places = {}
    for key, value in node.entries:
        places[key.text] = value.span if isinstance(value, Scalar) else key.span
        values[key.text] = _rendered(to_value(value), context, f"`{key.text}` of machines", places[key.text], loading)
    return Declaration(values, node.span, places)


def _rendered(value: Value, context: Context, what: str, span: Span, loading: Loading) -> Value:
    """With templates replaced: machines have to be known before the first connection."""
    if isinstance(value, Template):
        return loading.render_value(value, context, what, span)
    if isinstance(value, dict):
        return {key: _rendered(item, context, what, span, loading) for key, item in value.items()}
    if isinstance(value, list):
        return [_rendered(item, context, what, span, loading) for item in value]
    return value
