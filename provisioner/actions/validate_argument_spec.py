"""`validate_argument_spec`: checks variables against what a role says it takes (`meta/argument_specs.yml`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.actions.base import Done, Expansion
from provisioner.remote.argspec import validate
from provisioner.remote.spec import Arg, Spec
from provisioner.values import Secret, Unknown, Value

SPEC = Spec(
    name="validate_argument_spec",
    summary="Check variables against an argument specification",
    check="run",
    args={
        "argument_spec": Arg(type="dict", required=True, doc="Arguments by name, each with type, required, choices …"),
        "provided_arguments": Arg(type="dict", default={}, doc="Values that beat the variables of these names"),
        "validate_args_context": Arg(type="dict", internal=True, doc="Whose specification it is"),
    },
    notes="Done by itself for roles that have `meta/argument_specs.yml`.",
    examples="""
- name: Check what was given
  validate_argument_spec:
    argument_spec:
      port: {type: int, required: true}
    provided_arguments:
      port: 8080
""",
    returns={"argument_errors": "what is wrong, one text each", "argument_spec_data": "the specification"},
)


def expand(call: Expansion) -> Done:
    spec: Mapping[str, Mapping[str, Any]] = call.args["argument_spec"]
    provided: Mapping[str, Value] = call.args.get("provided_arguments") or {}
    given = {name: value for name in spec if (value := _value(call, name, provided)) is not _NOTHING}
    checked = {name: _opaque(option) if isinstance(given.get(name), (Secret, Unknown)) else option
               for name, option in spec.items()}
    errors = validate(checked, given).errors
    context = call.args.get("validate_args_context")
    about = {"validate_args_context": context} if context else {}
    if not errors:
        return Done({"changed": False, "msg": "The arg spec validation passed", **about})
    return Done({"changed": False, "failed": True, "msg": "Validation of arguments failed:\n" + "\n".join(errors),
                 "argument_errors": errors, "argument_spec_data": spec, **about})


_NOTHING = object()


def _value(call: Expansion, name: str, provided: Mapping[str, Value]) -> Any:
    if name in provided:
        return provided[name]
    try:
        return call.variable(name)
    except KeyError:
        return _NOTHING


def _opaque(option: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of a value that may not be shown, or is not known yet, only its being there is checked."""
    return {"required": option.get("required", False), "type": "raw"}
