"""nginx: which workers serve, reloading without a lost request, and naming an app's live slot."""

from __future__ import annotations

import time
from typing import List, Optional

from provisioner.remote.nextjs import service
from provisioner.remote.nextjs.layout import Layout, upstream_text
from provisioner.remote.sdk import Ctx

HAND_OVER = 10.0  # seconds until the old workers no longer take connections
PAUSE = 0.02
_LEAVING = "shutting down"


def point(ctx: Ctx, layout: Layout, upstream: str, backup: "Optional[str]" = None) -> "Optional[str]":
    """Send all new requests to `upstream` (address:port), and what it lets fall to `backup`.

    What went wrong, or None. When nginx refuses, the file is as before and nothing was reloaded."""
    before = ctx.read(layout.upstream)
    wanted = upstream_text(upstream, backup).encode()
    if before != wanted:
        ctx.write(layout.upstream, wanted, mode="0644", owner="root", group="root")
    tested = ctx.run(["nginx", "-t"], timeout=60)
    if tested.rc != 0:
        if before is not None:
            ctx.write(layout.upstream, before)
        return "nginx refuses its configuration:\n%s" % tested.stderr.strip()
    return reload(ctx)


def reload(ctx: Ctx) -> "Optional[str]":
    """Also waits: nginx reloads in its own time, and until the old workers let go of their sockets they serve as
    before. Waiting goes on without a controller, as everything that moves traffic does."""
    serving = _workers(ctx)
    done = ctx.run(["systemctl", "reload-or-restart", "nginx.service"], timeout=60)
    if done.rc != 0:
        return "nginx was not reloaded: %s" % (done.stderr.strip() or "exit code %d" % done.rc)
    deadline = time.monotonic() + HAND_OVER
    while any(_is_serving(ctx, worker) for worker in serving):
        if time.monotonic() >= deadline:
            return "nginx was reloaded, but after %d s old workers still serve as before" % HAND_OVER
        time.sleep(PAUSE)
    return None


def is_draining(ctx: Ctx) -> bool:
    """Whether workers of before a reload still have requests to finish."""
    return any(_LEAVING in _title(ctx, worker) for worker in _workers(ctx))


def _workers(ctx: Ctx) -> "List[str]":
    master = service.show(ctx, "nginx.service").get("MainPID") or "0"
    children = ctx.read_text("/proc/%s/task/%s/children" % (master, master))
    return (children or "").split()


def _is_serving(ctx: Ctx, worker: str) -> bool:
    title = _title(ctx, worker)
    return "worker process" in title and _LEAVING not in title


def _title(ctx: Ctx, process: str) -> str:
    """What nginx calls the process; empty when it is gone."""
    try:
        return ctx.read_text("/proc/%s/cmdline" % process) or ""
    except ProcessLookupError:  # it went between opening and reading
        return ""
