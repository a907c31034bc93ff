"""`assert`: fails unless all conditions hold."""  # noqa: N999 - files are called as their modules

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from provisioner.actions.base import Done, Expansion
from provisioner.diag import ConditionError
from provisioner.remote.spec import Arg, Spec
from provisioner.values import Condition, Secret, Trusted, Unknown, Value

SPEC = Spec(
    name="assert",
    summary="Fail unless conditions hold",
    check="run",
    args={
        "that": Arg(type="raw", required=True, doc="A condition or a list of them, as in `when`"),
        "fail_msg": Arg(type="raw", aliases=("msg",), doc="What to tell when one does not hold"),
        "success_msg": Arg(type="raw", doc="What to tell when all hold"),
        "quiet": Arg(type="bool", default=False, doc="Don't tell that all hold"),
    },
    examples="""
- name: The port is a port
  assert:
    that:
      - port is number
      - port < 65536
    fail_msg: "`port` is {{ port }}"
""",
    returns={"assertion": "the condition that does not hold", "evaluated_to": "what it gave", "msg": "the text told"},
)


BRACED: Final = "A condition should not be surrounded by templating delimiters such as {{ }}."


def expand(call: Expansion) -> Done:
    a = SPEC.bind(call.args)
    braced = [condition for condition in _listed(a.that) if isinstance(condition, Condition) and condition.braced]
    told = {"changed": False, **({"deprecations": [{"msg": BRACED}] * len(braced)} if braced else {})}
    unknown = None
    for condition in _conditions(call, a.that):
        held = call.condition(condition) if isinstance(condition, Condition) else condition
        if isinstance(held, Unknown):
            unknown = unknown or held  # a later condition may be known not to hold
        elif not held:
            source = condition.source if isinstance(condition, Condition) else condition
            message = "Assertion failed" if a.fail_msg is None else a.fail_msg
            return Done({**told, "failed": True, "evaluated_to": False, "assertion": source, "msg": message})
    if unknown is not None:
        return Done({**told, "unknown": unknown.reason})
    return Done({**told, "msg": "All assertions passed" if a.success_msg is None else a.success_msg})


def _listed(that: Value) -> list[Any]:
    return list(that) if isinstance(that, (list, tuple)) else [that]


def _conditions(call: Expansion, that: Value) -> Iterator[Condition | bool | Unknown]:
    """What is to hold. A template may give conditions, too, as long as they are texts of the user's own files."""
    for part in _listed(that):
        if isinstance(part, Condition) and part.braced:
            yield from _conditions(call, call.render(part.template))
        elif isinstance(part, (list, tuple)):
            yield from _conditions(call, part)
        elif isinstance(part, (Condition, bool, Unknown)):
            yield part
        elif isinstance(part, Trusted):
            yield Condition(part, call.task.span)
        elif part is None:
            yield Condition("", call.task.span)
        elif isinstance(part, (str, Secret)):
            yield Condition(str(part), call.task.span, unsafe=True)
        else:
            raise ConditionError(f"Conditionals must have a boolean result, not {part!r}",
                                 hint="compare it, or use `| bool` or `is truthy`", span=call.task.span)  # fmt: skip
