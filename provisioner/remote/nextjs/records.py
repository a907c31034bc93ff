"""What each release was started with, kept on its host so that it can be started again without a build.

Units (and with them ports and Node.js), variables, the question that tells whether it is well. Secrets are in it, so a
record is root's alone, and it lies apart from the release, which the app's user may read.
"""

from __future__ import annotations

import time
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple

from provisioner.remote.nextjs.layout import RELEASE_JOURNALS, Layout, ensure_directory, read_state, write_state
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arguments, Spec

_PENDING = ".next"
_KEPT = 5
"""Earlier starts of one release."""
_ESSENTIAL = frozenset({"env", "secrets", "credentials", "unit", "units"})
_NOT_KEPT = frozenset({"how", "recovery", "why"})
"""Arguments that belong to one start and not to the release."""


class Record(NamedTuple):
    """module: what started it, with `args`. replaced: the release that ran before it was deployed. started: seconds
    since the epoch. earlier: `args` of its own earlier starts, with other variables for example, the last one first."""

    module: str
    args: "Dict[str, Any]"
    replaced: "Optional[str]"
    started: int
    earlier: "Tuple[Dict[str, Any], ...]" = ()


def read(ctx: Ctx, layout: Layout, release: str) -> "Optional[Record]":
    data = read_state(ctx, _path(layout, release))
    if not data.get("module"):
        return None
    return Record(data["module"], data["args"], data.get("replaced"), int(data.get("started", 0)),
                  tuple(data.get("earlier", ())))  # fmt: skip


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
    args = {name: getattr(a, name) for name in spec.args if name not in _NOT_KEPT}
    now = int(time.time())
    known = read(ctx, layout, a.release) if a.how != "release" or before == a.release else None
    if known is None:
        return Record(spec.name, args, before if before != a.release else None, now)
    if a.how == "undo":
        return Record(spec.name, args, known.replaced, now, known.earlier[1:])
    other = a.how == "release" and known.module == spec.name and _essence(known.args) != _essence(args)
    earlier = (known.args, *known.earlier)[:_KEPT] if other else known.earlier
    return Record(spec.name, args, known.replaced, now, earlier)


def _essence(args: "Mapping[str, Any]") -> "Dict[str, Any]":
    """What of a start makes the app another one."""
    return {name: value for name, value in args.items() if name in _ESSENTIAL and value}


def forget(ctx: Ctx, layout: Layout, release: str) -> None:
    ctx.remove(_path(layout, release))


def _path(layout: Layout, release: str) -> str:
    return "%s/%s.json" % (layout.records, release)
