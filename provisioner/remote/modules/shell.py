"""Runs a command line by a shell. The only module that does so for what a user wrote, beside `raw`."""

from __future__ import annotations

from provisioner.remote import commands
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="shell",
    summary="Run a command line by a shell",
    args={
        "cmd": Arg(required=True, aliases=("_raw_params",), doc="the command line, as the shell shall read it"),
        "executable": Arg("path", default="/bin/sh", doc="the shell, called with `-c`"),
        **commands.GUARDS,
        **commands.INPUT,
        "warn": Arg("bool", doc="not used any more"),
    },
    check="predict",
    free_form="cmd",
    notes="A value that comes from elsewhere belongs in `{{ value | quote }}`; `command` needs no quoting at all.",
    examples="""
- name: Count what is there
  shell: ls -1 | wc -l
  args:
    chdir: /var/log
  register: files
  changed_when: false

- name: Use what only bash has
  shell:
    cmd: set -o pipefail; zcat dump.gz | psql shop
    executable: /bin/bash
    creates: /var/lib/shop/.loaded
""",
    returns=commands.RETURNS,
)


def run(ctx: Ctx, a: Arguments) -> Result:
    if not a.cmd.strip():
        raise ctx.fail("no command given", rc=256)
    needless = commands.needless(ctx, a, a.cmd)
    if needless is not None:
        return needless
    if ctx.check:
        return commands.not_run(a, a.cmd)
    argv = [ctx.expand(a.executable), "-c", a.cmd]
    return commands.perform(ctx, argv, a, cmd=a.cmd, input=commands.standard_input(a), strip=a.strip_empty_ends)
