"""What can be told of loaded playbooks before they run: templates that cannot be read, tags that no task has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

from provisioner.diag import Diagnostic, near
from provisioner.lang.model import Block, Include, Node, Play, Playbook, Role, Task
from provisioner.template.templar import Templar
from provisioner.values import Condition, Template

#: Words that `--tags` gives a meaning of their own.
SPECIAL_TAGS: Final = frozenset({"all", "always", "never", "tagged", "untagged"})
_NAME: Final = r"[A-Za-z_]\w*(?:\.\w+)*"
#: Nothing is wrong with these, and most are like that: parsing them too would double the time that loading takes.
_SIMPLE_TEMPLATE: Final = re.compile(rf"(?:[^{{}}]|\{{\{{ *{_NAME} *\}}\}})*")
_SIMPLE_CONDITION: Final = re.compile(rf"(?:not )?{_NAME}(?: is (?:not )?(?:un)?defined)?")
_ELSEWHERE: Final = frozenset({"inherited", "role", "span", "tags", "file"})
"""Fields that hold no text of the task itself."""


def unreadable(playbooks: Iterable[Playbook], templar: Templar) -> tuple[Diagnostic, ...]:
    """A warning for each template and condition with a syntax error, or a filter or test that does not exist."""
    found: dict[Template | Condition, Diagnostic] = {}
    checked: set[Template | Condition] = set()
    for expression in _expressions([play for playbook in playbooks for play in playbook.plays]):
        if expression in checked or _is_simple(expression):
            continue
        checked.add(expression)
        error = templar.check(expression)
        if error is not None:
            hidden = isinstance(expression, Template) and expression.secret
            message = "the text is not shown: the file is encrypted" if hidden else error.message
            found[expression] = Diagnostic("Template cannot be read", message, error.span, error.hint, "warning")
    return tuple(found.values())


def unknown_tags(playbooks: Iterable[Playbook], wanted: Iterable[str]) -> tuple[Diagnostic, ...]:
    """A warning for each of the tags that nothing in the playbooks has; none if files are included while they run."""
    plays = [play for playbook in playbooks for play in playbook.plays]
    known: set[str] = set()
    for play in plays:
        known |= play.tags
        for node in _nodes(play):
            if isinstance(node, Include):
                return ()
            if isinstance(node, Task):
                known |= node.tags
    return tuple(Diagnostic("Unknown tag", f"no task has the tag `{tag}`", None, near(tag, known), "warning")
                 for tag in sorted(set(wanted) - known - SPECIAL_TAGS))


def _is_simple(expression: Template | Condition) -> bool:
    pattern = _SIMPLE_TEMPLATE if isinstance(expression, Template) else _SIMPLE_CONDITION
    return pattern.fullmatch(expression.source) is not None


def _nodes(play: Play) -> Iterator[Node]:
    waiting: list[Node] = [*play.pre_tasks, *play.roles, *play.tasks, *play.post_tasks]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, Block):
            waiting += (*node.body, *node.rescue, *node.always)


def _expressions(value: Any) -> Iterator[Template | Condition]:
    if isinstance(value, (Template, Condition)):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _expressions(key)
            yield from _expressions(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _expressions(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            if field.name not in _ELSEWHERE and not (isinstance(value, Role) and field.name == "parents"):
                yield from _expressions(getattr(value, field.name))
