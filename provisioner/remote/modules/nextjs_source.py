"""Brings the build directory to a given state of the sources; node_modules and the build cache stay."""

from __future__ import annotations

import json
import shutil
from typing import Any, Dict, List

from provisioner.remote.nextjs.cage import as_user
from provisioner.remote.nextjs.layout import Layout, read_build, write_state
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_source",
    summary="Put an app's sources where they are built",
    check="predict",
    identity=("name",),
    args={
        "name": Arg(required=True, doc="The app"),
        "user": Arg(doc="The app's user, whose the files become; without it they are whoever's we are"),
        "place": Arg(type="path", doc="Where the app is built, if not below /srv"),
        "digest": Arg(required=True, doc="Names the state of the sources"),
        "files": Arg(type="content", required=True, doc="JSON: path -> digest of every file"),
        "archive": Arg(type="content", doc="The files as tar.gz; not needed in check mode"),
    },
)

SHOWN = 30  # paths in a diff


def run(ctx: Ctx, a: Arguments) -> Result:
    layout = Layout(a.name, a.place)
    state = read_build(ctx, layout)
    if state.get("source") == a.digest:
        return Result(digest=a.digest)
    before: "Dict[str, str]" = state.get("files") or {}
    after: "Dict[str, str]" = json.loads(ctx.content(a.files))
    if not ctx.check:
        # From here on the tree is neither the old state nor the new one.
        write_state(ctx, layout.build_state, {**state, "source": None, "built": None})
        _replace(ctx, a, layout, sorted(set(before) - set(after)))
        write_state(ctx, layout.build_state, {**state, "source": a.digest, "built": None, "files": after})
    return Result(
        changed=True, digest=a.digest, files=len(after), diff=_difference(before, after) if ctx.want_diff else None
    )


def _replace(ctx: Ctx, a: Arguments, layout: Layout, gone: "List[str]") -> None:
    """All as the app's user: the tree is its own, and a link it put there must not lead root elsewhere."""
    act_as = as_user(a.user) if a.user else []
    if gone:
        names = b"".join(b"./" + name.encode("utf-8", "surrogateescape") + b"\0" for name in gone)
        ctx.run([*act_as, "xargs", "-0", "rm", "-rf", "--"], input=names, cwd=layout.tree, check=True, timeout=300)
    scratch = ctx.tempdir()
    file = scratch + "/source.tar.gz"
    with ctx.content_file(a.archive) as source, open(file, "wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
    ctx.chmod(file, "0644")
    ctx.chmod(scratch, "0711")
    ctx.run(
        [
            *act_as,
            "tar",
            "--extract",
            "--gzip",
            "--file",
            file,
            "--unlink-first",
            "--recursive-unlink",
            "--no-same-owner",
        ],
        cwd=layout.tree,
        check=True,
        timeout=600,
        umask=0o022,
    )


def _difference(before: "Dict[str, str]", after: "Dict[str, str]") -> "Dict[str, Any]":
    """The files that differ, each with the beginning of its digest."""
    differing = [path for path in sorted({**before, **after}) if before.get(path) != after.get(path)]

    def listing(files: "Dict[str, str]") -> str:
        lines = ["%s %s\n" % (files[path][:12], path) for path in differing[:SHOWN] if path in files]
        rest = sum(path in files for path in differing[SHOWN:])
        return "".join(lines) + ("and %d more\n" % rest if rest else "")

    return {"before": listing(before), "after": listing(after), "before_header": "sources", "after_header": "sources"}
