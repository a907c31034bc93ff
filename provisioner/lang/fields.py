"""Reading keyword values out of nodes: one function a shape, each telling what was wanted and what is there."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from provisioner.diag import Collector, near
from provisioner.lang.conditions import join_texts, unwrap
from provisioner.lang.keywords import KEYWORDS, Place, Shape, names_on
from provisioner.lang.nodes import STAND_IN, Map, Node, Scalar, Seq, describe, has_template, to_value
from provisioner.values import Condition, Template, Value

_IDENTIFIER: Final = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_REFERENCE: Final = re.compile(r"[A-Za-z_][\w.]*")
_TRUE: Final = frozenset({"yes", "on", "true", "y", "t", "1"})
_FALSE: Final = frozenset({"no", "off", "false", "n", "f", "0"})


def wrong_type(name: str, wanted: str, node: Node, found: Collector, *, hint: str = "") -> None:
    if isinstance(node, Scalar) and node.text is STAND_IN:
        return
    found.error("Wrong type", f"`{name}` must be {wanted}, not {describe(node)}", node.span, hint=hint)


def read_bool(name: str, node: Node, found: Collector) -> Value:
    if isinstance(node, Scalar):
        value = to_value(node)
        if isinstance(value, (bool, Template)):
            return value
        text = node.text.lower()
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
    wrong_type(name, "true or false", node, found)
    return None


def says(value: Value, default: bool) -> bool:
    """What an argument says that is true or false, also as a word (`public=no`); `default` if it says neither."""
    word = str(value).lower()
    return word in _TRUE if word in _TRUE | _FALSE else default


def read_number(name: str, node: Node, found: Collector) -> Value:
    if isinstance(node, Scalar):
        value = to_value(node)
        if isinstance(value, (int, float, Template)) and not isinstance(value, bool):
            return value
        if re.fullmatch(r"-?\d+(\.\d+)?", node.text):
            return float(node.text) if "." in node.text else int(node.text)
    wrong_type(name, "a number", node, found)
    return None


def read_text(name: str, node: Node, found: Collector) -> Value:
    if isinstance(node, Scalar) and node.value is not None:
        value = to_value(node)
        return value if isinstance(value, (str, Template)) else node.text
    wrong_type(name, "a text", node, found)
    return None


def read_texts(name: str, node: Node, found: Collector) -> tuple[Value, ...]:
    if isinstance(node, Seq):
        return tuple(text for item in node.items if (text := read_text(name, item, found)) is not None)
    if isinstance(node, Scalar) and node.value is not None:
        return (read_text(name, node, found),)
    wrong_type(name, "a text or a list of texts", node, found)
    return ()


def read_tags(name: str, node: Node, found: Collector) -> tuple[Value, ...]:
    """Tags as texts or templates; a plain text holds several, divided by commas."""
    tags: list[Value] = []
    for item in node.items if isinstance(node, Seq) else [node]:
        if not isinstance(item, Scalar) or item.value is None:
            wrong_type(name, "a tag or a list of tags", item, found)
        elif has_template(item.text):
            tags.append(to_value(item))
        else:
            tags.extend(part for part in (word.strip() for word in item.text.split(",")) if part)
    return tuple(tags)


def read_conditions(name: str, node: Node, found: Collector) -> tuple[Condition, ...]:
    """Bare expressions, all of which must hold."""
    conditions = []
    for item in node.items if isinstance(node, Seq) else [node]:
        if not isinstance(item, Scalar):
            wrong_type(name, "a condition or a list of conditions", item, found,
                       hint="quote it" if isinstance(item, Map) else "")
        elif isinstance(item.value, bool):
            conditions.append(Condition(str(item.value), item.span))
        elif item.unsafe:
            conditions.append(Condition(item.text, item.span, unsafe=True))
        elif item.value is None or not item.text.strip():
            found.error("Empty condition", f"`{name}` has no expression", item.span, hint="write true or remove it")
        else:
            conditions.append(_condition(name, item, found))
    return tuple(conditions)


def _condition(name: str, item: Scalar, found: Collector) -> Condition:
    source = item.text.strip()
    if not has_template(source):
        return Condition(source, item.span)
    inner = unwrap(source)
    if inner is not None:
        may_name = ", unless it names a variable that holds the condition" if _REFERENCE.fullmatch(inner) else ""
        found.warning("Braces around a condition", f"`{name}` is an expression already", item.span,
                      hint=f"write `{inner}`{may_name}")
        return Condition(inner, item.span, braced=True)
    joined = join_texts(source)
    if joined is None:
        found.warning("Braces in a condition", f"`{name}` is an expression already: braces in it are not rendered, "
                      "and the task fails when it comes to it", item.span, hint="write variables by their bare name")
        return Condition(source, item.span, braced=source.startswith("{{") and source.endswith("}}"))
    found.warning("Braces in a condition", f"`{name}` is an expression already", item.span, hint=f"write `{joined}`")
    return Condition(joined, item.span)


def read_map(name: str, node: Node, found: Collector) -> Value:
    if isinstance(node, Map):
        return to_value(node)
    if isinstance(node, Scalar) and node.value is None:
        return {}
    wrong_type(name, "a mapping", node, found)
    return {}


def read_vars(name: str, node: Node, found: Collector) -> dict[str, Value]:
    """Variables by name; a list of mappings is accepted, as old playbooks have it."""
    values: dict[str, Value] = {}
    parts = node.items if isinstance(node, Seq) else [node]
    for part in parts:
        if isinstance(part, Scalar) and part.value is None:
            continue
        if not isinstance(part, Map):
            wrong_type(name, "a mapping of variables", part, found)
            continue
        for key, value in part.entries:
            if isinstance(key.value, str) and _IDENTIFIER.match(key.value):
                values[key.value] = to_value(value)
            else:
                found.error("Invalid variable name", f"`{key.text}` cannot be used in a template", key.span,
                            hint="a name has letters, digits and _, and starts with no digit")
    return values


def read_layer(name: str, node: Node, found: Collector) -> tuple[Value, ...]:
    """Mappings, or templates that give one."""
    layers: list[Value] = []
    for item in node.items if isinstance(node, Seq) else [node]:
        value = to_value(item)
        if isinstance(value, (dict, Template)):
            layers.append(value)
        elif value is not None:
            wrong_type(name, "a mapping", item, found)
    return tuple(layers)


def read_list(name: str, node: Node, found: Collector) -> tuple[Value, ...]:
    if isinstance(node, Seq):
        return tuple(to_value(item) for item in node.items)
    value = to_value(node)
    return () if value is None else (value,)


def read_loop_name(name: str, node: Node, found: Collector) -> Value:
    """The name of a loop's variable, which may be a template."""
    if isinstance(node, Scalar) and isinstance(to_value(node), Template):
        return to_value(node)
    return read_name(name, node, found)


def read_name(name: str, node: Node, found: Collector) -> str | None:
    if isinstance(node, Scalar) and isinstance(node.value, str) and _IDENTIFIER.match(node.value):
        return node.value
    if isinstance(node, Scalar) and node.value is not None:
        found.error("Invalid variable name", f"`{node.text}` cannot be used in a template", node.span,
                    hint="a name has letters, digits and _, and starts with no digit")
    else:
        wrong_type(name, "a variable name", node, found)
    return None


def _read_raw(name: str, node: Node, found: Collector) -> Value:
    return to_value(node)


_READERS: Final[dict[Shape, Callable[[str, Node, Collector], Value]]] = {
    Shape.TEXT: read_text, Shape.BOOL: read_bool, Shape.NUMBER: read_number, Shape.LIST: read_list,
    Shape.TEXTS: read_texts, Shape.TAGS: read_tags, Shape.CONDITIONS: read_conditions, Shape.MAP: read_map,
    Shape.VARS: read_vars, Shape.LAYER: read_layer, Shape.NAME: read_name, Shape.RAW: _read_raw,
}


def read_keyword(name: str, key: Scalar, node: Node, found: Collector) -> Value:
    """The value of keyword `name`; a keyword that does not work yet is an error, unless it is switched off."""
    keyword = KEYWORDS[name]
    if not keyword.supported and not (isinstance(node, Scalar) and node.value in (None, 0, False)):
        found.error("Not supported yet", f"the keyword `{name}` does nothing here so far", key.span, hint=keyword.note)
        return None
    if isinstance(node, Scalar) and node.value is None:
        return _nothing(name, key, keyword.shape, found)
    return _READERS[keyword.shape](name, node, found)


def _nothing(name: str, key: Scalar, shape: Shape, found: Collector) -> Value:
    """An empty value is the same as leaving the keyword out, but for those that need one."""
    if shape in {Shape.CONDITIONS, Shape.NAME}:
        found.error("Empty keyword", f"`{name}` has no value", key.span, hint="give one, or remove the line")
    return () if shape in {Shape.TEXTS, Shape.TAGS, Shape.CONDITIONS, Shape.LAYER, Shape.LIST} else None


def unknown_keyword(key: Scalar, place: Place, found: Collector, *, also: tuple[str, ...] = ()) -> None:
    """Tell about a key that is no keyword of `place`; `also` are further names that would be right there."""
    known = (*names_on(place), *also)
    elsewhere = KEYWORDS.get(key.text)
    if elsewhere is not None:
        places = ", ".join(sorted(spot.value for spot in elsewhere.on))
        hint = f"it belongs on: {places}"
    else:
        hint = near(key.text, known)
    thing = "an Import" if place is Place.IMPORT else f"a {place.value.capitalize()}"
    found.error("Unknown keyword", f"'{key.text}' is not a valid attribute for {thing}", key.span, hint=hint)
