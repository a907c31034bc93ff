"""Runs a program, without a shell."""

from __future__ import annotations

import os
import shlex

from provisioner.remote import commands
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="command",
    summary="Run a program with arguments, without a shell",
    args={
        "cmd": Arg(aliases=("_raw_params",), doc="the program and its arguments, quoted as for a shell"),
        "argv": Arg("list", elements="str", doc="the same as a list, with nothing to quote"),
        **commands.GUARDS,
        **commands.INPUT,
        "expand_argument_vars": Arg("bool", default=True, doc="replace `$NAME` and a leading `~` in the arguments"),
        "executable": Arg("path", doc="not used: there is no shell; a warning tells, and old playbooks load"),
        "warn": Arg("bool", doc="not used any more"),
    },
    check="predict",
    free_form="cmd",
    required_one_of=(("cmd", "argv"),),
    mutually_exclusive=(("cmd", "argv"),),
    notes="Output appears while the program runs. In check mode nothing is run; with `creates` or `removes` it is "
          "known whether it would be.",
    examples="""
- name: Look at the kernel
  command: uname -r
  register: kernel
  changed_when: false

- name: Make the database once
  command:
    argv: [/opt/app/bin/setup, --dir, /var/lib/my app]
    creates: /var/lib/my app/db
""",
    returns=commands.RETURNS,
)


def run(ctx: Ctx, a: Arguments) -> Result:
    try:
        argv = [str(part) for part in a.argv] if a.argv is not None else shlex.split(a.cmd)
    except ValueError as error:
        raise ctx.fail("the command can't be split into words: %s" % error, cmd=a.cmd, rc=256) from None
    if not argv:
        raise ctx.fail("no command given", rc=256)
    if a.executable:
        ctx.warn("`executable` is no longer supported by `command`, which needs no shell: %s is not used"
                 % a.executable)
    if a.expand_argument_vars:
        argv = [_expanded(ctx, part) for part in argv]
    needless = commands.needless(ctx, a, argv)
    if needless is not None:
        return needless
    if ctx.check:
        return commands.not_run(a, argv)
    if "/" not in argv[0] and ctx.which(argv[0]) is None:
        raise ctx.fail("there is no program `%s` on this host" % argv[0], rc=2, cmd=argv, stdout="", stderr="")
    return commands.perform(ctx, argv, a, cmd=argv, input=commands.standard_input(a), strip=a.strip_empty_ends)


def _expanded(ctx: Ctx, part: str) -> str:
    """Variables and a leading `~`, in a word that need not be a path."""
    known = {**os.environ, **ctx.environment}
    return os.path.expanduser(_variables(part, known) if "$" in part else part)


def _variables(text: str, known: "dict[str, str]") -> str:
    import re  # noqa: PLC0415 - only for words with a `$`

    pattern = re.compile(r"\$(?:(\w+)|\{(\w+)\})", re.ASCII)
    return pattern.sub(lambda found: known.get(found[1] or found[2], found[0]), text)
