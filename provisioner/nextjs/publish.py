"""Publishes an exported app to a bucket: `objects` decides, `bucket` has the hands.

In this order: a manifest that names what will come; assets, other files, data of pages, pages, the first page; the
manifest as complete; the pointer to it; then what is no longer wanted goes. Cut off anywhere, it leaves a bucket whose
pages find all they refer to, and the next publication goes on from there.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from provisioner.nextjs import objects
from provisioner.nextjs.bucket import AT_ONCE, Found, Store
from provisioner.nextjs.objects import File, Object, Published

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Publication:
    """What will be done. `release` as its manifest shall tell; upload: in order; remove: keys; forget: releases of
    which nothing is kept any more."""

    release: Published
    upload: Sequence[Object] = ()
    remove: Sequence[str] = ()
    forget: Sequence[Published] = ()


def planned(
    found: Found, wanted: Sequence[Object], release: Published, *, keep: int, delete_after: float
) -> Publication:
    """`release`: all but what follows from `wanted`. delete_after: hours."""
    before = release.published - delete_after * 3600
    remove, forget = objects.outdated(wanted, found.there, found.releases, release.release, keep=keep, before=before)
    signs = {each.key: each.sign for each in wanted}
    return Publication(dataclasses.replace(release, signs=signs),
                       objects.changed(wanted, found.there, found.releases), remove, forget)  # fmt: skip


def publish(store: Store, found: Found, todo: Publication, site: Path, progress: Progress) -> None:
    release, signs = todo.release, todo.release.signs
    tags = {key: found.there[key] for key in signs if key in found.there}
    store.write_manifest(dataclasses.replace(release, complete=False))
    done = 0
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="upload") as pool:
        for _, same in groupby(todo.upload, key=lambda each: each.rank):
            some = list(same)
            for each, tag in zip(some, pool.map(lambda each: store.put(each, site), some), strict=True):
                tags[each.key] = tag
                done += 1
                progress(f"uploaded {done} of {len(todo.upload)}")
    odd = {key: tag for key, tag in tags.items() if tag != signs[key].partition(" ")[0]}
    store.write_manifest(dataclasses.replace(release, tags=odd, complete=True))
    store.write_pointer(release.release)
    for published in found.releases:
        if published.release != release.release and published.superseded is None and published not in todo.forget:
            store.write_manifest(dataclasses.replace(published, superseded=release.published))
    store.remove(todo.remove)
    for published in todo.forget:
        store.forget(published)


def files_of(site: Path) -> dict[str, File]:
    """Path below the site -> what is there."""
    found = {}
    for folder, _, names in os.walk(site):
        for name in names:
            path = Path(folder) / name
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False))
            found[path.relative_to(site).as_posix()] = File(path.stat().st_size, digest.hexdigest())
    return found
