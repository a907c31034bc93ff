"""A swap file, so that a build that needs more memory than there is becomes slow instead of being killed."""

from __future__ import annotations

from typing import Any, Dict

from provisioner.remote.nextjs import swap
from provisioner.remote.nextjs.layout import ensure_directory, unit_file
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_swap",
    summary="Have at least so much swap, with a swap file if need be",
    args={"size": Arg(type="size", required=True, doc="Bytes of swap the host has at least")},
)

State = Dict[str, Any]


def current(ctx: Ctx, a: Arguments) -> State:
    return swap.look(ctx)


def wanted(ctx: Ctx, a: Arguments, current: State) -> State:
    if swap.is_right(current, a.size):
        return current
    size = max(current["size"], swap.missing(current, a.size))
    return {**current, "size": size, "active": True, "boot": True}


def apply(ctx: Ctx, a: Arguments, current: State, wanted: State) -> None:
    if current["size"] != wanted["size"]:
        _make(ctx, current, wanted["size"])
    ctx.write(unit_file(swap.UNIT), swap.TEXT.encode(), mode="0644", owner="root", group="root")
    ctx.run(["systemctl", "daemon-reload"], check=True, timeout=60)
    ctx.run(["systemctl", "enable", "--quiet", swap.UNIT], check=True, timeout=60)
    if swap.look(ctx)["active"]:
        return
    started = ctx.run(["swapon", swap.FILE], timeout=120)  # its unit is for the next boot
    if started.rc != 0:
        _remove(ctx)
        raise ctx.fail("this host takes no swap file (%s), so there is none. A container has the swap of its machine; "
                       "on a machine of its own, look whether the file system of %s can hold one"
                       % (started.stderr.strip(), swap.FOLDER), rc=started.rc, cmd=started.argv)  # fmt: skip


def _make(ctx: Ctx, current: State, size: int) -> None:
    """Only root may read it from the first moment on: it will hold what was in memory."""
    if current["active"]:
        ctx.run(["swapoff", swap.FILE], check=True, timeout=600)
    ctx.remove(swap.FILE)
    ensure_directory(ctx, swap.FOLDER, "0755")
    ctx.write(swap.FILE, b"", mode="0600", owner="root", group="root")
    for argv in (["fallocate", "--length", str(size), swap.FILE], ["mkswap", "--quiet", swap.FILE]):
        done = ctx.run(argv, timeout=300)
        if done.rc != 0:
            _remove(ctx)
            raise ctx.fail("no swap file of %d MiB could be made in %s: %s"
                           % (size >> 20, swap.FOLDER, done.stderr.strip()), rc=done.rc, cmd=argv)  # fmt: skip


def _remove(ctx: Ctx) -> None:
    ctx.run(["systemctl", "disable", "--quiet", swap.UNIT], timeout=60)
    for path in (swap.FILE, unit_file(swap.UNIT)):
        ctx.remove(path)
    ctx.run(["systemctl", "daemon-reload"], timeout=60)


def diff(ctx: Ctx, a: Arguments, current: State, wanted: State) -> "Dict[str, str]":
    def line(state: State) -> str:
        words = "".join(", %s" % word for word, key in (("in use", "active"), ("at boot", "boot")) if state[key])
        return "%s %d MiB%s\n" % (swap.FILE, state["size"] >> 20, words) if state["size"] else ""

    return {"before": line(current), "after": line(wanted)}
