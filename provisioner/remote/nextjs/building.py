"""What is found where an app is built, on a host that runs it as on one that does not."""

from __future__ import annotations

import base64
import json
import os
import re
from typing import Any, Dict, Optional

from provisioner.remote.nextjs.layout import Layout, read_build
from provisioner.remote.sdk import Ctx

_ARCHITECTURES = {"x86_64": "x64", "aarch64": "arm64"}
_KEY_BYTES = 32


def read_json(ctx: Ctx, path: str) -> "Dict[str, Any]":
    """The object in a file that Next.js or a package wrote; empty where there is none."""
    try:
        data = json.loads(ctx.read_text(path) or "{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def look(ctx: Ctx, layout: Layout) -> "Dict[str, Any]":
    """What the build directory was made from, as far as it is still there."""
    state = read_build(ctx, layout)
    return {key: state.get(key) for key in ("source", "install", "sharp", "built", "build_id")}


def node(ctx: Ctx, layout: Layout) -> "Dict[str, Any]":
    """The versions of Node.js that are installed, and what programs for this machine are made for. libc: its version
    ("2.36") where that is glibc, else None."""
    machine = ctx.query(["uname", "-m"], timeout=10).stdout.strip()
    installed = [
        name
        for name in ctx.listdir(layout.nodes)
        if re.match(r"\d+\.\d+\.\d+$", name) and ctx.stat(layout.node_home(name) + "/bin/npm", follow=True)
    ]
    return {"installed": installed, "machine": machine, "arch": _ARCHITECTURES.get(machine), "libc": _glibc()}


def _glibc() -> "Optional[str]":
    try:
        found = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):  # another library
        return None
    name, _, version = found.partition(" ")
    return version if name == "glibc" else None


def action_key(ctx: Ctx, layout: Layout) -> str:
    """What Server Actions are encrypted with: made once, then the same in every build, so that a tab of an earlier
    release can still call them."""
    known = ctx.read_text(layout.action_key)
    if known and len(known.strip()) == len(base64.b64encode(bytes(_KEY_BYTES))):
        return known.strip()
    made = base64.b64encode(os.urandom(_KEY_BYTES)).decode("ascii")
    ctx.write(layout.action_key, (made + "\n").encode("ascii"), mode="0600")
    return made
