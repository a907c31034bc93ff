"""`include_vars`: variables of the host from files of the controller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.actions.base import Done, Expansion
from provisioner.actions.local import refused, with_names
from provisioner.remote.spec import Arg, Spec
from provisioner.template.effects import Effect, EffectFailed
from provisioner.values import Template, Value

SPEC = Spec(
    name="include_vars",
    summary="Read variables from files of the controller",
    check="run",
    free_form="file",
    args={
        "file": Arg(doc="A YAML or JSON file, looked for in `vars/` of role and playbook too"),
        "dir": Arg(doc="A directory whose files are all read, in the order of their names"),
        "name": Arg(doc="Put everything under one variable of this name"),
        "depth": Arg(type="int", default=0, doc="How deep to go below `dir`; 0 is all the way"),
        "files_matching": Arg(doc="A regular expression for the names of the files in `dir`"),
        "ignore_files": Arg(
            type="list", elements="str", default=[], doc="Regular expressions of names in `dir` to leave out"
        ),
        "extensions": Arg(
            type="list", elements="str", default=["yaml", "yml", "json"], doc="Endings that files in `dir` may have"
        ),
        "ignore_unknown_extensions": Arg(
            type="bool", default=False, doc="Leave out other files in `dir` instead of failing"
        ),
        "hash_behaviour": Arg(
            choices=("replace", "merge"), doc="`merge` joins mappings that several files of `dir` set"
        ),
    },
    required_one_of=(("file", "dir"),),
    mutually_exclusive=(("file", "dir"),),
    examples="""
- name: What is special about this system
  include_vars: "{{ ansible_facts.os_family }}.yml"
- name: All of a directory, under one name
  include_vars:
    dir: settings
    name: settings
""",
    returns={"ansible_facts": "the variables read", "ansible_included_var_files": "the files, in order",
             "message": "why it failed"},
)


def expand(call: Expansion) -> Done:
    a = SPEC.bind(with_names(SPEC, call.args, "file", "dir", "name"))
    options = {
        "dir": a.dir,
        "depth": a.depth,
        "files_matching": a.files_matching,
        "ignore_files": a.ignore_files,
        "extensions": a.extensions,
        "ignore_unknown_extensions": a.ignore_unknown_extensions,
        "merge": a.hash_behaviour == "merge",
        "search": list(call.search),
    }
    if a.name is not None and not a.name.isidentifier():
        return refused(f"The variable name '{a.name}' is not valid")
    try:
        found: Mapping[str, Any] = call.ask(Effect("load_vars", (a.file,), tuple(sorted(options.items()))))
    except EffectFailed as error:
        return refused(error.message, message=error.message, ansible_facts={}, ansible_included_var_files=[])
    variables: Mapping[str, Value] = {a.name: found["variables"]} if a.name else found["variables"]
    result = {"changed": False, "ansible_facts": _as_written(variables), "ansible_included_var_files": found["files"]}
    return Done(result, included=variables)


def _as_written(value: Value) -> Value:
    """Data for the result: templates as the text they were written as."""
    if isinstance(value, Template):
        return value.source
    if isinstance(value, Mapping):
        return {key: _as_written(item) for key, item in value.items()}
    return [_as_written(item) for item in value] if isinstance(value, (list, tuple)) else value
