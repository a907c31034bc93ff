"""A whole directory put on the host by `copy`: a list of entries compared and made in one go.

An entry is {"path", "kind": "file" | "directory" | "link", "mode", "sha256", "size", "target"} with its path
relative to the destination. They come from the controller, or with `remote_src` from a walk on this host.
"""

from __future__ import annotations

import os
from typing import Any, Iterator, Mapping

from provisioner.remote.fileattrs import attribute_diff, describe, given, look, path_of, prediction, with_attributes
from provisioner.remote.placing import (
    SMALL,
    Source,
    file_diff,
    file_state,
    missing_directories,
    of_host,
    place,
    wanted_file,
)
from provisioner.remote.sdk import Ctx

BATCH = 64  # entries worked on between two looks at the network


def is_tree(ctx: Ctx, a: Any) -> bool:
    if a._entries is not None:
        return True
    if not a.remote_src or a._content is not None:
        return False
    there = ctx.stat(path_of(ctx, a.src, "src"), follow=True)
    return there is not None and there.kind == "directory"


def current(ctx: Ctx, a: Any) -> "dict[str, Any]":
    """{"dest", "missing": directories above, "entries": {relative path: state}}"""
    root = path_of(ctx, a.dest, "dest")
    states: "dict[str, Any]" = {}
    for relative, entry in _entries(ctx, a).items():
        path = os.path.join(root, relative)
        there = look(ctx, path)
        if entry["kind"] == "file":
            states[relative] = file_state(ctx, path, there, _source(entry))
        elif entry["kind"] == "link":
            states[relative] = {**describe(there), "target": there.target if there else None}
        else:
            if there is not None and there.kind == "link":
                there = look(ctx, path, follow=True)
            if there is not None and there.kind != "directory":
                raise ctx.fail("%s is a %s; it is not replaced by a directory" % (path, there.kind))
            states[relative] = describe(there)
    return {"dest": root, "missing": missing_directories(ctx, root), "entries": states}


def wanted(ctx: Ctx, a: Any, current: "Mapping[str, Any]") -> "dict[str, Any]":
    states = {}
    for relative, entry in _entries(ctx, a).items():
        now = current["entries"][relative]
        exists = now["state"] != "absent"
        if exists and (entry["kind"] == "directory" or not a.force):
            states[relative] = now
        elif entry["kind"] == "directory":
            states[relative] = with_attributes(ctx, a, {"state": "directory"}, mode=a.directory_mode or "0755")
        elif entry["kind"] == "link":
            base = now if now["state"] == "link" else {"state": "link"}
            states[relative] = {**base, "target": entry["target"]}
        else:
            mode = entry.get("mode") if a.mode == "preserve" else None
            states[relative] = wanted_file(ctx, a, now, _source(entry), mode)
    return {"dest": current["dest"], "missing": [], "entries": states}


def apply(ctx: Ctx, a: Any, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "dict[str, Any]":
    root, backups = current["dest"], []
    for directory in current["missing"]:
        ctx.mkdir(directory, **directory_attributes(ctx, a))
    for relative, entry in _differing(ctx, a, current, wanted):
        now, then = current["entries"][relative], wanted["entries"][relative]
        path = os.path.join(root, relative)
        if entry["kind"] == "directory":
            ctx.mkdir(path, **given(then))
        elif entry["kind"] == "link":
            ctx.symlink(entry["target"], path)
        else:
            done = place(ctx, a, path, now, then, _source(entry))
            backups += [done["backup_file"]] if done else []
    return {"backup_files": backups} if backups else {}


def diff(ctx: Ctx, a: Any, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "list[dict[str, Any]]":
    root = current["dest"]
    found = [
        {"before": {"path": path, "state": "absent"}, "after": {"path": path, "state": "directory"}}
        for path in current["missing"]
    ]
    for relative, entry in _differing(ctx, a, current, wanted):
        now, then = current["entries"][relative], wanted["entries"][relative]
        path = os.path.join(root, relative)
        if entry["kind"] == "file":
            found += file_diff(ctx, path, now, then, _source(entry))
        else:
            found.append(attribute_diff(path, now, then, ("state", "mode", "owner", "group", "target")) or {})
    return found


def predictions(ctx: Ctx, a: Any, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "list[Any]":
    directory = with_attributes(ctx, a, {"state": "directory"}, mode=a.directory_mode or "0755")
    made = [prediction(path, directory) for path in current["missing"]]
    for relative, then in wanted["entries"].items():
        if then != current["entries"][relative]:
            more = {key: then[key] for key in ("sha256", "target") if then.get(key)}
            made.append(prediction(os.path.join(current["dest"], relative), then, **more))
    return made


def _differing(
    ctx: Ctx, a: Any, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]"
) -> "Iterator[tuple[str, Mapping[str, Any]]]":
    """Entries with something to do. Contents are asked for by the batch: one round trip for dozens of files."""
    batch: "list[tuple[str, Mapping[str, Any]]]" = []
    asked: "list[Mapping[str, Any]]" = []
    for relative, entry in _entries(ctx, a).items():
        now, then = current["entries"][relative], wanted["entries"][relative]
        if now == then:
            continue
        batch.append((relative, entry))
        if entry["kind"] == "file" and "source" not in entry and now.get("sha256") != then.get("sha256"):
            asked.append(entry)
        if len(batch) == BATCH or sum(one["size"] for one in asked) > SMALL:
            ctx.ask_ahead(asked)
            yield from batch
            batch, asked = [], []
    ctx.ask_ahead(asked)
    yield from batch


def directory_attributes(ctx: Ctx, a: Any) -> "dict[str, Any]":
    """mode, owner and group of a directory that has to be made."""
    return given(with_attributes(ctx, a, {"state": "directory"}, mode=a.directory_mode or "0755"))


def _source(entry: "Mapping[str, Any]") -> Source:
    if "source" in entry:
        return Source(entry["sha256"], entry["size"], path=entry["source"], label=entry["source"])
    return Source(
        entry["sha256"],
        entry["size"],
        {"sha256": entry["sha256"], "size": entry["size"]},
        label=entry.get("label", ""),
        secret=entry.get("decrypted", False),
    )


def _entries(ctx: Ctx, a: Any) -> "dict[str, Mapping[str, Any]]":
    """Entries by relative path, every directory before what is in it."""
    if a._entries is None:
        a._entries = _walk(ctx, a)  # once a task: it reads every file
    entries = {}
    for entry in a._entries:
        relative = entry["path"]
        if os.path.isabs(relative) or ".." in relative.split("/") or "\0" in relative:
            raise ctx.fail("an entry of the directory has the name %r" % relative)
        entries[relative] = entry
    return dict(sorted(entries.items()))


def _walk(ctx: Ctx, a: Any) -> "list[dict[str, Any]]":
    """Entries for a directory of this host, named as `src` asks (with or without its own name)."""
    root = path_of(ctx, a.src, "src")
    found: "list[dict[str, Any]]" = []
    prefix = "" if a.src.endswith("/") else os.path.basename(root)
    _visit(ctx, a, root, prefix, found, (os.path.realpath(root),))
    return found


def _visit(
    ctx: Ctx, a: Any, directory: str, prefix: str, found: "list[dict[str, Any]]", above: "tuple[str, ...]"
) -> None:
    if prefix:
        found.append({"path": prefix, "kind": "directory"})
    for name in ctx.listdir(directory):
        path, relative = os.path.join(directory, name), os.path.join(prefix, name)
        there = ctx.stat(path)
        if there is not None and there.kind == "link" and a.local_follow and os.path.realpath(path) not in above:
            there = ctx.stat(path, follow=True) or there  # what leads nowhere can only be copied as a link
        if there is None:
            continue
        if there.kind == "link":
            found.append({"path": relative, "kind": "link", "target": there.target})
        elif there.kind == "directory":
            _visit(ctx, a, path, relative, found, (*above, os.path.realpath(path)))
        elif there.kind == "file":
            source = of_host(ctx, path, there)
            found.append(
                {
                    "path": relative,
                    "kind": "file",
                    "mode": there.mode,
                    "sha256": source.sha256,
                    "size": source.size,
                    "source": path,
                }
            )
