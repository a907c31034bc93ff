"""`meta/argument_specs.yml` of a role: the task that checks what the role is given."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

from provisioner.diag import Span
from provisioner.lang.context import Context
from provisioner.lang.model import Role, Task
from provisioner.lang.nodes import Map, Scalar, to_value
from provisioner.lang.paths import role_files
from provisioner.lang.source import YAML_SUFFIXES, is_file, join
from provisioner.lang.state import Loading
from provisioner.values import Template, Value

_CHECKED: Final = ("type", "required", "choices", "elements", "no_log", "aliases")
"""What of an option is looked at; its description and default are for readers."""


def checking_task(role: Role, entry: str, span: Span, context: Context, loading: Loading) -> Task | None:
    """The task that checks the arguments of `entry` (`main`, or what `tasks_from` names); None without any said."""
    specs = _specs(role.path, loading)
    found = specs.get(entry.rpartition(".")[0] if entry.endswith(YAML_SUFFIXES) else entry) if specs else None
    if not isinstance(found, Map):
        return None
    description = found.get("short_description")
    suffix = f" - {description.text}" if isinstance(description, Scalar) and description.value else ""
    options = found.get("options")
    args: dict[str, Value] = {
        "argument_spec": _options(to_value(options)) if isinstance(options, Map) else {},
        "provided_arguments": dict(role.params),
        "validate_args_context": {"type": "role", "name": role.name, "argument_spec_name": entry,
                                  "path": os.path.abspath(role.path)},
    }
    own = {"name": f"Validating arguments against arg spec '{entry}'{suffix}", "tags": frozenset({"always"})}
    return context.task("validate_argument_spec", args, span, own)


def _specs(path: str, loading: Loading) -> Map | None:
    """What each entry point takes: a file of its own, or a part of `meta/main.yml`."""
    for suffix in YAML_SUFFIXES:
        file = join(join(path, "meta"), f"argument_specs{suffix}")
        if is_file(file):
            return _entries(loading.parse_map(file))
    files = role_files(path, "meta", None)
    return _entries(loading.parse_map(files[0])) if files else None


def _entries(node: Map | None) -> Map | None:
    entries = node.get("argument_specs") if node is not None else None
    return entries if isinstance(entries, Map) else None


def _options(given: Any) -> dict[str, dict[str, Value]]:
    if not isinstance(given, Mapping):
        return {}
    return {str(name): _option(option) for name, option in given.items() if isinstance(option, Mapping)}


def _option(given: Mapping[str, Any]) -> dict[str, Value]:
    kept: dict[str, Value] = {key: _plain(given[key]) for key in _CHECKED if key in given}
    if given.get("options"):
        kept["options"] = _options(given["options"])
    return kept


def _plain(value: Value) -> Value:
    """Text with braces is no template here."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.source if isinstance(value, Template) else value
