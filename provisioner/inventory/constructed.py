"""`plugin: constructed`: variables and groups made of the variables that hosts have already."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from provisioner.diag import Diagnostic, InputError, ProvisionError, Span, near
from provisioner.inventory.builder import Builder
from provisioner.inventory.model import Inventory, VarsDirectory
from provisioner.lang.nodes import Map, to_value
from provisioner.values import HostName, Template, Value

Evaluate: TypeAlias = Callable[[str, Mapping[str, Value]], Value]
"""The value of an expression (without braces). Raises `ProvisionError`."""
_KEYS: Final = ("plugin", "strict", "compose", "groups", "keyed_groups", "use_vars_plugins", "leading_separator",
                "use_extra_vars")
_KEYED: Final = ("key", "prefix", "separator", "parent_group", "default_value", "trailing_separator")
_NOT_IN_NAMES: Final = re.compile(r"^[\d\W]|[^\w]", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Config:
    span: Span
    strict: bool
    compose: Mapping[str, Value]
    groups: Mapping[str, Value]
    keyed: tuple[Mapping[str, Value], ...]
    leading_separator: bool
    vars_plugins: bool


def construct(node: Map, builder: Builder, evaluate: Evaluate, beside: tuple[VarsDirectory, ...]) -> None:
    """Do what the file says for every host that the sources before it have brought.

    beside: `group_vars` and `host_vars` for `use_vars_plugins`. Raises `InputError`, with `strict` also for
    expressions that cannot be evaluated; else those give nothing.
    """
    config = _read(node)
    for host in list(builder.hosts):
        _for_host(host, config, builder, evaluate, beside if config.vars_plugins else ())


def _read(node: Map) -> _Config:
    for key, _ in node.entries:
        if key.text not in _KEYS:
            raise InputError([Diagnostic("Unknown key", f"`{key.text}` is no key of `plugin: constructed`", key.span,
                                         near(key.text, _KEYS) or f"it takes: {', '.join(_KEYS)}")])
    given = {key.text: _expressions(to_value(value)) for key, value in node.entries}
    keyed = given.get("keyed_groups") or []
    for entry in keyed:
        for name in entry:
            if name not in _KEYED:
                raise InputError([Diagnostic("Unknown key", f"`{name}` is no key of `keyed_groups`", node.span,
                                             near(name, _KEYED) or f"it takes: {', '.join(_KEYED)}")])
    return _Config(node.span, given.get("strict") is True, given.get("compose") or {}, given.get("groups") or {},
                   tuple(keyed), given.get("leading_separator") is not False, given.get("use_vars_plugins") is True)


def _expressions(value: Value) -> Any:
    """Expressions are texts here, with or without braces."""
    if isinstance(value, Mapping):
        return {key: _expressions(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_expressions(item) for item in value]
    return value.source if isinstance(value, Template) else value


def _for_host(host: HostName, config: _Config, builder: Builder, evaluate: Evaluate,
              beside: tuple[VarsDirectory, ...]) -> None:
    variables = _variables(host, builder, beside)
    for name, expression in config.compose.items():
        value = _value(expression, f"compose: {name}", variables, config, evaluate)
        if value is not _FAILED:
            builder.hosts[host][name] = value
    variables = _variables(host, builder, beside)
    for name, expression in config.groups.items():
        value = _value(expression, f"groups: {name}", variables, config, evaluate)
        if value is not _FAILED and value:
            builder.host(host, _clean(name), {}, config.span)
    for entry in config.keyed:
        for group in _keyed(entry, variables, config, evaluate):
            builder.host(host, group, {}, config.span)
            parent = entry.get("parent_group")
            if parent:
                above = _value(parent, "parent_group", variables, config, evaluate) if "{{" in parent else parent
                builder.child(_clean(str(above)), group, config.span)


def _variables(host: HostName, builder: Builder, beside: tuple[VarsDirectory, ...]) -> dict[str, Value]:
    """What the host's variables are so far."""
    merged: dict[str, Value] = {}
    for _, layer in Inventory((), builder.groups, builder.hosts, beside_inventory=beside).host_layers(host):
        merged.update(layer)
    return {**merged, "inventory_hostname": host, "inventory_hostname_short": host.partition(".")[0]}


_FAILED: Final = object()


def _value(expression: Value, what: str, variables: Mapping[str, Value], config: _Config, evaluate: Evaluate) -> Any:
    if not isinstance(expression, str):
        return expression
    try:
        return evaluate(expression, variables)
    except ProvisionError as error:
        if config.strict:
            host = variables["inventory_hostname"]
            raise InputError([Diagnostic("Not constructed", f"`{what}` for the host `{host}`: {error.message}",
                                         config.span, error.hint)]) from None
        return _FAILED


def _keyed(entry: Mapping[str, Any], variables: Mapping[str, Value], config: _Config,
           evaluate: Evaluate) -> Iterator[str]:
    """The groups that one entry of `keyed_groups` puts a host into."""
    key = _value(entry.get("key", ""), "keyed_groups", variables, config, evaluate)
    if key is _FAILED:
        return
    default, separator = entry.get("default_value"), str(entry.get("separator", "_"))
    if not key and default is None:
        if config.strict:
            detail = f"the key `{entry.get('key')}` is empty for the host `{variables['inventory_hostname']}`"
            raise InputError([Diagnostic("Not constructed", detail, config.span)])
        return
    prefix = str(entry.get("prefix", ""))
    joint = "" if not prefix and not config.leading_separator else separator
    trailing = entry.get("trailing_separator") is not False
    for name in _names(key, default, separator, trailing=trailing):
        yield _clean(f"{prefix}{joint}{name}")


def _names(key: Any, default: Any, separator: str, *, trailing: bool) -> Iterator[str]:
    if isinstance(key, Mapping):
        for name, value in key.items():
            if value in ("", None):
                if default is not None:
                    yield f"{name}{separator}{default}"
                else:
                    yield f"{name}{separator}" if trailing else str(name)
            else:
                yield f"{name}{separator}{value}"
    elif isinstance(key, (list, tuple)):
        for name in key:
            if name not in ("", None):
                yield str(name)
            elif default is not None:
                yield str(default)
    else:
        yield str(key) if key not in ("", None) else str(default)


def _clean(name: str) -> str:
    """A group's name that can be used as a variable."""
    return _NOT_IN_NAMES.sub("_", name)
