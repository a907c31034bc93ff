"""Plays and playbooks, as nodes, to the typed tree."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from provisioner.diag import Collector, Span, near
from provisioner.lang import modules
from provisioner.lang.build import build_list, build_tasks
from provisioner.lang.context import Context
from provisioner.lang.fields import unknown_keyword, wrong_type
from provisioner.lang.keywords import KEYWORDS, ORDERS, STRATEGIES, Place
from provisioner.lang.machines import build_machines, is_machines_play
from provisioner.lang.model import HandlerSection, Include, Play, Task
from provisioner.lang.model import Node as TaskNode
from provisioner.lang.nodes import Map, Scalar, Seq, describe, to_value
from provisioner.lang.own import read_own
from provisioner.lang.prompts import read_prompts
from provisioner.lang.roles import role_list
from provisioner.lang.source import is_file, join, near_file
from provisioner.lang.state import Loading
from provisioner.values import Condition, Template, Value

_IMPORTS: Final = ("import_playbook", "ansible.builtin.import_playbook", "ansible.legacy.import_playbook")
_PLAY_FIELDS: Final = ("name", "gather_facts", "gather_timeout", "fact_path", "any_errors_fatal", "max_fail_percentage",
                       "force_handlers", "order", "ignore_unreachable")


@dataclass(frozen=True, slots=True)
class _Outer:
    """What `import_playbook` gives to every play inside."""

    when: tuple[Condition, ...] = ()
    tags: frozenset[str] = frozenset()
    vars: Mapping[str, Value] = field(default_factory=dict)
    chain: tuple[str, ...] = ()


def build_playbook(
    path: str, loading: Loading, span: Span | None = None, outer: _Outer | None = None
) -> tuple[Play, ...]:
    """All plays of a file, those of imported playbooks in their place."""
    if outer is None:
        outer = _Outer(chain=(os.path.normpath(path),))
    found = loading.found
    before = len(found.errors)
    node = loading.parse(path, span)
    if node is None or (isinstance(node, Scalar) and node.value is None):
        if len(found.errors) == before:
            found.error("Empty playbook", f"`{path}` holds no play", Span(path, 1), hint="start with `- hosts: all`")
        return ()
    if not isinstance(node, Seq):
        found.error("Wrong type", f"a playbook must be a list of plays, not {describe(node)}", node.span,
                    hint="start each play with `- `, as in `- hosts: all`")
        return ()
    plays: list[Play] = []
    for item in node.items:
        if not isinstance(item, Map):
            found.error("Wrong type", f"a play must be a mapping, not {describe(item)}", item.span,
                        hint="write `- hosts: all`")
        elif any(item.get(name) is not None for name in _IMPORTS):
            plays.extend(_imported(item, path, outer, loading))
        elif is_machines_play(item):
            if loading.has_hosts:
                found.error("Machines after tasks", "machines are made before anything runs on hosts", item.span,
                            hint="put this play first")
            loading.machines.append(build_machines(item, path, outer.vars, loading))
        else:
            loading.has_hosts = True
            plays.append(_play(item, path, outer, loading.for_play()))
    return tuple(plays)


def _imported(item: Map, path: str, outer: _Outer, loading: Loading) -> tuple[Play, ...]:
    for key, _ in item.entries:
        if key.text not in KEYWORDS or Place.IMPORT not in KEYWORDS[key.text].on:
            unknown_keyword(key, Place.IMPORT, loading.found)
    node = next(node for name in _IMPORTS if (node := item.get(name)) is not None)
    if not isinstance(node, Scalar) or node.value is None:
        wrong_type("import_playbook", "the name of a file", node, loading.found)
        return ()
    directory = os.path.dirname(path)
    context = Context(directory, path, play_vars=outer.vars)
    own = read_own(item, Place.IMPORT, context, loading)
    name = loading.render_now(to_value(node), context, "the file name", node.span)
    if name is None:
        return ()
    target = join(directory, name)
    entered = loading.enter(target, replace(context, chain=outer.chain), node.span)
    if entered is None:
        return ()
    if not is_file(target):
        loading.found.error("File not found", f"no playbook `{name}`; looked for `{target}`", node.span,
                                    hint=near_file([target]))
        return ()
    inner = _Outer(
        outer.when + tuple(own.get("when") or ()), outer.tags | frozenset(own.get("tags") or ()),
        {**(own.get("vars") or {}), **outer.vars}, entered.chain,
    )
    return build_playbook(target, loading, node.span, inner)


def _play(item: Map, path: str, outer: _Outer, loading: Loading) -> Play:
    found = loading.found
    all_known = _check_keys(item, loading)
    directory = os.path.dirname(path)
    own = read_own(item, Place.PLAY, Context(directory, path, play_vars=outer.vars), loading)
    variables = {**(own.pop("vars", None) or {}), **outer.vars}
    base = Context(directory, path, when=outer.when, tags=outer.tags, play_vars=variables, chain=outer.chain)
    context = base.inside({name: value for name, value in own.items() if name not in {"when", "notify"}})
    hosts_node = item.get("hosts")
    parts: dict[str, tuple[TaskNode, ...]] = {}
    # Roles come first: their handlers are loaded before those of the play, whatever the order in the file.
    roles = role_list(node, context, loading, build_tasks) if (node := item.get("roles")) is not None else ()
    for name in ("pre_tasks", "tasks", "post_tasks"):
        node = item.get(name)
        parts[name] = build_list(name, node, context, loading) if node is not None else ()
    sections = list(loading.sections)
    if (node := item.get("handlers")) is not None:
        handlers = build_list("handlers", node, replace(context, handlers=True), loading)
        sections.append(HandlerSection(None, tuple(node for node in handlers if isinstance(node, (Task, Include)))))
    _check_choice(item, "strategy", STRATEGIES, found)
    _check_choice(item, "order", ORDERS, found)
    gathering = context.module_defaults.get("setup", {})
    return Play(
        hosts=_hosts(item, own, found) if all_known or hosts_node is not None else "", span=item.span, file=path,
        gather_subset=own.get("gather_subset") or gathering.get("gather_subset"),
        roles=roles, handlers=(*sections, *loading.imported_sections), used_roles=tuple(loading.used_roles),
        vars_prompt=read_prompts(item, found), vars=variables, vars_files=_vars_files(item, found),
        serial=_serial(item, found), tags=context.tags,
        strategy=_strategy(own.get("strategy")), template=context.task("", {}, item.span, {}, implicit=True),
        **{name: own[name] for name in _PLAY_FIELDS if own.get(name) is not None}, **parts,
    )


def _check_keys(item: Map, loading: Loading) -> bool:
    """Whether all keys are keywords of a play; the others are told."""
    all_known = True
    for key, _ in item.entries:
        if key.text in KEYWORDS and Place.PLAY in KEYWORDS[key.text].on:
            continue
        all_known = False
        if isinstance(key.value, str) and key.text not in KEYWORDS and modules.canonical(key.text, loading.ours):
            detail = f"'{key.text}' is not a valid attribute for a Play: it is a module"
            loading.found.error("Task outside of `tasks`", detail, key.span, hint="put it under `tasks:`")
        else:
            unknown_keyword(key, Place.PLAY, loading.found, also=_IMPORTS[:1])
    return all_known


def _hosts(item: Map, own: Mapping[str, Value], found: Collector) -> Value:
    """The pattern of a play: a text, a template or a list of them."""
    node = item.get("hosts")
    if node is None:
        found.error("No hosts", "a play must say where it runs", item.span, hint="add `hosts: all` or a group")
        return ""
    if isinstance(node, Scalar) and isinstance(node.value, (int, float)):
        wrong_type("hosts", "a group, a host or a pattern", node, found)
        return ""
    hosts = own.get("hosts") or ()
    if not hosts and not isinstance(node, Map):
        found.error("No hosts", "`hosts` is empty", node.span, hint="name a group or a host, or `all`")
    names = list(hosts)
    return names[0] if len(names) == 1 else names


def _vars_files(item: Map, found: Collector) -> tuple[Value, ...]:
    node = item.get("vars_files")
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return ()
    files: list[Value] = []
    for entry in node.items if isinstance(node, Seq) else [node]:
        if isinstance(entry, Seq) and all(isinstance(part, Scalar) for part in entry.items):
            files.append(tuple(to_value(part) for part in entry.items))
        elif isinstance(entry, Scalar) and isinstance(entry.value, str):
            files.append(to_value(entry))
        else:
            wrong_type("vars_files", "a list of file names", entry, found)
    return tuple(files)


def _serial(item: Map, found: Collector) -> tuple[Value, ...]:
    node = item.get("serial")
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return ()
    sizes: list[Value] = []
    for entry in node.items if isinstance(node, Seq) else [node]:
        value = to_value(entry)
        text = str(value)
        if isinstance(value, Template) or (isinstance(value, int) and not isinstance(value, bool)):
            sizes.append(value)
        elif isinstance(value, str) and text.rstrip("%").strip().isdigit():
            sizes.append(text if text.endswith("%") else int(text))
        else:
            wrong_type("serial", "a number of hosts or a percentage, or a list of them", entry, found,
                       hint='as in "30%"')
    return tuple(sizes)


def _check_choice(item: Map, name: str, choices: tuple[str, ...], found: Collector) -> None:
    node = item.get(name)
    if isinstance(node, Scalar) and isinstance(node.value, str) and not isinstance(to_value(node), Template):
        short = node.value.removeprefix("ansible.builtin.")
        if short not in choices:
            hint = near(short, choices) or f"one of: {', '.join(choices)}"
            found.error("Unknown value", f"`{name}: {node.text}`", node.span, hint=hint)


def _strategy(value: Value) -> Value:
    """`host_pinned` is `free` here: a host that is at work is never made to wait for others."""
    if isinstance(value, str):
        short = value.removeprefix("ansible.builtin.")
        return "free" if short == "host_pinned" else short
    return value
