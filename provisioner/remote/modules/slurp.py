"""A file's content brought into a variable."""

from __future__ import annotations

import base64
import os

from provisioner.remote.fileattrs import content_is_foreseen, look, path_of
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="slurp",
    summary="Read a file of the host into a variable",
    check="run",
    identity=("src",),
    args={
        "src": Arg(
            "path",
            required=True,
            aliases=("path",),
            doc="The file; it is held in memory on both sides, at most 64 MiB.",
        )
    },
    examples="""
- name: Read the key
  slurp:
    src: /etc/ssh/ssh_host_ed25519_key.pub
  register: key
- name: Show it
  debug:
    msg: "{{ key.content | b64decode }}"
""",
    returns={"content": "The content in base64.", "encoding": "Always `base64`.", "source": "The path."},
)


def run(ctx: Ctx, a: Arguments) -> Result:
    path = path_of(ctx, a.src, "src")
    try:
        there = look(ctx, path, follow=True)
        if there is None:
            raise _missing(ctx, path)
        if not os.access(path, os.R_OK) and not ctx.check:
            raise ctx.fail("File is not readable: %s" % path)
        if there.kind == "directory":
            raise ctx.fail("Source is a directory and must be a file: %s" % path)
        content_is_foreseen(ctx, path)
        data = ctx.read(path) or b""
    except PermissionError:
        raise ctx.fail("File is not readable: %s" % path) from None
    return Result(content=base64.b64encode(data).decode("ascii"), encoding="base64", source=path)


def _missing(ctx: Ctx, path: str) -> Exception:
    above = os.path.dirname(path)
    while not os.path.lexists(above):
        above = os.path.dirname(above)
    if not os.path.isdir(above):
        return ctx.fail("Unable to slurp file: %s is not a directory, so there is no %s" % (above, path))
    return ctx.unknown("%s does not exist yet" % path) if ctx.check else ctx.fail("File not found: %s" % path)
