"""What each release was started with, kept on its host so that it can be started again without a build.

Units (and with them ports and Node.js), variables, the question that tells whether it is well. Secrets are in it, so a
record is root's alone, and it lies apart from the release, which the app's user may read.
"""

from __future__ import annotations

import time
from typing import Any, Dict, NamedTuple, Optional

from provisioner.remote.nextjs.layout import RELEASE_JOURNALS, Layout, ensure_directory, read_state, write_state
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arguments, Spec

_PENDING = ".next"
_NOT_KEPT = frozenset({"how", "recovery", "why"})
"""Arguments that belong to one start and not to the release."""


class Record(NamedTuple):
    """module: what started it, with `args`. replaced: the release that ran before it was deployed. started: seconds
    since the epoch."""

    module: str
    args: "Dict[str, Any]"
    replaced: "Optional[str]"
    started: int


def read(ctx: Ctx, layout: Layout, release: str) -> "Optional[Record]":
    data = read_state(ctx, _path(layout, release))
    if not data.get("module"):
        return None
    return Record(data["module"], data["args"], data.get("replaced"), int(data.get("started", 0)))


def keep(ctx: Ctx, layout: Layout, record: Record, *, pending: bool = False) -> None:
    """pending: of a release that is about to be started; it counts once `settle` was called, so that a release which
    is taken back leaves what was known of it."""
    for folder in (RELEASE_JOURNALS, layout.private, layout.records):
        ensure_directory(ctx, folder, "0700")
    path = _path(layout, str(record.args["release"]))
    write_state(ctx, path + _PENDING if pending else path, dict(record._asdict()))


def settle(ctx: Ctx, layout: Layout, release: "Optional[str]") -> None:
    """The release runs."""
    path = _path(layout, str(release))
    if ctx.stat(path + _PENDING) is not None:
        ctx.rename(path + _PENDING, path)


def drop(ctx: Ctx, layout: Layout, release: "Optional[str]") -> None:
    """The release was taken back."""
    ctx.remove(_path(layout, str(release)) + _PENDING)


def of_start(ctx: Ctx, layout: Layout, spec: Spec, a: Arguments, before: "Optional[str]") -> Record:
    """The record of a release that the module of `spec` starts. before: what runs until then. A release that is
    started again, or anew with other variables, keeps what it replaced when it was deployed: going back goes on from
    there."""
    if a.how != "release" or before == a.release:
        known = read(ctx, layout, a.release)
        before = known.replaced if known else None
    args = {name: getattr(a, name) for name in spec.args if name not in _NOT_KEPT}
    return Record(spec.name, args, before, int(time.time()))


def forget(ctx: Ctx, layout: Layout, release: str) -> None:
    ctx.remove(_path(layout, release))


def _path(layout: Layout, release: str) -> str:
    return "%s/%s.json" % (layout.records, release)
