"""Lists of tasks, as nodes, to the typed tree: tasks, blocks, handlers, includes and static imports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from provisioner.diag import near
from provisioner.lang import modules, roles
from provisioner.lang.arguments import (
    RAW_PARAMS,
    Call,
    add_args,
    check_arguments,
    read_action,
    read_call,
    unknown_module,
    with_defaults,
)
from provisioner.lang.context import Context
from provisioner.lang.fields import read_conditions, read_keyword, unknown_keyword, wrong_type
from provisioner.lang.keywords import KEYWORDS, META_ACTIONS, Place
from provisioner.lang.loops import read_loop
from provisioner.lang.model import Block, Include, Loop, Node, Task
from provisioner.lang.nodes import Map, Scalar, Seq, as_node, describe
from provisioner.lang.nodes import Node as YamlNode
from provisioner.lang.own import BLOCK_PARTS, known_tags, read_own
from provisioner.lang.paths import find_tasks
from provisioner.lang.state import Loading
from provisioner.values import Condition, Value

_LOCAL: Final = {"delegate_to": "localhost", "connection": "local"}
#: Keywords that make no sense on an import, which is gone when the play runs.
_NOT_ON_IMPORTS: Final = ("register", "until", "retries", "delay", "changed_when", "failed_when")


def build_tasks(items: list[YamlNode], context: Context, loading: Loading) -> tuple[Node, ...]:
    """The nodes of a list of tasks; what is wrong is told and left out."""
    nodes: list[Node] = []
    for item in items:
        if not isinstance(item, Map):
            if isinstance(item, Scalar) and item.value is None:
                continue
            loading.found.error("Wrong type", f"a task must be a mapping, not {describe(item)}", item.span,
                                hint="write `- module: arguments`")
        elif any(item.get(part) is not None for part in BLOCK_PARTS):
            nodes.extend(_block(item, context, loading))
        else:
            nodes.extend(_task(item, context, loading))
    return tuple(nodes)


def build_list(name: str, node: YamlNode, context: Context, loading: Loading) -> tuple[Node, ...]:
    """The nodes under a keyword that holds tasks."""
    if isinstance(node, Seq):
        return build_tasks(node.items, context, loading)
    if not (isinstance(node, Scalar) and node.value is None):
        wrong_type(name, "a list of tasks", node, loading.found, hint="start each task with `- `")
    return ()


def _block(item: Map, context: Context, loading: Loading) -> tuple[Node, ...]:
    found = loading.found
    for key, _ in item.entries:
        if key.text not in KEYWORDS or Place.BLOCK not in KEYWORDS[key.text].on:
            if key.text == "loop" or key.text.startswith("with_"):
                found.error("Loop on a block", "a block cannot be repeated", key.span,
                            hint="put the tasks in a file and loop over include_tasks")
            elif modules.canonical(key.text, loading.ours):
                found.error("Module on a block", f"`{key.text}` cannot stand beside `block`", key.span,
                            hint="make it a task inside the block")
            else:
                unknown_keyword(key, Place.BLOCK, found)
    if context.handlers and (item.get("rescue") is not None or item.get("always") is not None):
        hint = "write each as an entry of its own"
        found.error("Block in handlers", "handlers are single tasks, without rescue", item.span, hint=hint)
        return ()
    if context.in_block:
        found.error("Block in handlers", "Using a block as a handler is not supported.", item.span,
                    hint="write its tasks as handlers of their own")
        return ()
    if item.get("block") is None:
        found.error("No `block`", "`rescue` and `always` need a `block` beside them", item.span)
    own = read_own(item, Place.BLOCK, context, loading)
    inner = replace(context.inside(own), in_block=context.handlers)
    guarded = replace(inner, rescued=True) if item.get("rescue") is not None else inner
    parts = {name: build_list(name, node, guarded if name == "block" else inner, loading)
             if (node := item.get(name)) is not None else () for name in BLOCK_PARTS}
    if context.handlers:  # a block without rescue is nothing but its handlers
        return parts["block"]
    return (Block(parts["block"], parts["rescue"], parts["always"], own.get("name"), item.span),)


@dataclass(slots=True)
class _Parts:
    """The keys of a task, sorted by what they are."""

    candidates: list[tuple[Scalar, YamlNode, str]] = field(default_factory=list)
    actions: list[tuple[Scalar, YamlNode]] = field(default_factory=list)
    loops: list[tuple[Scalar, YamlNode]] = field(default_factory=list)
    unknown: list[tuple[Scalar, YamlNode]] = field(default_factory=list)


def _sort_keys(item: Map, place: Place, loading: Loading) -> _Parts:
    parts = _Parts()
    for key, node in item.entries:
        name = key.text
        keyword = KEYWORDS.get(name)
        if name in {"action", "local_action"}:
            parts.actions.append((key, node))
        elif name == "loop" or name.startswith("with_"):
            parts.loops.append((key, node))
        elif keyword is not None and place in keyword.on:
            continue
        elif isinstance(key.value, str) and (module := modules.canonical(name, loading.ours)):
            parts.candidates.append((key, node, module))
        else:
            parts.unknown.append((key, node))
    return parts


def _read_module(item: Map, place: Place, loading: Loading) -> tuple[Call | None, _Parts]:
    """The task's one module; None when there is not exactly one (told already)."""
    found = loading.found
    parts = _sort_keys(item, place, loading)
    count = len(parts.candidates) + len(parts.actions)
    if count > 1:
        keys = [key for key, _, _ in parts.candidates] + [key for key, _ in parts.actions]
        names = " and ".join(f"`{key.text}`" for key in keys)
        found.error("Two modules in one task", f"{names}: a task has one module", keys[1].span,
                    hint="start a new task with `- `", related=(("the first is here", keys[0].span),))
        return None, parts
    if count == 0:
        if len(parts.unknown) == 1:
            unknown_module(parts.unknown[0][0].text, parts.unknown[0][0].span, loading, place)
        else:
            for key, _ in parts.unknown:
                unknown_module(key.text, key.span, loading, place)
            if not parts.unknown:
                hint = "add a module, as `debug:`"
                found.error("No module", "the task does not say what to do", item.span, hint=hint)
        return None, parts
    for key, _ in parts.unknown:
        unknown_keyword(key, place, found)
    if parts.actions:
        return read_action(*parts.actions[0], loading), parts
    key, node, module = parts.candidates[0]
    return read_call(module, key, node, loading), parts


@dataclass(frozen=True, slots=True)
class _Draft:
    """A task that is read but not yet placed."""

    item: Map
    call: Call
    own: dict[str, Value]
    loop: Loop | None

    def finish(self, args: Mapping[str, Value], context: Context) -> Task:
        more: dict[str, Any] = {"listen": tuple(self.own["listen"])} if self.own.get("listen") else {}
        return context.task(self.call.module, args, self.item.span, self.own, loop=self.loop, **more)


def _task(item: Map, context: Context, loading: Loading) -> tuple[Node, ...]:
    place = Place.HANDLER if context.handlers else Place.TASK
    call, parts = _read_module(item, place, loading)
    own = read_own(item, place, context, loading)
    loop = read_loop(item, parts.loops, loading.found)
    if call is None:
        return ()
    if (extra := item.get("args")) is not None:
        add_args(call, extra, loading)
    if call.local:
        own = {**own, **{name: value for name, value in _LOCAL.items() if own.get(name) is None}}
    draft = _Draft(item, call, own, loop)
    if context.handlers and call.module in {"include_role", "import_role"}:
        loading.found.error("Role in handlers", f"Using '{call.module}' as a handler is not supported.", call.span,
                            hint="include_tasks may be one")
        return ()
    if call.module in {"import_tasks", "import_role"}:
        return _import(draft, context, loading)
    if call.module in {"include_tasks", "include_role"}:
        return (_include(draft, context, loading),)
    args = with_defaults(call, context.inside(own))
    if call.module == "assert" and "that" in args:
        args = {**args, "that": _assertions(item, call, args["that"], loading)}
    elif call.module == "meta":
        _check_meta(call, context, loading)
    inner = context.inside(own)
    may_fail = context.rescued or own.get("failed_when") is not None or bool(inner.single.get("ignore_errors"))
    check_arguments(call, args, loading, may_fail=may_fail)
    return (draft.finish(args, context),)


def _assertions(item: Map, call: Call, value: Value, loading: Loading) -> list[Condition]:
    """`assert` takes conditions as an argument: bare expressions, with their places."""
    written = (node.get("that") for _, node in item.entries if isinstance(node, Map))
    node = next((node for node in written if node is not None), None)
    if node is None:  # as `that=…` in one line
        node = as_node(value, call.spans.get("that", call.span))
    return list(read_conditions("that", node, loading.found))


def _check_meta(call: Call, context: Context, loading: Loading) -> None:
    action = call.args.get(RAW_PARAMS)
    if context.handlers and action == "flush_handlers":
        loading.found.error("Wrong argument", "flush_handlers cannot be used as a handler", call.spans[RAW_PARAMS])
    if action is None:
        loading.found.error("Wrong argument", "`meta` needs an action", call.span, hint="as `meta: flush_handlers`")
    elif isinstance(action, str) and action not in META_ACTIONS:
        hint = near(action, META_ACTIONS) or f"one of: {', '.join(META_ACTIONS)}"
        loading.found.error("Wrong argument", f"`meta: {action}`", call.spans[RAW_PARAMS], hint=hint)


def _include(draft: _Draft, context: Context, loading: Loading) -> Include:
    call, own = draft.call, draft.own
    if call.module == "include_role":
        roles.check_use(call, loading)
    else:
        file_argument(call, loading)
    apply = call.args.pop("apply", None)
    if apply is not None and not isinstance(apply, dict):
        loading.found.error("Wrong type", "`apply` must be a mapping of keywords", call.spans["apply"])
        apply = None
    if apply:
        _check_apply(draft.item, loading)
    inner = replace(context, include_vars=(*context.include_vars, own["vars"])) if own.get("vars") else context
    kind: Any = "role" if call.module == "include_role" else "tasks"
    return Include(kind, draft.finish(call.args, context), apply or {}, context.handlers, inherited=inner)


def _check_apply(item: Map, loading: Loading) -> None:
    """Tell about wrong names in `apply:`, now rather than when the include is reached."""
    for _, node in item.entries:
        apply = node.get("apply") if isinstance(node, Map) else None
        if isinstance(apply, Map):
            for key, _ in apply.entries:
                if key.text not in KEYWORDS or Place.BLOCK not in KEYWORDS[key.text].on or key.text in BLOCK_PARTS:
                    unknown_keyword(key, Place.BLOCK, loading.found)


def file_argument(call: Call, loading: Loading) -> Value:
    """The file of include_tasks / import_tasks, kept under `_raw_params` however it was written."""
    file = call.args.pop("file", None)
    if file is not None:
        call.set(RAW_PARAMS, file, call.spans["file"])
    value = call.args.get(RAW_PARAMS)
    if value is None:
        loading.found.error("No file", f"`{call.module}` needs the name of a file", call.span)
    for name in call.args:
        if name not in {RAW_PARAMS, "apply"}:
            loading.found.error("Wrong argument", f"Unsupported parameters for ({call.module}) module: {name}",
                                call.spans[name], hint="it takes: file, apply")
    return value


def _import(draft: _Draft, context: Context, loading: Loading) -> tuple[Node, ...]:
    call, found = draft.call, loading.found
    _check_import(draft, loading)
    inner = context.inside(draft.own)
    if call.module == "import_role":
        return roles.import_role(call, inner, loading, build_tasks)
    file = file_argument(call, loading)
    if file is None:
        return ()
    span = call.spans[RAW_PARAMS]
    name = loading.render_now(file, inner, "the file name", span)
    path = find_tasks(name, inner, span, found) if name is not None else None
    entered = loading.enter(path, inner, span) if path is not None else None
    if path is None or entered is None:
        return ()
    return build_tasks(loading.parse_list(path, span, "tasks"), entered, loading)


def _check_import(draft: _Draft, loading: Loading) -> None:
    """Tell about keywords that cannot work on something that is gone when the play runs."""
    module = draft.call.module
    dynamic = module.replace("import", "include")
    if draft.loop is not None:
        detail = f"`{module}` is done once, when the playbook is loaded"
        loading.found.error("Loop on an import", detail, draft.loop.span, hint=f"use {dynamic}")
    if "apply" in draft.call.args:
        loading.found.error("Wrong argument", f"Invalid options for {module}: apply", draft.call.spans["apply"],
                            hint=f"keywords on `{module}` itself go to the tasks inside; or use {dynamic}")
    for key, _ in draft.item.entries:
        if key.text in _NOT_ON_IMPORTS:
            loading.found.error("Keyword on an import", f"`{key.text}` has no meaning on `{module}`", key.span,
                                hint=f"put it on the tasks inside, or use {dynamic}")


def apply_keywords(include: Include, context: Context, loading: Loading) -> Context:
    """`context` inside the keywords that a dynamic include gives to its tasks by `apply:`."""
    if not include.apply:
        return context
    own: dict[str, Value] = {}
    for name, value in include.apply.items():
        keyword = KEYWORDS.get(name)
        if keyword is not None and Place.BLOCK in keyword.on:
            node = as_node(value, include.task.span)
            own[name] = read_keyword(name, Scalar(node.file, node.line, node.column, name, name), node, loading.found)
    if own.get("tags"):
        own["tags"] = known_tags(own["tags"], context, include.task.span, loading)
    return context.inside(own)
