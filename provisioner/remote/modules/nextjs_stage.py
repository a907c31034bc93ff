"""Makes a release directory, from the build on this host or from the archive of another host's release."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import Any, Dict, List, Optional, Tuple

from provisioner.remote.nextjs import contents
from provisioner.remote.nextjs.contents import STANDALONE, Build
from provisioner.remote.nextjs.layout import RELEASE_FILE, Layout, ensure_directory, read_state, write_state
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_stage",
    summary="Make the directory of a release",
    check="predict",
    identity=("name",),
    args={
        "name": Arg(required=True, doc="The app"),
        "user": Arg(required=True, doc="The app's user"),
        "release": Arg(required=True, doc="The release's name"),
        "about": Arg(
            type="dict",
            required=True,
            doc="What RELEASE.json tells: fingerprint, build_id, app, mode, node, next, created, …",
        ),
        "archive": Arg(
            type="content", doc="The release as tar.gz, from `nextjs_pack`; without it, it is made from the build"
        ),
    },
)


def run(ctx: Ctx, a: Arguments) -> Result:
    layout = Layout(a.name)
    home = layout.release(a.release)
    if read_state(ctx, "%s/%s" % (home, RELEASE_FILE)).get("fingerprint") == a.about["fingerprint"]:
        return Result(release=a.release, path=home)
    about = dict(a.about) if ctx.check else _stage(ctx, a, layout, home)
    return Result(
        changed=True,
        release=a.release,
        path=home,
        modules=about.get("modules"),
        diff={"before": "", "after": home + "\n"} if ctx.want_diff else None,
        predictions=[("path", home, {"kind": "directory"})],
    )


def _stage(ctx: Ctx, a: Arguments, layout: Layout, home: str) -> "Dict[str, Any]":
    """RELEASE.json comes last and the name after it: whatever has both is whole. Gives what RELEASE.json tells."""
    partial = "%s/.%s.partial" % (layout.releases, a.release)
    about = dict(a.about)
    for name in ctx.listdir(layout.releases):
        if name.startswith(".") and name.endswith(".partial"):  # of a run that was cut off
            ctx.remove(layout.release(name), recursive=True)
    ctx.mkdir(partial, mode="0750", owner="root", group=a.user)
    build = Build(layout.tree, about.get("app") or "", about.get("mode") or "server")
    if a.archive:
        _unpack(ctx, a.archive, partial)
    elif build.mode == STANDALONE:
        contents.copy(ctx, build, partial, modules=True)
    else:
        about["modules"] = modules_digest(build.modules)
        # A copy, but for a node_modules that a release has already.
        contents.copy(ctx, build, partial, modules=_with_modules(ctx, layout, about["modules"]) is None)
    ctx.remove(partial + "/" + RELEASE_FILE)
    if build.mode != STANDALONE and ctx.stat(partial + "/node_modules") is None:
        _link_modules(ctx, layout, str(about.get("modules")), partial)
    ctx.remove(partial + "/node_modules/.cache", recursive=True)
    ctx.run(["chown", "--recursive", "--no-dereference", "root:%s" % a.user, partial], check=True, timeout=600)
    _make_writable(ctx, a, layout, partial)
    about["size"] = _size(partial)
    write_state(ctx, "%s/%s" % (partial, RELEASE_FILE), about, mode="0644")
    ctx.remove(home, recursive=True)
    ctx.rename(partial, home)
    return about


def _link_modules(ctx: Ctx, layout: Layout, digest: str, partial: str) -> None:
    twin = _with_modules(ctx, layout, digest)
    if twin is None:
        raise ctx.fail("the archive has no node_modules, and no release here has the same")
    ctx.run(["cp", "--archive", "--link", "--", twin, partial + "/node_modules"], check=True, timeout=600)


def _make_writable(ctx: Ctx, a: Arguments, layout: Layout, partial: str) -> None:
    """Regenerated pages go to .next/server and belong to their build; optimised images are shared by all releases of
    one version of Next.js."""
    output = partial + "/.next"  # a link, where the app is further down
    images = "%s/cache/%s" % (layout.shared, a.about.get("next") or "images")
    for path in (images, output + "/cache"):
        ensure_directory(ctx, path, "0750", a.user, a.user)
    ctx.remove(output + "/cache/images", recursive=True)
    ctx.symlink(images, output + "/cache/images")
    owner = "%s:%s" % (a.user, a.user)
    ctx.run(
        ["chown", "--recursive", "--no-dereference", owner, output + "/server", output + "/cache"],
        check=True,
        timeout=600,
    )


def _unpack(ctx: Ctx, archive: "Dict[str, Any]", partial: str) -> None:
    file = ctx.tempdir() + "/release.tar.gz"
    with ctx.content_file(archive) as source, open(file, "wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
    ctx.run(
        [
            "tar",
            "--extract",
            "--gzip",
            "--file",
            file,
            "--directory",
            partial,
            "--strip-components",
            "1",
            "--no-same-owner",
            "--preserve-permissions",
        ],
        check=True,
        timeout=1200,
    )


def _size(root: str) -> int:
    """Bytes of all files: what the next release may need."""
    total, pending = 0, [root]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_size
    return total


def _with_modules(ctx: Ctx, layout: Layout, digest: str) -> "Optional[str]":
    """node_modules of a release that has the same as `digest` names."""
    for name in ctx.listdir(layout.releases):
        home = layout.release(name)
        if not name.startswith(".") and read_state(ctx, "%s/%s" % (home, RELEASE_FILE)).get("modules") == digest:
            return home + "/node_modules"
    return None


def modules_digest(root: str) -> str:
    """Over path, kind, mode, size and time of all that is no directory, without the .cache that tools keep there."""
    found: "List[Tuple[str, int, int, int]]" = []
    pending = [""]
    while pending:
        below = pending.pop()
        with os.scandir(os.path.join(root, below)) as entries:
            for entry in entries:
                path = os.path.join(below, entry.name)
                if entry.is_dir(follow_symlinks=False):
                    if path != ".cache":
                        pending.append(path)
                else:
                    stat = entry.stat(follow_symlinks=False)
                    found.append((path, stat.st_mode, stat.st_size, stat.st_mtime_ns))
    return hashlib.sha256(repr(sorted(found)).encode("utf-8", "surrogateescape")).hexdigest()
