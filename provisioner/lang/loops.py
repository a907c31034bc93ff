"""`loop`, `with_*` and `loop_control`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from provisioner.diag import Collector, near
from provisioner.lang import fields
from provisioner.lang.model import Loop, LoopControl
from provisioner.lang.nodes import Map, Node, Scalar, Seq, to_value
from provisioner.values import Template, Value

_CONTROL: Final[dict[str, Callable[[str, Node, Collector], Value]]] = {
    "loop_var": fields.read_loop_name, "index_var": fields.read_loop_name,
    "label": lambda name, node, found: to_value(node),
    "pause": fields.read_number, "extended": fields.read_bool, "extended_allitems": fields.read_bool,
    "break_when": fields.read_conditions,
}


def read_loop(item: Map, loops: list[tuple[Scalar, Node]], found: Collector) -> Loop | None:
    """The task's loop, if it has one; two of them are a mistake."""
    control_node = item.get("loop_control")
    control = _control(control_node, found) if control_node is not None else LoopControl()
    if not loops:
        return None
    key, node = loops[0]
    if len(loops) > 1:
        second = loops[1][0]
        found.error("Two loops on one task", f"`{key.text}` and `{second.text}`", second.span,
                    related=(("the first is here", key.span),))
    items = to_value(node)
    if key.text == "loop":
        if not isinstance(node, Seq) and not isinstance(items, Template):
            fields.wrong_type("loop", "a list, or a template that gives one", node, found,
                              hint='quote the expression: "{{ … }}"' if isinstance(items, str) else "")
            return None
        return Loop("loop", items, control, key.span)
    kind = key.text.removeprefix("with_")
    if items is None:
        found.error("Empty keyword", f"`{key.text}` has no value", key.span)
        return None
    return Loop(kind, items, control, key.span)


def _control(node: Node, found: Collector) -> LoopControl:
    if not isinstance(node, Map):
        fields.wrong_type("loop_control", "a mapping", node, found)
        return LoopControl()
    values: dict[str, Any] = {}
    for key, value in node.entries:
        reader = _CONTROL.get(key.text)
        if reader is None:
            detail = f"`{key.text}` is not part of loop_control"
            found.error("Unknown keyword", detail, key.span, hint=near(key.text, _CONTROL))
        else:
            values[key.text] = reader(key.text, value, found)
    return LoopControl(**{name: value for name, value in values.items() if value is not None})
