"""The keywords that a play, block, task or role has itself."""

from __future__ import annotations

from typing import Final

from provisioner.diag import Span, near
from provisioner.lang import modules
from provisioner.lang.context import Context
from provisioner.lang.fields import read_keyword, wrong_type
from provisioner.lang.groups import known as groups
from provisioner.lang.groups import members
from provisioner.lang.keywords import KEYWORDS, Place
from provisioner.lang.nodes import Map, Node, Scalar, to_value
from provisioner.lang.state import Loading
from provisioner.values import Value

BLOCK_PARTS: Final = ("block", "rescue", "always")
_LEFT_TO_CALLER: Final = frozenset({
    *BLOCK_PARTS, "action", "local_action", "args", "loop", "loop_control", "tasks", "pre_tasks", "post_tasks",
    "handlers", "roles", "role", "import_playbook", "ansible.builtin.import_playbook", "ansible.legacy.import_playbook",
})


def read_own(item: Map, place: Place, context: Context, loading: Loading) -> dict[str, Value]:
    """The keywords of `place` that `item` has, read; lists of tasks and the like are left to the caller."""
    own: dict[str, Value] = {}
    for key, node in item.entries:
        keyword = KEYWORDS.get(key.text)
        if keyword is not None and place in keyword.on and keyword.name not in _LEFT_TO_CALLER:
            own[key.text] = read_keyword(key.text, key, node, loading.found)
    if own.get("module_defaults"):
        own["module_defaults"] = _known_defaults(item, own["module_defaults"], loading)
    if own.get("tags"):
        around = context.inside({"vars": own["vars"]}) if own.get("vars") else context
        own["tags"] = known_tags(own["tags"], around, item.span, loading)
    return own


def _known_defaults(item: Map, defaults: Value, loading: Loading) -> dict[str, Value]:
    """The entries of `module_defaults` by canonical module name; the others are told."""
    known: dict[str, Value] = {}
    node = item.get("module_defaults")
    for key, value in node.entries if isinstance(node, Map) else []:
        module = modules.canonical(key.text, loading.ours)
        if key.text.startswith("group/"):
            _add_group(key, value, known, loading)
        elif module is None:
            loading.found.error("Unknown module", f"`{key.text}` in module_defaults", key.span,
                                hint=near(key.text.rpartition(".")[2], loading.ours))
        elif isinstance(value, Map):
            known[module] = {**known.get(module, {}), **defaults[key.value]}
        else:
            wrong_type(key.text, "a mapping of arguments", value, loading.found)
    return known


def _add_group(key: Scalar, value: Node, known: dict[str, Value], loading: Loading) -> None:
    """Defaults for all modules of a group; those of a module by its own name win, wherever they stand."""
    group = members(key.text)
    if group is None:
        loading.found.warning("Unknown group of modules", f"`{key.text}` in module_defaults does nothing", key.span,
                              hint=near(key.text, groups()))
    elif isinstance(value, Map):
        for module in group:
            known[module] = {**to_value(value), **known.get(module, {})}
    else:
        wrong_type(key.text, "a mapping of arguments", value, loading.found)


def known_tags(tags: tuple[Value, ...], context: Context, span: Span, loading: Loading) -> frozenset[str]:
    known: set[str] = set()
    for tag in tags:
        text = loading.render_now(tag, context, "the tag", span)
        if text is not None:
            known.update(part.strip() for part in text.split(",") if part.strip())
    return frozenset(known)
