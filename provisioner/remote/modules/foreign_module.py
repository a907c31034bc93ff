"""Runs a module of the user's own, written for Ansible, in a process of its own."""

from __future__ import annotations

import json
import os
import shlex
import sys
from typing import Any, Mapping, Optional, Sequence

from provisioner.remote.sdk import Completed, Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="foreign_module",
    summary="Run a module of the playbook's own `library/`",
    args={
        "_name": Arg(internal=True, doc="what the module is called"),
        "_style": Arg(internal=True, choices=("python", "json", "text"), doc="how it takes arguments"),
        "_content": Arg("content", internal=True, doc="the module, or the archive with it"),
        "_arguments": Arg("dict", default={}, internal=True, doc="what the task gives to it"),
        "_verbosity": Arg("int", default=0, internal=True, doc="how many -v"),
    },
    check="predict",
    notes="Made by tasks that name a module of `library/`.",
    examples="""
- name: A task with a module of library/ becomes this
  foreign_module:
  when: false
""",
    returns={"module_stdout": "what a module wrote that gave no result", "module_stderr": "likewise"},
)


def run(ctx: Ctx, a: Arguments) -> Result:
    if a._content is None:
        raise ctx.fail("this module is made by tasks that name a module of `library/`")
    folder = ctx.tempdir()
    path = os.path.join(folder, "module.zip" if a._style == "python" else os.path.basename(a._name))
    _put(path, ctx.content(a._content), 0o700)
    settings = {"name": a._name, "check": ctx.check, "diff": ctx.want_diff, "verbosity": a._verbosity}
    if a._style == "python":
        given = json.dumps({"args": a._arguments, "settings": settings}).encode()
        done = _start(ctx, [sys.executable, path], given)
    else:
        arguments = os.path.join(folder, "arguments")
        _put(arguments, _written(a._style, a._arguments, settings).encode(), 0o600)
        done = _start(ctx, [path, arguments], None)
    found = _result(done.stdout)
    if found is None:
        failed = "No such file" if done.rc == 127 else "MODULE FAILURE: it gave no result"
        last = done.stderr.strip().splitlines()[-1:]
        return Result(failed=True, rc=done.rc, module_stdout=done.stdout, module_stderr=done.stderr,
                      msg=": ".join([failed, *last]))
    if done.rc and not found.get("failed") and a._style != "python":
        found.update(failed=True, rc=found.get("rc", done.rc))
    return Result(**_fields(found, done))


def _start(ctx: Ctx, argv: "Sequence[str]", given: "Optional[bytes]") -> Completed:
    """In check mode the module itself knows that it may change nothing, so it is begun as a reader."""
    return ctx.query(argv, input=given) if ctx.check else ctx.run(argv, input=given)


def _put(path: str, data: bytes, mode: int) -> None:
    """Into the task's private directory, in check mode too."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as file:
        file.write(data)


def _written(style: str, arguments: "Mapping[str, Any]", settings: "Mapping[str, Any]") -> str:
    """The file of arguments that modules in other languages read: JSON, or `name=value` words."""
    told = {"_ansible_check_mode": settings["check"], "_ansible_diff": settings["diff"],
            "_ansible_module_name": settings["name"], "_ansible_verbosity": settings["verbosity"]}
    if style == "json":
        return json.dumps({**arguments, **told})
    return " ".join("%s=%s" % (name, shlex.quote(str(value))) for name, value in {**arguments, **told}.items())


def _result(text: str) -> "Optional[dict[str, Any]]":
    """The JSON that a module printed, last of all its lines or as all of its output."""
    for candidate in (*reversed([line for line in text.splitlines() if line.startswith("{")]), text):
        try:
            found = json.loads(candidate)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    return None


def _fields(found: "dict[str, Any]", done: Completed) -> "dict[str, Any]":
    fields = {name: value for name, value in found.items() if name not in ("changed", "failed", "skipped", "diff")}
    for name in ("stdout", "stderr"):
        if isinstance(fields.get(name), str) and name + "_lines" not in fields:
            fields[name + "_lines"] = fields[name].splitlines()
    if found.get("failed") and "msg" not in fields:
        fields["msg"] = done.stderr.strip() or "the module failed"
    return {**fields, "changed": bool(found.get("changed")), "failed": bool(found.get("failed")),
            "skipped": bool(found.get("skipped")), "diff": found.get("diff")}
