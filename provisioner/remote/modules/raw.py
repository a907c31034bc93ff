"""Runs a command line by a shell, as `shell` does, with nothing around it."""

from __future__ import annotations

from provisioner.remote import commands
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="raw",
    summary="Run a command line by the host's shell, as it is",
    args={
        "cmd": Arg(required=True, aliases=("_raw_params",), doc="the command line"),
        "executable": Arg("path", default="/bin/sh", doc="the shell, called with `-c`"),
    },
    check="skip",
    free_form="cmd",
    notes="It needs Python on the host like every other module: a host without Python can't be prepared by it; "
          "install Python by cloud-init or the image.",
    examples="""
- name: Ask the oldest way
  raw: cat /etc/os-release
""",
    returns={name: commands.RETURNS[name] for name in ("rc", "stdout", "stderr", "stdout_lines", "stderr_lines")},
)


def run(ctx: Ctx, a: Arguments) -> Result:
    done = ctx.run([ctx.expand(a.executable), "-c", a.cmd], live=True)
    return Result(
        changed=True, failed=done.rc != 0, rc=done.rc, stdout=done.stdout, stderr=done.stderr,
        stdout_lines=done.stdout.splitlines(), stderr_lines=done.stderr.splitlines(),
        msg="non-zero return code" if done.rc else "",
    )  # fmt: skip
