"""nginx: an app's site, which workers serve, and reloading so that the new configuration counts when it is over."""

from __future__ import annotations

import time
from typing import List, Optional

from provisioner.remote.nextjs import service
from provisioner.remote.nextjs.layout import Layout
from provisioner.remote.nextjs.takeback import Takeback
from provisioner.remote.sdk import Ctx

PROGRAM = "nginx"
UNIT = "nginx.service"
GROUP = "root"
#: Debian's own page, which answers for every name.
FRONT = "/etc/nginx/sites-enabled/default"
HAND_OVER = 10.0  # seconds until the old workers no longer take connections
PAUSE = 0.02
_LEAVING = "shutting down"


def site(layout: Layout) -> str:
    return layout.site


def front(ctx: Ctx) -> "Optional[str]":
    """Where the start page's link leads; empty for a file."""
    found = ctx.stat(FRONT)
    if ctx.predicted("package", "nginx") is not None:  # check mode: it comes with the package
        return "/etc/nginx/sites-available/default" if ctx.stat("/etc/debian_version") is not None else None
    return None if found is None else found.target or ""


def wanted_front(ctx: Ctx, found: "Optional[str]", only: bool) -> "Optional[str]":
    return None if only else found


def put_front(ctx: Ctx, files: Takeback, text: "Optional[str]") -> None:
    found = front(ctx)
    if found is None or text is not None:
        return
    if not found:
        raise ctx.fail(
            "%s is in the way: without `domain` the app answers for every name; remove it or set `domain`" % FRONT
        )
    files.remove(FRONT)


def test(ctx: Ctx) -> "Optional[str]":
    done = ctx.run(["nginx", "-t"], timeout=60)
    return None if done.rc == 0 else done.stderr.strip()


def reload(ctx: Ctx) -> "Optional[str]":
    """Also waits: nginx reloads in its own time, and until the old workers let go of their sockets they serve as
    before. Waiting goes on without a controller, as everything that moves traffic does."""
    serving = _workers(ctx)
    done = ctx.run(["systemctl", "reload-or-restart", UNIT], timeout=60)
    if done.rc != 0:
        return "nginx was not reloaded: %s" % (done.stderr.strip() or "exit code %d" % done.rc)
    deadline = time.monotonic() + HAND_OVER
    while any(_is_serving(ctx, worker) for worker in serving):
        if time.monotonic() >= deadline:
            return "nginx was reloaded, but after %d s old workers still serve as before" % HAND_OVER
        time.sleep(PAUSE)
    return None


def _workers(ctx: Ctx) -> "List[str]":
    master = service.show(ctx, UNIT).get("MainPID") or "0"
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
