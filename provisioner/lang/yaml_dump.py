"""YAML text out of data, and data out of YAML text that is not the user's own (it never holds templates)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from provisioner.diag import Collector
from provisioner.lang.nodes import Node, Scalar, Seq
from provisioner.lang.yaml import parse
from provisioner.values import Secret, Trusted, Unknown, Value

_DOCUMENT = re.compile(r"^(?:---(?=\s|$)|\.\.\.\s*$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Ciphertext:
    """What is encrypted and stays so: written with the tag `!vault`."""

    text: str


class _Dumper(yaml.SafeDumper):
    """Writes every value out; anchors for values that occur twice would only confuse readers."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(Trusted, _Dumper.represent_str)
_Dumper.add_representer(Ciphertext, lambda dumper, value: dumper.represent_scalar("!vault", value.text, style="|"))


def dump(value: Value, *, indent: int = 2, flow: bool | None = None, width: int = 80, sort_keys: bool = True,
         explicit_start: bool = False, explicit_end: bool = False, allow_unicode: bool = True,
         style: str | None = None, canonical: bool | None = None) -> str:
    """`value` as YAML. flow: None writes the innermost containers on one line, False none, True all.

    Secrets are written in full: the caller taints the text.
    """
    text: str = yaml.dump(_written(value), Dumper=_Dumper, indent=indent, default_flow_style=flow, width=width,
                          sort_keys=sort_keys, explicit_start=explicit_start, explicit_end=explicit_end,
                          allow_unicode=allow_unicode, default_style=style, canonical=canonical)
    return text


def _written(value: Value) -> Value:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Unknown):
        raise TypeError("what is not known yet cannot be written as YAML")
    if isinstance(value, dict):
        return {_written(key): _written(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_written(item) for item in value]
    return value


def load_plain(text: str) -> Value:
    """The document in `text` as plain data: strings with braces stay strings. Limits as for playbooks."""
    node = parse(text, "<text>", Collector())
    return None if node is None else _data(node)


def load_all_plain(text: str) -> list[Value]:
    """Each document of `text`."""
    return [load_plain(part) for part in _DOCUMENT.split(text) if part.strip()]


def _data(node: Node) -> Value:
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Seq):
        return [_data(item) for item in node.items]
    return {key.value: _data(value) for key, value in node.entries}
