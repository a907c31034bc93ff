"""The keywords that a play, block, task or role has itself."""

from __future__ import annotations

from typing import Final

from provisioner.diag import Span
from provisioner.lang.context import Context
from provisioner.lang.fields import read_keyword
from provisioner.lang.keywords import KEYWORDS, Place
from provisioner.lang.nodes import Map
from provisioner.lang.state import Loading
from provisioner.values import Value

BLOCK_PARTS: Final = ("block", "rescue", "always")
_LEFT_TO_CALLER: Final = frozenset({
    *BLOCK_PARTS, "action", "local_action", "args", "loop", "loop_control", "tasks", "pre_tasks", "post_tasks",
    "handlers", "roles", "role", "import_playbook", "ansible.builtin.import_playbook",
})


def read_own(item: Map, place: Place, context: Context, loading: Loading) -> dict[str, Value]:
    """The keywords of `place` that `item` has, read; lists of tasks and the like are left to the caller."""
    own: dict[str, Value] = {}
    for key, node in item.entries:
        keyword = KEYWORDS.get(key.text)
        if keyword is not None and place in keyword.on and keyword.name not in _LEFT_TO_CALLER:
            own[key.text] = read_keyword(key.text, key, node, loading.found)
    if own.get("tags"):
        around = context.inside({"vars": own["vars"]}) if own.get("vars") else context
        own["tags"] = known_tags(own["tags"], around, item.span, loading)
    return own


def known_tags(tags: tuple[Value, ...], context: Context, span: Span, loading: Loading) -> frozenset[str]:
    known: set[str] = set()
    for tag in tags:
        text = loading.render_now(tag, context, "the tag", span)
        if text is not None:
            known.update(part.strip() for part in text.split(",") if part.strip())
    return frozenset(known)
