"""YAML inventories: groups with `hosts`, `vars` and `children`."""

from __future__ import annotations

from typing import Final

from provisioner.diag import near
from provisioner.inventory.builder import Builder
from provisioner.inventory.ini import split_port
from provisioner.inventory.model import ALL
from provisioner.lang.nodes import STAND_IN, Map, Node, Scalar, Seq, describe, to_value

_KEYS: Final = ("hosts", "vars", "children")


def build_groups(node: Node, builder: Builder) -> None:
    """Add the groups of an inventory's top level; mistakes go to the builder's collector."""
    if not isinstance(node, Map):
        builder.found.error("Wrong type", f"an inventory must be a mapping of groups, not {describe(node)}", node.span,
                            hint="start with `all:`")
        return
    # By a stack of its own: files may nest groups as deep as YAML lets them.
    waiting: list[tuple[Scalar, Node, str]] = [(key, value, "") for key, value in reversed(node.entries)]
    while waiting:
        key, value, parent = waiting.pop()
        name = key.text
        builder.group(name, key.span)
        if parent and not (parent == ALL and name == "ungrouped"):
            builder.child(parent, name, key.span)
        if isinstance(value, Map):
            waiting.extend(reversed(_fill(name, value, builder)))
        elif not _is_nothing(value):
            detail = f"the group `{name}` must be a mapping, not {describe(value)}"
            builder.found.error("Wrong type", detail, value.span, hint=f"with the keys {', '.join(_KEYS)}")


def _fill(name: str, group: Map, builder: Builder) -> list[tuple[Scalar, Node, str]]:
    """Read one group; gives its children."""
    found = builder.found
    children: list[tuple[Scalar, Node, str]] = []
    for key, value in group.entries:
        if key.text == "hosts":
            _hosts(name, value, builder)
        elif key.text == "vars":
            if isinstance(value, Map):
                entry = builder.group(name, key.span)
                builder.add(entry.vars, {str(var.value): to_value(item) for var, item in value.entries})
                entry.origin = key.file
            elif not _is_nothing(value):
                found.error("Wrong type", f"`vars` must be a mapping, not {describe(value)}", value.span)
        elif key.text == "children":
            if isinstance(value, Map):
                children = [(child, below, name) for child, below in value.entries]
            elif not _is_nothing(value):
                found.error("Wrong type", f"`children` must be a mapping of groups, not {describe(value)}", value.span,
                            hint="write each as `name:`")
        else:
            hint = near(key.text, _KEYS) or f"a group has: {', '.join(_KEYS)}"
            found.error("Unknown keyword", f"`{key.text}` in the group `{name}`", key.span, hint=hint)
    return children


def _hosts(group: str, node: Node, builder: Builder) -> None:
    if isinstance(node, Map):
        for key, value in node.entries:
            host, port = split_port(key.text)
            variables = {"ansible_port": port} if port is not None else {}
            if isinstance(value, Map):
                variables.update((str(name.value), to_value(item)) for name, item in value.entries)
            elif not _is_nothing(value):
                detail = f"the variables of `{host}` must be a mapping, not {describe(value)}"
                builder.found.error("Wrong type", detail, value.span)
            builder.host(host, group, variables, key.span)
    elif isinstance(node, Scalar) and isinstance(node.value, str):
        host, port = split_port(node.text)
        builder.host(host, group, {"ansible_port": port} if port is not None else {}, node.span)
    elif isinstance(node, Seq) or not _is_nothing(node):
        builder.found.error("Wrong type", f"`hosts` must be a mapping, not {describe(node)}", node.span,
                            hint="write each host as `name:`")


def _is_nothing(node: Node) -> bool:
    return isinstance(node, Scalar) and (node.value is None or node.text is STAND_IN)
