"""The host's half of `fetch`: a file's checksum, and its bytes when the controller doesn't have them."""

from __future__ import annotations

import os
import stat as bits

from provisioner.remote.fileattrs import content_is_foreseen, path_of
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="fetch",
    summary="Copy a file from the host to the controller",
    check="run",
    identity=("src", "dest"),
    args={
        "src": Arg("path", required=True, doc="The file on the host; a directory can't be fetched."),
        "dest": Arg(
            doc="Directory on the controller: the file becomes `dest/<host>/<path>`. With `flat` the file itself, "
            "or a directory when it ends in `/`."
        ),
        "flat": Arg("bool", default=False, doc="Don't add host and path to `dest`."),
        "fail_on_missing": Arg("bool", default=True, doc="A file that isn't there is a failure."),
        "validate_checksum": Arg(
            "bool", default=True, doc="Accepted for compatibility: the checksum is always verified."
        ),
        "_have": Arg(internal=True),
    },
    examples="""
- name: Keep the certificate request
  fetch:
    src: /etc/ssl/shop.csr
    dest: requests/
""",
    returns={
        "dest": "Path on the controller.",
        "remote_checksum": "SHA-1 on the host.",
        "checksum": "SHA-1 of what was stored.",
        "file": "Path on the host.",
    },
)


def run(ctx: Ctx, a: Arguments) -> Result:
    """Fields: exists, and sha256, sha1, size, sent; the bytes go up before the result when `_have` differs."""
    path = path_of(ctx, a.src, "src")
    content_is_foreseen(ctx, path)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return Result(exists=False, file=path)
    with os.fdopen(fd, "rb") as source:
        status = os.fstat(fd)
        if bits.S_ISDIR(status.st_mode):
            raise ctx.fail("remote file is a directory, fetch cannot work on directories: %s" % path, file=path)
        if not bits.S_ISREG(status.st_mode):
            raise ctx.fail("%s is not a regular file" % path, file=path)
        sha256 = ctx.sha256(path) or ""
        sent = not ctx.check and sha256 != a._have
        if sent:
            ctx.send(source)
    return Result(exists=True, file=path, sha256=sha256, sha1=ctx.digest(path, "sha1"), size=status.st_size, sent=sent)
