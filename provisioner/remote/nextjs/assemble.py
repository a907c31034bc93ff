"""Puts the tree of a release together: from the build, from earlier releases, from an archive of what differs.

What an earlier release has, too, becomes another name of the same file, so a release costs the room of what it
changes. Only what the app's user may write is copied: a running app must not change another release.
"""

from __future__ import annotations

import json
import os
import shutil
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from provisioner.remote.nextjs import contents, manifest
from provisioner.remote.nextjs.contents import Build, Part
from provisioner.remote.nextjs.layout import MANIFEST_FILE, RELEASE_FILE, Layout, read_state
from provisioner.remote.nextjs.manifest import Differences, Manifest
from provisioner.remote.sdk import Ctx

PATCH_FILE = "PATCH.json"
"""First in an archive: {base, gone, files}, which makes the release's manifest of that of the release `base`."""
DONORS = 3  # earlier releases that are looked at; the newest has nearly all there is to have
SHOWN = 5


class Built(NamedTuple):
    """A release made from a build."""

    manifest: Manifest
    linked: "List[str]"


def releases(ctx: Ctx, layout: Layout) -> "List[Dict[str, Any]]":
    """RELEASE.json of every release that is whole, with its name as `id`, the newest first."""
    found = []
    for name in ctx.listdir(layout.releases):
        data = read_state(ctx, "%s/%s" % (layout.release(name), RELEASE_FILE)) if not name.startswith(".") else {}
        if data.get("fingerprint"):
            found.append({**data, "id": name})
    return sorted(found, key=lambda release: (str(release.get("created", "")), release["id"]), reverse=True)


def read_manifest(ctx: Ctx, home: str) -> "Optional[Manifest]":
    """That of a release; None when it has none or none that can be read (then nothing is taken from it)."""
    data = ctx.read(home + "/" + MANIFEST_FILE)
    try:
        return manifest.decode(data) if data is not None else None
    except ValueError:
        return None


def from_build(ctx: Ctx, layout: Layout, build: Build, target: str) -> Built:
    """A copy, not links: a later build may write into its files in place."""
    wanted: Manifest = {}
    origins: "Dict[str, Part]" = {}
    parts = contents.parts(ctx, build)
    for part in parts:
        for path, entry in manifest.read_tree(os.path.join(build.tree, part.source)).items():
            name = os.path.join(part.target, path)
            if manifest.is_part(name):
                wanted[name], origins[name] = entry, part
    linked: "List[str]" = []
    for release in releases(ctx, layout)[:DONORS]:
        home = layout.release(release["id"])
        rest = {path: entry for path, entry in wanted.items() if path not in linked and not manifest.is_own(path)}
        linked += take_over(ctx, home, rest, read_manifest(ctx, home) or {}, target)
    edited = set(check(wanted, target, linked).broken)
    for path in edited:
        ctx.remove(os.path.join(target, path))
    linked = [path for path in linked if path not in edited]
    copied = set(wanted).difference(linked)
    for part in parts:
        names = [os.path.relpath(path, part.target or ".") for path in sorted(copied) if origins[path] == part]
        copy(ctx, os.path.join(build.tree, part.source), names, os.path.join(target, part.target))
    for path, leads_to in contents.links(ctx, build).items():
        wanted[path] = ["link", leads_to]
        _make_room(ctx, os.path.dirname(os.path.join(target, path)))
        ctx.symlink(leads_to, os.path.join(target, path))
    return Built(wanted, linked)


def unpack(ctx: Ctx, archive: "Mapping[str, Any]", target: str) -> "Dict[str, Any]":
    """Lay the archive's files out at `target`; gives its patch."""
    file = ctx.tempdir() + "/release.tar.gz"
    with ctx.content_file(archive) as source, open(file, "wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
    done = ctx.run(
        ["tar", "--extract", "--gzip", "--file", file, "--directory", target, "--no-same-owner",
         "--preserve-permissions"],
        timeout=1200, umask=0o022,
    )  # fmt: skip
    os.unlink(file)
    patch = ctx.read_text("%s/%s" % (target, PATCH_FILE))
    if done.rc != 0 or patch is None:
        raise ctx.fail("the archive of the release can't be unpacked: %s" % (done.stderr.strip() or "it is cut off"))
    ctx.remove("%s/%s" % (target, PATCH_FILE))
    found: "Dict[str, Any]" = json.loads(patch)
    return found


def complete(ctx: Ctx, home: str, wanted: Manifest, target: str) -> "List[str]":
    """Take what the archive left out from the earlier release at `home`; gives what is linked to it."""
    missing = {path: entry for path, entry in wanted.items() if not os.path.lexists(os.path.join(target, path))}
    base = read_manifest(ctx, home) or {}
    own = {path: entry for path, entry in missing.items() if manifest.is_own(path)}
    copy(ctx, home, [path for path, entry in sorted(own.items()) if _has(home, path, entry, base)], target)
    return take_over(ctx, home, {path: missing[path] for path in missing if path not in own}, base, target)


def take_over(ctx: Ctx, home: str, wanted: Manifest, base: Manifest, target: str) -> "List[str]":
    """Give the files that the release at `home` has, too, another name at `target`. Gives their paths."""
    names = [path for path, entry in sorted(wanted.items()) if _has(home, path, entry, base)]
    copy(ctx, home, names, target, link=True)
    return names


def copy(ctx: Ctx, source: str, names: "Sequence[str]", target: str, *, link: bool = False) -> None:
    """Files with their directories, modes and times."""
    if not names:
        return
    _make_room(ctx, target)
    how = ["--link"] if link else ["--reflink=auto"]
    ctx.run(
        ["xargs", "-0", "cp", "--archive", *how, "--parents", "--target-directory", target, "--"],
        input=b"".join(b"./" + os.fsencode(name) + b"\0" for name in names), cwd=source, check=True, timeout=1200,
        umask=0o022,
    )  # fmt: skip


def check(wanted: Manifest, target: str, paths: "Sequence[str]") -> Differences:
    """What of `paths` is not at `target` as the manifest says."""
    found = {path: manifest.entry_of(os.path.join(target, path)) for path in paths
             if os.path.lexists(os.path.join(target, path))}  # fmt: skip
    return manifest.compare({path: wanted[path] for path in paths}, found)


def describe(differences: Differences) -> str:
    """For people: how much differs, and the first of it."""
    kinds = (("missing", differences.missing), ("changed", differences.changed), ("added", differences.added))
    return "; ".join(
        "%d %s (%s)" % (len(paths), word, ", ".join(paths[:SHOWN]) + (", …" if len(paths) > SHOWN else ""))
        for word, paths in kinds
        if paths
    )


def _make_room(ctx: Ctx, path: str) -> None:
    if ctx.stat(path) is None:
        ctx.mkdir(path, mode="0755", parents=True)


def _has(home: str, path: str, entry: "List[Any]", base: Manifest) -> bool:
    return base.get(path) == entry and os.path.lexists(os.path.join(home, path))
