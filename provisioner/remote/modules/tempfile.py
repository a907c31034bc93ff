"""A temporary file or directory with a name nobody can guess."""

from __future__ import annotations

import os

from provisioner.remote.fileattrs import describe, path_of, shown
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="tempfile",
    summary="Make a temporary file or directory",
    check="skip",
    args={
        "state": Arg(default="file", choices=("file", "directory"), doc="What to make. Only its owner may use it."),
        "path": Arg("path", doc="Directory to make it in; default: `TMPDIR`, else `/tmp`."),
        "prefix": Arg(default="ansible.", doc="What its name begins with."),
        "suffix": Arg(default="", doc="What its name ends with."),
    },
    notes="It isn't removed by itself. Every run makes a new one.",
    examples="""
- name: A place to work in
  tempfile:
    state: directory
    suffix: build
  register: work
""",
    returns={
        "path": "Its path.",
        "mode": "Permissions.",
        "owner": "Its owner.",
        "group": "Its group.",
        "uid": "Number of the owner.",
        "gid": "Number of the group.",
        "state": "`file` or `directory`.",
        "size": "Bytes.",
    },
)


def run(ctx: Ctx, a: Arguments) -> Result:
    for name in ("prefix", "suffix"):
        text = getattr(a, name)
        if "/" in text or "\0" in text:
            raise ctx.fail("%s must be a valid file name component, without `/` and NUL: %r" % (name, text))
    directory = path_of(ctx, a.path or ctx.environment.get("TMPDIR") or os.environ.get("TMPDIR") or "/tmp")  # noqa: S108 - the name is random
    path = os.path.join(directory, "%s%s%s" % (a.prefix, os.urandom(6).hex(), a.suffix))
    if a.state == "directory":
        ctx.mkdir(path, mode="0700")
    else:
        ctx.write(path, b"", mode="0600", follow=False)
    return Result(changed=True, path=path, **shown(describe(ctx.stat(path))))
