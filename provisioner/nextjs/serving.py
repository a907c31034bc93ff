"""The last steps for an app that was exported as files: its site, its release for clients, its bucket."""

from __future__ import annotations

import hashlib
import tarfile
import time
from pathlib import Path
from typing import Any

from provisioner.nextjs import objects, plan, static
from provisioner.nextjs.bucket import BucketError, Found, Store
from provisioner.nextjs.front import Front
from provisioner.nextjs.hosts import Host, StepFailed
from provisioner.nextjs.objects import Published
from provisioner.nextjs.plan import Release
from provisioner.nextjs.publish import Publication, files_of, planned, publish
from provisioner.nextjs.settings.bucket import Bucket
from provisioner.remote.nextjs.exported import SITE


def routes(host: Host, release: Release) -> static.Routes:
    """What is not built yet, in check mode, will most likely be as the release before."""
    return static.routes(release if release.about else Release("", "", plan.newest(host.facts)))


def serve(host: Host, front: Front, release: Release) -> bool:
    """Clients of this host get the release. Gives whether they did not before."""
    if host.facts["has_server"]:
        _take_over(host, front, release)
        return True
    front.write({})
    why = static.reasons_to_serve(host.settings, host.facts, release)
    if not why:
        host.fine(plan.SERVE, release=release.name)
        return False
    host.app(plan.SERVE, "nextjs_serve", _order(host, release))
    return True


def _order(host: Host, release: Release) -> dict[str, Any]:
    return {
        "release": release.name, "build_id": release.build_id, "base_path": release.base_path,
        "question": static.question(host.settings),
        "why": list(static.reasons_to_serve(host.settings, host.facts, release)),
        "bucket": str(host.settings.bucket) if host.settings.bucket else None}  # fmt: skip


def _take_over(host: Host, front: Front, release: Release) -> None:
    """From a service, without a moment without an answer: first the link, where the service's site does not look, then
    the site; the service ends when clients get the files. Until then it is gone back to."""
    order = _order(host, release)
    host.app(plan.SERVE, "nextjs_serve", {**order, "move": "point"})
    try:
        front.write({})
        host.app(plan.SERVE, "nextjs_serve", {**order, "move": "prove"})
    except StepFailed:
        front.put_back()
        raise
    if host.facts["jobs"]["units"]:
        host.app(plan.JOBS, "nextjs_cron", {"units": {}})


# -- the bucket ------------------------------------------------------------------------------------------------


def fill_bucket(host: Host, release: Release, scratch: Path) -> None:
    """Publish what `host` has. Without a change that is two questions to the bucket and none to the host."""
    bucket = host.settings.bucket
    if bucket is None:
        return
    host.call.progress(plan.PUBLISH)
    began = time.monotonic()
    try:
        result = _filled(host, release, bucket, scratch)
    except BucketError as error:
        result = {"failed": True, "msg": f"{error.message}{f'; {error.hint}' if error.hint else ''}"}
    host.show(plan.PUBLISH, result, ms=(time.monotonic() - began) * 1000)
    if result.get("failed"):
        raise StepFailed(plan.PUBLISH, result)


def _filled(host: Host, release: Release, bucket: Bucket, scratch: Path) -> dict[str, Any]:
    store = Store(bucket)
    found = store.find()
    fingerprint = hashlib.sha256(f"{release.fingerprint} {bucket.acl} {bucket.extensionless}".encode()).hexdigest()
    current = found.current
    if current and current.fingerprint == fingerprint and objects.is_intact(current, found.there):
        return {"changed": False, "bucket": str(bucket)}
    if host.call.check and plan.find_release(release.fingerprint, host.facts) is None:
        return {"changed": True, "bucket": str(bucket), "msg": "what will be published is known after the build"}
    site = _fetched(host, release, scratch)
    wanted = objects.objects(files_of(site), prefix=bucket.prefix, types=dict(static.routes(release).types or {}),
                             extensionless=bucket.extensionless, acl=bucket.acl)  # fmt: skip
    new = Published(release.name, fingerprint, release.build_id, time.time(), {}, {})
    todo = planned(found, wanted, new, keep=host.settings.keep, delete_after=bucket.delete_after)
    if not host.call.check:
        publish(store, found, todo, site, host.call.progress)
    return {"changed": True, "bucket": str(bucket), "uploaded": len(todo.upload), "removed": len(todo.remove),
            **({"diff": _difference(found, todo, bucket)} if host.call.diff else {})}  # fmt: skip


def _fetched(host: Host, release: Release, scratch: Path) -> Path:
    """The release's files, here."""
    archive, target = scratch / "site.tar.gz", scratch / "site"
    host.call.progress("fetching the files")
    with archive.open("wb") as sink:
        result = host.call.call("nextjs_pack", {"name": host.settings.name, "release": release.name}, sink=sink)
    if result.get("failed"):
        raise StepFailed("fetching the files", result)
    with tarfile.open(archive) as packed:
        packed.extractall(target, filter="data")
    return target / SITE


def _difference(found: Found, todo: Publication, bucket: Bucket) -> dict[str, str]:
    def lines(signs: dict[str, str]) -> str:
        return "".join(f"{key} {sign}\n" for key, sign in sorted(signs.items()))

    keys = [*(each.key for each in todo.upload), *todo.remove]
    return {
        "before_header": str(bucket), "after_header": str(bucket),
        "before": lines({key: found.said(key) for key in keys if key in found.there}),
        "after": lines({each.key: each.sign for each in todo.upload}),
    }  # fmt: skip
