"""What a release is started with, in a slot or as the one service: the arguments, and what they come to on a host."""

from __future__ import annotations

from typing import Dict, List, Mapping, Tuple

from provisioner.remote.nextjs import credentials, envfile, overrides
from provisioner.remote.nextjs.layout import Layout
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg, Arguments

ARGS: "Mapping[str, Arg]" = {
    "name": Arg(required=True, doc="The app"),
    "release": Arg(required=True, doc="The release to run"),
    "build_id": Arg(doc="What must answer; known once there is a build"),
    "base_path": Arg(default="", doc="The app's `basePath`"),
    "env": Arg(type="dict", default={}, doc="Variables of the app"),
    "secrets": Arg(type="dict", default={}, secret=True, doc="Further ones that must not be shown"),
    "credentials": Arg(type="dict", default={}, secret=True, doc="Files that systemd hands to the service"),
    "health": Arg(type="dict", required=True, doc="address, port, path, status, host, timeout"),
    "hooks": Arg(type="dict", default={}, doc="For a way back: before_rollback, after_rollback, timeout, memory_max"),
    "how": Arg(default="release", choices=("release", "again", "restart", "undo"),
               doc="`again`: a release that ran before; `restart`: the one that runs, in new processes; `undo`: that "
               "one as it was started before"),
    "why": Arg(type="list", elements="str", default=[], doc="What has changed, for people"),
}  # fmt: skip


def env_text(ctx: Ctx, layout: Layout, a: Arguments) -> str:
    """The env file: what was set by hand wins."""
    return envfile.render(overrides.read(ctx, layout).over({**a.env, **a.secrets}))


def env_difference(ctx: Ctx, layout: Layout, a: Arguments, before: str) -> "Tuple[str, str]":
    """Between the text of an env file and the new one, without secret values."""
    return envfile.difference(before, env_text(ctx, layout, a), overrides.read(ctx, layout).shown(a.env))


def credential_difference(ctx: Ctx, a: Arguments, folder: str) -> "Tuple[str, str]":
    return credentials.difference(credentials.read(ctx, folder), a.credentials)


def as_diff(files: "List[Tuple[str, str, str, str]]") -> "List[Dict[str, str]]":
    """`files`: (old path, new path, old text, new text); only those that differ."""
    return [
        {"before_header": old, "after_header": new, "before": was, "after": becomes}
        for old, new, was, becomes in files
        if was != becomes
    ]
