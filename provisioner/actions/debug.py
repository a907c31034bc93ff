"""`debug`: tells a text or the value of an expression."""

from __future__ import annotations

import re
from typing import Any, Final

from provisioner.actions.base import Done, Expansion
from provisioner.diag import TemplateError, UndefinedVariable
from provisioner.remote.spec import Arg, Spec
from provisioner.values import Template, contains_unknown

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


_REFERENCE: Final = re.compile(r"""[A-Za-z_]\w*(\.\w+|\[(\d+|'[^'"\\]*'|"[^'"\\]*")\])*""", re.ASCII)
"""A variable or a part of one: looked at, it calls nothing."""


def expand(call: Expansion) -> Done:
    a = SPEC.bind(call.args)
    if a.verbosity > call.verbosity:
        return Done({"changed": False, "skipped": True, "skipped_reason": "Verbosity threshold not met."})
    if a.var is None:
        return Done({"changed": False, "msg": "Hello world!" if a.msg is None else a.msg})
    if not isinstance(a.var, str):
        return Done({"changed": False, str(type(a.var)): a.var})
    value = _value(call, a.var)
    unknown = contains_unknown(value)
    if unknown is not None:
        return Done({"changed": False, "unknown": unknown.reason})
    return Done({"changed": False, a.var: value})


def _value(call: Expansion, expression: str) -> Any:
    if expression != call.task.args.get("var") and not _REFERENCE.fullmatch(expression):
        # A template gave it, perhaps with a host's words in it: run, they could do anything on the controller.
        raise TemplateError(f"`var` is {expression!r} out of a template; as an untrusted template or expression "
                            "it is not evaluated", hint="write the expression without braces, or use `msg`",
                            span=call.task.span)  # fmt: skip
    try:
        return call.render(Template("{{ " + expression + " }}", call.task.span))
    except UndefinedVariable:
        return "VARIABLE IS NOT DEFINED!"
