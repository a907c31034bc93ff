"""`assert`: fails unless all conditions hold."""  # noqa: N999 - files are called as their modules

from __future__ import annotations

from typing import Any

from provisioner.actions.base import Done, Expansion
from provisioner.diag import ConditionError
from provisioner.remote.spec import Arg, Spec
from provisioner.values import Condition, Unknown, Value

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


def expand(call: Expansion) -> Done:
    a = SPEC.bind(call.args)
    unknown = None
    for condition in _parts(a.that):
        held = _holds(call, condition)
        if isinstance(held, Unknown):
            unknown = unknown or held  # a later condition may be known not to hold
        elif not held:
            source = condition.source if isinstance(condition, Condition) else condition
            return Done(
                {
                    "changed": False,
                    "failed": True,
                    "evaluated_to": False,
                    "assertion": source,
                    "msg": "Assertion failed" if a.fail_msg is None else a.fail_msg,
                }
            )
    if unknown is not None:
        return Done({"changed": False, "unknown": unknown.reason})
    return Done({"changed": False, "msg": "All assertions passed" if a.success_msg is None else a.success_msg})


def _parts(that: Value) -> list[Any]:
    return list(that) if isinstance(that, (list, tuple)) else [that]


def _holds(call: Expansion, condition: Any) -> bool | Unknown:
    """Runs only what the task itself says: what a template gave may be a host's words.

    Conditions are made when a task is loaded. They are still texts where its module is named by a template.
    """
    if isinstance(condition, (bool, Unknown)):
        return condition
    if not isinstance(condition, Condition):
        if not isinstance(condition, str) or condition not in _parts(call.task.args.get("that")):
            raise ConditionError(
                f"`that` has a value of type {type(condition).__name__} out of a template, not a boolean; as an "
                "untrusted template or expression it is not evaluated",
                hint="write the condition itself, without braces",
                span=call.task.span,
            )
        condition = Condition(condition, call.task.span)
    return call.condition(condition)
