"""`_next/static` of all releases in one tree that the web server serves: a tab that was opened before a release still
asks for the files of its own.

Files are only added, as further names of the releases' own, and all hosts have them before one of them starts the
release. A record tells which release has which, and until when it was in use; by it old ones are removed again.
"""

from __future__ import annotations

import os
import time
from typing import Any, Dict, List, Mapping, Optional, Set

from provisioner.remote.nextjs import assemble, manifest, slots
from provisioner.remote.nextjs.layout import Layout, ensure_directory, read_state, write_state
from provisioner.remote.sdk import Ctx

SOURCE = ".next/static"
TARGET = "_next/static"

Records = Dict[str, Dict[str, Any]]
"""Release -> {"until": seconds since 1970 when it was last known to be in use, "files": paths}."""


def read_records(ctx: Ctx, layout: Layout) -> Records:
    found = read_state(ctx, layout.asset_records).get("releases")
    return found if isinstance(found, dict) else {}


def publish(ctx: Ctx, layout: Layout) -> None:
    """Add the files of every release that is there, and note that the one in use still is."""
    records, now = read_records(ctx, layout), time.time()
    for release in reversed(assemble.releases(ctx, layout)):
        if release["id"] not in records:
            names = _add(ctx, layout, release["id"])
            records[release["id"]] = {"until": now, "files": names}
    used = slots.linked(ctx, layout.current)
    if used in records:
        records[used]["until"] = now
    write_state(ctx, layout.asset_records, {"releases": records}, mode="0644")


def _add(ctx: Ctx, layout: Layout, release: str) -> "List[str]":
    """The names are hashes of the content, but for those below the build id: where another build had the same id,
    the newer one counts."""
    source, target = "%s/%s" % (layout.release(release), SOURCE), "%s/%s" % (layout.static, TARGET)
    names = sorted(manifest.walk(source)) if os.path.isdir(source) else []
    ensure_directory(ctx, target, "0755")
    assemble.copy(ctx, source, [name for name in names if not os.path.lexists("%s/%s" % (target, name))], target,
                  link=True)  # fmt: skip
    for name in names:
        ours, theirs = "%s/%s" % (source, name), "%s/%s" % (target, name)
        if not os.path.samefile(ours, theirs) and manifest.entry_of(ours) != manifest.entry_of(theirs):
            ctx.hardlink(ours, theirs)
    return names


def expired(records: "Mapping[str, Mapping[str, Any]]", present: "Set[str]", keep_releases: int, keep_hours: float,
            now: float) -> "List[str]":  # fmt: skip
    """Releases whose files may go: not there any more, not among the last ones, and long out of use. Pure."""
    order = sorted(records, key=lambda name: (float(records[name]["until"]), name), reverse=True)
    return sorted(
        name
        for name in order[keep_releases:]
        if name not in present and now - float(records[name]["until"]) > keep_hours * 3600
    )


def remove(ctx: Ctx, layout: Layout, gone: "List[str]") -> int:
    """Forget the releases and remove the files that only they have. Gives how many files."""
    records = read_records(ctx, layout)
    kept = {name: record for name, record in records.items() if name not in gone}
    used = {file for record in kept.values() for file in record["files"]}
    files = sorted({file for name in gone if name in records for file in records[name]["files"]} - used)
    root = "%s/%s" % (layout.static, TARGET)
    folders: "Set[str]" = set()
    for file in files:
        ctx.remove("%s/%s" % (root, file))
        folders.add(os.path.dirname(file))
    for folder in sorted(folders, reverse=True):
        _remove_empty(ctx, root, folder)
    write_state(ctx, layout.asset_records, {"releases": kept}, mode="0644")
    return len(files)


def _remove_empty(ctx: Ctx, root: str, folder: "Optional[str]") -> None:
    while folder and not ctx.listdir("%s/%s" % (root, folder)):
        ctx.remove("%s/%s" % (root, folder), recursive=True)
        folder = os.path.dirname(folder)
