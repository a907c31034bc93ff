"""The items of a loop, and what each item sees (`item`, `ansible_loop` …)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from provisioner.diag import TemplateError
from provisioner.lang.model import Loop
from provisioner.template.templar import Templar
from provisioner.values import OMIT, Unknown
from provisioner.vars.scope import Scope


def loop_items(loop: Loop, scope: Scope, templar: Templar, module: str) -> list[Any] | Unknown:
    """The rendered items for a task of `module`. Raises TemplateError when there is no list."""
    rendered = templar.render(loop.items, scope)
    if isinstance(rendered, Unknown):
        return rendered
    if loop.kind == "loop":
        if not isinstance(rendered, (list, tuple)):
            raise TemplateError(f"`loop` needs a list, not {_kind(rendered)}", span=loop.span,
                                hint="wrap a single value in [ ], or a mapping in `| dict2items`")
        return [item for item in rendered if item is not OMIT]
    if loop.kind == "items":
        return _flattened_once(rendered)
    options = {"subdir": _folder(module)} if loop.kind == "first_found" else {}
    return templar.lookup(loop.kind, rendered, scope, **options)


def _folder(module: str) -> str:
    """The directory of a role where `with_first_found` looks, by what the task does with the file."""
    return next((f"{kind}s" for kind in ("template", "var") if kind in module), "files")


def _flattened_once(rendered: Any) -> list[Any]:
    if not isinstance(rendered, (list, tuple)):
        return [rendered]
    flat: list[Any] = []
    for item in rendered:
        flat.extend(item) if isinstance(item, (list, tuple)) else flat.append(item)
    return flat


def item_variables(loop: Loop, items: Sequence[Any], index: int, render: Callable[[Any], Any]) -> dict[str, Any]:
    """What the loop gives to the tasks for `items[index]`."""
    control = loop.control
    name = str(render(control.loop_var))
    variables: dict[str, Any] = {name: items[index], "ansible_loop_var": name}
    if control.index_var is not None:
        index_name = str(render(control.index_var))
        variables[index_name] = index
        variables["ansible_index_var"] = index_name
    if render(control.extended) is True:
        extended = _extended(items, index)
        if render(control.extended_allitems) is not False:
            extended["allitems"] = list(items)
        variables["ansible_loop"] = extended
    return variables


def _extended(items: Sequence[Any], index: int) -> dict[str, Any]:
    length = len(items)
    extended: dict[str, Any] = {"index": index + 1, "index0": index, "first": index == 0, "last": index == length - 1,
                                "length": length, "revindex": length - index, "revindex0": length - index - 1}
    if index:
        extended["previtem"] = items[index - 1]
    if index < length - 1:
        extended["nextitem"] = items[index + 1]
    return extended


def _kind(value: Any) -> str:
    names = {str: "a text", dict: "a mapping", int: "a number", float: "a number", bool: "a boolean"}
    return "nothing" if value is None else names.get(type(value), type(value).__name__) + f" ({value!r:.60})"
