"""Makes a release directory, from the build on this host or from an archive of what it does not have yet.

Nothing has the release's name before every file is there as the manifest says.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional

from provisioner.remote.nextjs import assemble, assets, exporting, manifest
from provisioner.remote.nextjs.contents import ASSEMBLED, SERVER, STANDALONE, Build
from provisioner.remote.nextjs.exporting import STATIC
from provisioner.remote.nextjs.layout import (
    MANIFEST_FILE,
    RELEASE_FILE,
    Layout,
    ensure_directory,
    read_state,
    write_state,
)
from provisioner.remote.nextjs.manifest import Manifest
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_stage",
    summary="Make the directory of a release",
    check="predict",
    identity=("name",),
    args={
        "name": Arg(required=True, doc="The app"),
        "user": Arg(doc="The app's user; none where the app is only built"),
        "release": Arg(required=True, doc="The release's name"),
        "about": Arg(
            type="dict", required=True, doc="What RELEASE.json tells: fingerprint, build_id, app, mode, node, next …"
        ),
        "archive": Arg(
            type="content", doc="The release as tar.gz, from `nextjs_pack`; without it, it is made from the build"
        ),
        "tree": Arg(type="path", doc="Where the build is, if not in the build directory"),
        "shape": Arg(
            choices=(SERVER, STANDALONE, ASSEMBLED),
            doc="How the files of the build make a release; by default as its mode says",
        ),
        "place": Arg(type="path", doc="Where the app is built, if not below /srv"),
    },
    returns={
        "manifest": "SHA-256 of the release's manifest",
        "lacking": "The archive leaves out what this host does not have (any more) as it was: it needs a whole one",
    },
)


def run(ctx: Ctx, a: Arguments) -> Result:
    layout = Layout(a.name, a.place)
    home = layout.release(a.release)
    if read_state(ctx, "%s/%s" % (home, RELEASE_FILE)).get("fingerprint") == a.about["fingerprint"]:
        return Result(release=a.release, path=home)
    about = dict(a.about) if ctx.check else _stage(ctx, a, layout, home)
    if about is None:
        return Result(lacking=True, release=a.release)
    return Result(
        changed=True,
        release=a.release,
        path=home,
        manifest=about.get("manifest"),
        size=about.get("size"),
        added=about.get("added"),
        diff={"before": "", "after": home + "\n"} if ctx.want_diff else None,
        predictions=[("path", home, {"kind": "directory"})],
    )


def _stage(ctx: Ctx, a: Arguments, layout: Layout, home: str) -> "Optional[Dict[str, Any]]":
    """Gives what RELEASE.json tells; None when the archive needs what is not here."""
    for name in ctx.listdir(layout.releases):
        if name.startswith(".") and name.endswith(".partial"):  # of a run that was cut off
            ctx.remove(layout.release(name), recursive=True)
    partial = "%s/.%s.partial" % (layout.releases, a.release)
    ctx.mkdir(partial, mode="0750", owner="root" if a.user else None, group=a.user)
    try:
        about = _arrived(ctx, a, layout, partial) if a.archive else _made(ctx, a, layout, partial)
        if about is not None:
            _finish(ctx, a, layout, partial, about)
            ctx.remove(home, recursive=True)
            ctx.rename(partial, home)
    finally:
        ctx.remove(partial, recursive=True)
    if about is not None and a.user:
        assets.publish(ctx, layout)
    return about


def _made(ctx: Ctx, a: Arguments, layout: Layout, partial: str) -> "Dict[str, Any]":
    build = Build(a.tree or layout.tree, a.about.get("app") or "", a.shape or a.about.get("mode") or SERVER)
    built = assemble.from_build(ctx, layout, build, partial)
    return _describe(ctx, a, built.manifest, built.linked, partial)


def _arrived(ctx: Ctx, a: Arguments, layout: Layout, partial: str) -> "Optional[Dict[str, Any]]":
    patch = assemble.unpack(ctx, a.archive, partial)
    base: Manifest = {}
    linked: "List[str]" = []
    if patch["base"]:
        donor = next((one for one in assemble.releases(ctx, layout) if one.get("manifest") == patch["base"]), None)
        found = assemble.read_manifest(ctx, layout.release(donor["id"])) if donor else None
        if donor is None or found is None or manifest.digest(found) != patch["base"]:
            return None
        base = found
        linked = assemble.complete(ctx, layout.release(donor["id"]), manifest.patched(base, patch), partial)
    wanted = manifest.patched(base, patch)
    there = manifest.read_tree(partial)
    differences = manifest.compare(wanted, there)
    if patch["base"] and set(differences.broken).difference(patch["files"]):
        return None  # an earlier release was edited
    if any(differences) or manifest.digest(wanted) != a.about["manifest"]:
        raise ctx.fail(
            "the release that arrived is not the one that was sent: %s. Nothing of it is kept; deploy again"
            % (assemble.describe(differences) or "it has another manifest")
        )
    return _describe(ctx, a, wanted, linked, partial)


def _describe(ctx: Ctx, a: Arguments, wanted: Manifest, linked: "List[str]", partial: str) -> "Dict[str, Any]":
    """What RELEASE.json tells. added: bytes that this release takes beside the earlier ones."""
    encoded = manifest.encode(wanted)
    ctx.write("%s/%s" % (partial, MANIFEST_FILE), encoded, mode="0644")
    sizes = {path: entry[1] for path, entry in wanted.items() if entry[0] != "link"}
    total = sum(sizes.values())
    return {**a.about, "manifest": manifest.digest(wanted), "size": total,
            "added": total - sum(sizes.get(path, 0) for path in linked)}  # fmt: skip


def _finish(ctx: Ctx, a: Arguments, layout: Layout, partial: str, about: "Dict[str, Any]") -> None:
    """RELEASE.json comes last: whatever has it is whole."""
    if a.user:
        ctx.run(["chown", "--recursive", "--no-dereference", "root:%s" % a.user, partial], check=True, timeout=600)
        if a.about.get("mode") == STATIC:
            exporting.make_public(ctx, partial)
        else:
            _make_writable(ctx, a, layout, partial)
    elif os.geteuid() == 0:  # what was built by another user is not that user's to change any more
        ctx.run(["chown", "--recursive", "--no-dereference", "root:root", partial], check=True, timeout=600)
    write_state(ctx, "%s/%s" % (partial, RELEASE_FILE), about, mode="0644")


def _make_writable(ctx: Ctx, a: Arguments, layout: Layout, partial: str) -> None:
    """Regenerated pages go to .next/server and belong to their build; optimised images are shared by all releases of
    one version of Next.js."""
    output = partial + "/.next"  # a link, where the app is further down
    images = "%s/cache/%s" % (layout.shared, a.about.get("next") or "images")
    for path in (images, output + "/cache"):
        ensure_directory(ctx, path, "0750", a.user, a.user)
    ctx.remove(output + "/cache/images", recursive=True)
    ctx.symlink(images, output + "/cache/images")
    owned = [path for path in (output + "/server", output + "/cache") if os.path.isdir(path)]
    ctx.run(
        ["chown", "--recursive", "--no-dereference", "%s:%s" % (a.user, a.user), *owned], check=True, timeout=600
    )
