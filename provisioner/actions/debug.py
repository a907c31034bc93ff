"""`debug`: tells a text or the value of an expression."""

from __future__ import annotations

from provisioner.actions.base import Done, Expansion
from provisioner.diag import TemplateError
from provisioner.remote.spec import Arg, Spec
from provisioner.values import OMIT, Condition, Trusted, Value, contains_unknown

SPEC = Spec(
    name="debug",
    summary="Tell a text or a variable's value",
    check="run",
    args={
        "msg": Arg(type="raw", doc="What to tell; any value"),
        "var": Arg(type="raw", doc="A variable or an expression, without braces"),
        "verbosity": Arg(type="int", default=0, doc="Only tell when as many -v are given"),
    },
    mutually_exclusive=(("msg", "var"),),
    examples="""
- name: Where we are
  debug:
    msg: This is {{ inventory_hostname }}
- name: What came out
  debug:
    var: result.stdout_lines
    verbosity: 1
""",
    returns={"msg": "the text"},
)


def expand(call: Expansion) -> Done:
    a = SPEC.bind(call.args)
    if a.verbosity > call.verbosity:
        return Done({"changed": False, "skipped": True, "skipped_reason": "Verbosity threshold not met."})
    if a.var is None:
        return Done({"changed": False, "msg": "Hello world!" if a.msg is None else a.msg})
    if not isinstance(a.var, str):
        return Done({"changed": False, "failed": True, "msg": "`var` is not a string and conversion is not allowed"})
    value, warnings = _value(call, a.var)
    unknown = contains_unknown(value)
    if unknown is not None:
        return Done({"changed": False, "unknown": unknown.reason})
    return Done({"changed": False, a.var: value, **({"warnings": warnings} if warnings else {})})


def _value(call: Expansion, expression: str) -> tuple[Value, list[str]]:
    """The value with what is shown instead of parts that cannot be had, and why these cannot."""
    if not isinstance(expression, Trusted):
        # A template made it, perhaps out of a host's words: run, they could do anything on the controller.
        raise TemplateError(f"`var` is {expression!r}: an untrusted template or expression is not evaluated",
                            hint="write the expression without braces, or use `msg`", span=call.task.span)  # fmt: skip
    value, warnings = call.show(Condition(expression, call.task.span))
    if value is OMIT:
        return "<<Omit>>", [f"`{expression}` could not be omitted here: it is all there is to show"]
    return value, warnings
