"""Runs a script of the controller on the host. The controller's half (`actions/script.py`) gives its content."""

from __future__ import annotations

import os
import shlex

from provisioner.remote import commands
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="script",
    summary="Run a script of the controller on the host",
    args={
        "cmd": Arg(required=True, aliases=("_raw_params",),
                   doc="the script's path (looked for in `files/` as well) and its arguments, quoted as for a shell"),
        "executable": Arg(doc="the program that runs it, with its options; else the script's first line decides"),
        "decrypt": Arg("bool", default=True, doc="decrypt a script that is kept in a vault"),
        **commands.GUARDS,
        "_script": Arg("content", internal=True),
    },
    check="predict",
    free_form="cmd",
    notes="No shell reads the arguments; `$NAME` and pipes have no meaning in them.",
    examples="""
- name: Prepare the disk
  script: prepare-disk.sh --label data
  args:
    creates: /dev/disk/by-label/data

- name: A Python script
  script:
    cmd: report.py
    executable: python3
""",
    returns=commands.RETURNS,
)


def run(ctx: Ctx, a: Arguments) -> Result:
    try:
        words = shlex.split(a.cmd)
        interpreter = shlex.split(a.executable or "")
    except ValueError as error:
        raise ctx.fail("the command can't be split into words: %s" % error, cmd=a.cmd, rc=256) from None
    needless = commands.needless(ctx, a, a.cmd)
    if needless is not None:
        needless.skipped = True  # unlike `command`, as Ansible's recap counts it
        return needless
    if ctx.check:
        return commands.not_run(a, a.cmd)
    if a._script is None:
        raise ctx.fail("the script's content is missing")
    # Its own name, as scripts look at $0; in a directory that only this user can enter.
    path = os.path.join(ctx.tempdir(), os.path.basename(words[0]) or "script")
    with ctx.content_file(a._script) as source:
        ctx.write_from(path, source, mode="0700")
    argv = [*interpreter, path, *words[1:]]
    result = commands.perform(ctx, argv, a, cmd=a.cmd)
    if result.data["rc"] == 126 and not interpreter:
        result.data["msg"] = "the script can't be started: does it begin with `#!` and a program that is on the host?"
    return result
