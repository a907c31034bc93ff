"""`assert`: fails unless all conditions hold."""  # noqa: N999 - files are called as their modules

from __future__ import annotations

from provisioner.actions.base import Done, Expansion
from provisioner.remote.spec import Arg, Spec
from provisioner.values import Condition, Unknown

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
    conditions = a.that if isinstance(a.that, (list, tuple)) else [a.that]
    unknown = None
    for condition in conditions:
        held = call.condition(
            condition if isinstance(condition, Condition) else Condition(str(condition), call.task.span)
        )
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
