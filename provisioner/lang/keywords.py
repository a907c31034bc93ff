"""The one table of playbook keywords: where each may stand, what it holds, how it is inherited.

Names follow ansible-core 2.19 (41 for a play, 31 for a block, 42 for a task, 43 for a handler, 28 for a role).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Place(Enum):
    """What a keyword stands on."""

    PLAY = "play"
    BLOCK = "block"
    TASK = "task"
    HANDLER = "handler"
    ROLE = "role"
    IMPORT = "import_playbook"


class Shape(Enum):
    """What a keyword's value looks like; `lang/fields.py` reads each."""

    TEXT = "a text"
    BOOL = "true or false"
    NUMBER = "a number"
    LIST = "a list or a single value"
    TEXTS = "a text or a list of texts"
    TAGS = "a tag or a list of tags"
    CONDITIONS = "a condition or a list of conditions"
    MAP = "a mapping"
    VARS = "a mapping of variables"
    LAYER = "a mapping, or a list of mappings"
    TASKS = "a list of tasks"
    ROLES = "a list of roles"
    NAME = "a variable name"
    RAW = "any value"


class Merge(Enum):
    """How the values of play, role, block and task come together in a task."""

    OWN = "not inherited"
    INNERMOST = "the innermost wins"
    CONCAT = "all of them, outermost first"
    UNION = "all of them"
    LAYERS = "one mapping a level, the innermost wins key by key"


@dataclass(frozen=True, slots=True)
class Keyword:
    name: str
    on: frozenset[Place]
    shape: Shape
    merge: Merge = Merge.OWN
    supported: bool = True
    note: str = ""
    """For an unsupported keyword: what to do instead."""


_EVERY = (Place.PLAY, Place.BLOCK, Place.TASK, Place.HANDLER, Place.ROLE)
_BELOW = (Place.BLOCK, Place.TASK, Place.HANDLER, Place.ROLE)
_TASK = (Place.TASK, Place.HANDLER)


def _rows() -> tuple[Keyword, ...]:
    def row(name: str, on: tuple[Place, ...], shape: Shape, merge: Merge = Merge.OWN, *,
            supported: bool = True, note: str = "") -> Keyword:
        return Keyword(name, frozenset(on), shape, merge, supported, note)

    inner = Merge.INNERMOST
    return (
        # everywhere
        row("name", (*_EVERY, Place.IMPORT), Shape.TEXT),
        row("vars", (*_EVERY, Place.IMPORT), Shape.VARS, Merge.LAYERS),
        row("tags", (*_EVERY, Place.IMPORT), Shape.TAGS, Merge.UNION),
        row("environment", _EVERY, Shape.LAYER, Merge.LAYERS),
        row("module_defaults", _EVERY, Shape.MAP, Merge.LAYERS),
        row("collections", _EVERY, Shape.TEXTS, note="accepted: names are found without it"),
        row("become", _EVERY, Shape.BOOL, inner),
        row("become_user", _EVERY, Shape.TEXT, inner),
        row("become_method", _EVERY, Shape.TEXT, inner),
        row("become_flags", _EVERY, Shape.TEXT, inner),
        row("become_exe", _EVERY, Shape.TEXT, inner),
        row("connection", _EVERY, Shape.TEXT, inner),
        row("remote_user", _EVERY, Shape.TEXT, inner),
        row("port", _EVERY, Shape.NUMBER, inner),
        row("check_mode", _EVERY, Shape.BOOL, inner),
        row("diff", _EVERY, Shape.BOOL, inner),
        row("no_log", _EVERY, Shape.BOOL, inner),
        row("run_once", _EVERY, Shape.BOOL, inner),
        row("ignore_errors", _EVERY, Shape.BOOL, inner),
        row("ignore_unreachable", _EVERY, Shape.BOOL, inner),
        row("any_errors_fatal", _EVERY, Shape.BOOL, inner),
        row("timeout", _EVERY, Shape.NUMBER, inner),
        row("throttle", _EVERY, Shape.NUMBER, inner),
        row("debugger", _EVERY, Shape.TEXT, inner, supported=False, note="remove it, and look at results with -vvv"),
        # below the play
        row("when", (*_BELOW, Place.IMPORT), Shape.CONDITIONS, Merge.CONCAT),
        row("delegate_to", _BELOW, Shape.TEXT, inner),
        row("delegate_facts", _BELOW, Shape.BOOL, inner),
        row("notify", (Place.BLOCK, *_TASK), Shape.TEXTS, Merge.CONCAT),
        # blocks
        row("block", (Place.BLOCK,), Shape.TASKS),
        row("rescue", (Place.BLOCK,), Shape.TASKS),
        row("always", (Place.BLOCK,), Shape.TASKS),
        # tasks and handlers
        row("action", _TASK, Shape.RAW),
        row("local_action", _TASK, Shape.RAW),
        row("args", _TASK, Shape.MAP),
        row("loop", _TASK, Shape.RAW),
        row("loop_control", _TASK, Shape.MAP),
        row("register", _TASK, Shape.NAME),
        row("changed_when", _TASK, Shape.CONDITIONS),
        row("failed_when", _TASK, Shape.CONDITIONS),
        row("until", _TASK, Shape.CONDITIONS),
        row("retries", _TASK, Shape.NUMBER),
        row("delay", _TASK, Shape.NUMBER),
        row("async", _TASK, Shape.NUMBER),
        row("poll", _TASK, Shape.NUMBER),
        row("listen", (Place.HANDLER,), Shape.TEXTS),
        # plays
        row("hosts", (Place.PLAY,), Shape.TEXTS),
        row("gather_facts", (Place.PLAY,), Shape.BOOL),
        row("gather_subset", (Place.PLAY,), Shape.TAGS),
        row("gather_timeout", (Place.PLAY,), Shape.NUMBER),
        row("fact_path", (Place.PLAY,), Shape.TEXT),
        row("vars_files", (Place.PLAY,), Shape.LIST),
        row("vars_prompt", (Place.PLAY,), Shape.LIST),
        row("pre_tasks", (Place.PLAY,), Shape.TASKS),
        row("roles", (Place.PLAY,), Shape.ROLES),
        row("tasks", (Place.PLAY,), Shape.TASKS),
        row("post_tasks", (Place.PLAY,), Shape.TASKS),
        row("handlers", (Place.PLAY,), Shape.TASKS),
        row("serial", (Place.PLAY,), Shape.LIST),
        row("strategy", (Place.PLAY,), Shape.TEXT),
        row("order", (Place.PLAY,), Shape.TEXT),
        row("max_fail_percentage", (Place.PLAY,), Shape.NUMBER),
        row("force_handlers", (Place.PLAY,), Shape.BOOL),
        # ours: a play that makes machines
        row("machines", (Place.PLAY,), Shape.LIST),
        row("site", (Place.PLAY,), Shape.TEXT),
        # roles
        row("role", (Place.ROLE,), Shape.TEXT),
        # import_playbook
        row("import_playbook", (Place.IMPORT,), Shape.TEXT),
        row("ansible.builtin.import_playbook", (Place.IMPORT,), Shape.TEXT),
        row("ansible.legacy.import_playbook", (Place.IMPORT,), Shape.TEXT),
    )


KEYWORDS: Final[Mapping[str, Keyword]] = {keyword.name: keyword for keyword in _rows()}


def names_on(place: Place) -> tuple[str, ...]:
    """The keywords that may stand on `place`, in table order."""
    return tuple(keyword.name for keyword in KEYWORDS.values() if place in keyword.on)


META_ACTIONS: Final = (
    "flush_handlers", "noop", "end_play", "end_batch", "end_host", "end_role", "clear_facts", "clear_host_errors",
    "refresh_inventory", "reset_connection",
)
STRATEGIES: Final = ("linear", "lockstep", "free", "host_pinned")
ORDERS: Final = ("inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle")
