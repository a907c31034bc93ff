"""Links to what is live: its release, variables, credentials and Node.js. Jobs run with them, and people look."""

from __future__ import annotations

from typing import Dict, Optional

from provisioner.remote.nextjs.layout import RELEASE_FILE, Layout, read_state
from provisioner.remote.nextjs.slots import linked
from provisioner.remote.sdk import Ctx


def follow(ctx: Ctx, layout: Layout, slot: str, release: str) -> None:
    """`current` comes last: whoever finds it finds the others too."""
    if ctx.stat(layout.slot(slot).credentials) is None:
        ctx.remove(layout.current_credentials)
    for path, target in _links(ctx, layout, slot, release).items():
        ctx.symlink(target, path)


def followed(ctx: Ctx, layout: Layout, slot: str) -> "Optional[str]":
    """The release that is `current`; None when the other links are not those of that release in this slot."""
    release = linked(ctx, layout.current)
    if release is None:
        return None
    for path, target in _links(ctx, layout, slot, release).items():
        found = ctx.stat(path)
        if found is None or found.target != target:
            return None
    return release


def _links(ctx: Ctx, layout: Layout, slot: str, release: str) -> "Dict[str, str]":
    node = read_state(ctx, "%s/%s" % (layout.release(release), RELEASE_FILE)).get("node")
    place = layout.slot(slot)
    has_credentials = ctx.stat(place.credentials) is not None
    return {
        layout.current_env: place.env_file.rpartition("/")[2],
        **({layout.current_credentials: place.credentials.rpartition("/")[2]} if has_credentials else {}),
        **({layout.current_node: layout.node_home(str(node))} if node else {}),
        layout.current: "releases/%s" % release,
    }
