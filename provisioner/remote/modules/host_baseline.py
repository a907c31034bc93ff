"""What applies have recorded about this host, kept on it for other controllers. It understands none of it."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Tuple

from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

LARGEST = 16 << 20

SPEC = Spec(
    name="host_baseline",
    summary="Keep signed records of what was applied, or read them",
    check="predict",
    args={
        "name": Arg(required=True, doc="The key's own file: hexadecimal digits"),
        "lines": Arg(type="dict", doc="Lines to put among those that are there, by resource; none: only read"),
    },
    notes="The controller calls it after an apply, and in a drift check.",
    examples="""
- name: Read what is kept of one key
  host_baseline:
    name: "0f3a5b7c9d1e2f40"
""",
    returns={
        "lines": "What is kept, by resource",
        "damaged": "whether there is a file that makes no sense",
        "others": "how many files of other keys there are",
    },
)


def run(ctx: Ctx, a: Arguments) -> Result:
    if not a.name or a.name.strip("0123456789abcdef"):
        raise ctx.fail("%r can't name a record: hexadecimal digits" % a.name)
    folder = os.path.join(ctx.state_dir, "baselines")
    path = os.path.join(folder, a.name)
    text = ctx.read(path, LARGEST)
    lines, damaged = _parsed(text)
    if a.lines is None:
        others = [name for name in ctx.listdir(folder) if name != a.name]
        return Result(lines=lines, damaged=damaged, others=len(others))
    merged = {**lines, **{name: line for name, line in a.lines.items() if not _newer(lines.get(name), line)}}
    changed = merged != lines or damaged
    if changed and not ctx.check:
        if ctx.stat(ctx.state_dir) is None:
            ctx.mkdir(ctx.state_dir, parents=True)
        if ctx.stat(folder) is None:
            ctx.mkdir(folder, mode="0700")
        ctx.write(path, json.dumps(merged, separators=(",", ":"), sort_keys=True).encode(), mode="0600", follow=False)
    return Result(changed=changed)


def _parsed(text: "bytes | None") -> "Tuple[Dict[str, Any], bool]":
    """The lines, and whether there is something else instead of them."""
    try:
        lines = json.loads(text or b"{}")
    except ValueError:
        return {}, True
    return (lines, False) if isinstance(lines, dict) else ({}, True)


def _newer(there: Any, line: "Any") -> bool:
    """Whether another controller has applied later. What has no time can't say so."""
    try:
        return bool(there[1] > line[1])
    except (TypeError, IndexError, KeyError):
        return False
