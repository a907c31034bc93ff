"""`vars_prompt`: what a play asks for before it begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from provisioner.diag import Collector, near
from provisioner.lang.fields import read_bool, read_name, read_number, read_text, wrong_type
from provisioner.lang.model import Prompt
from provisioner.lang.nodes import Map, Node, Scalar, Seq, describe, to_value
from provisioner.values import Value

_KEYS: Final = ("name", "prompt", "default", "private", "confirm", "encrypt", "salt", "salt_size", "unsafe")
SALT_SIZE: Final = 8
HASHES: Final = {"sha512_crypt": "sha512", "sha512": "sha512", "sha256_crypt": "sha256", "sha256": "sha256"}
"""Names of `encrypt`, and what `template.passwords` calls them."""


def read_prompts(play: Map, found: Collector) -> tuple[Prompt, ...]:
    """The prompts of a play; what is wrong is told and left out."""
    node = play.get("vars_prompt")
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return ()
    if not isinstance(node, (Seq, Map)):
        wrong_type("vars_prompt", "a list of prompts", node, found, hint="write `- name: VARIABLE`")
        return ()
    prompts = []
    for entry in node.items if isinstance(node, Seq) else [node]:
        if isinstance(entry, Map):
            prompt = _prompt(entry, found)
            prompts += [prompt] if prompt else []
        else:
            found.error("Wrong type", f"an entry of `vars_prompt` must be a mapping, not {describe(entry)}", entry.span,
                        hint="write `- name: VARIABLE`")
    return tuple(prompts)


def _prompt(entry: Map, found: Collector) -> Prompt | None:
    for key, _ in entry.entries:
        if key.text not in _KEYS:
            found.error("Unknown key", f"`{key.text}` is not a key of `vars_prompt`", key.span,
                        hint=near(key.text, _KEYS) or f"it takes: {', '.join(_KEYS)}")
    name_node = entry.get("name")
    if name_node is None:
        found.error("No variable name", "a prompt must say which variable it sets", entry.span, hint="add `name:`")
        return None
    name = read_name("name", name_node, found)
    text, default, salt = (entry.get(key) for key in ("prompt", "default", "salt"))
    size: Value = _given("salt_size", entry, found, read_number)
    return None if name is None else Prompt(
        name, name_node.span,
        text=None if text is None else to_value(text),
        default=None if default is None else to_value(default),
        private=_given("private", entry, found, read_bool) is not False,
        confirm=_given("confirm", entry, found, read_bool) is True,
        encrypt=_hash(entry, found),
        salt=None if salt is None else read_text("salt", salt, found),
        salt_size=size if isinstance(size, int) else SALT_SIZE)


def _given(name: str, entry: Map, found: Collector, reader: Callable[[str, Node, Collector], Value]) -> Value:
    node = entry.get(name)
    return None if node is None else reader(name, node, found)


def _hash(entry: Map, found: Collector) -> str | None:
    node = entry.get("encrypt")
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return None
    kind = HASHES.get(node.text) if isinstance(node, Scalar) else None
    if kind is None:
        shown = f"`encrypt: {node.text}`" if isinstance(node, Scalar) else "`encrypt`"
        found.error("Unknown value", f"{shown} is no hash that there is here", node.span,
                    hint="one of: sha512_crypt, sha256_crypt")
    return kind
