"""A file system on an empty device. What holds anything already is never formatted."""

from __future__ import annotations

import os
from typing import Any, Mapping, Optional

from provisioner.remote import fstab
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg, Arguments, Spec

_PACKAGES = {"ext2": "e2fsprogs", "ext3": "e2fsprogs", "ext4": "e2fsprogs", "xfs": "xfsprogs", "btrfs": "btrfs-progs",
             "vfat": "dosfstools", "swap": "util-linux"}
_GROWS = ("ext2", "ext3", "ext4")

SPEC = Spec(
    name="filesystem",
    summary="Make a file system on an empty device",
    identity=("dev",),
    args={
        "dev": Arg(type="path", required=True, aliases=("device",), doc="The device, or a file with the image of one"),
        "fstype": Arg(required=True, choices=tuple(_PACKAGES), aliases=("type",), doc="What shall be on it"),
        "opts": Arg(default="", doc="Further arguments for mkfs"),
        "resizefs": Arg(type="bool", default=False, doc="Let it fill its device, also while mounted: ext2, ext3, ext4"),
        "state": Arg(default="present", choices=("present",), doc="Accepted for compatibility"),
        "force": Arg(type="bool", default=False, doc="Accepted for compatibility: refused where true"),
    },
    notes="A device with another file system, a partition table or a member of something larger is refused.",
    examples="""
- name: The second disk can hold files
  filesystem:
    dev: /dev/disk/by-id/scsi-0DO_Volume_shop--web-1-data
    fstype: ext4
    resizefs: true
""",
)


def current(ctx: Ctx, a: Arguments) -> "dict[str, Any]":
    if a.force:
        raise ctx.fail("`force` is refused: nothing is formatted over. `wipefs --all %s` empties it" % a.dev)
    if a.resizefs and a.fstype not in _GROWS:
        raise ctx.fail("`resizefs` grows %s, not %s" % (", ".join(_GROWS), a.fstype))
    status = ctx.stat(a.dev, follow=True)
    if status is None:
        if ctx.check:
            raise ctx.unknown("%s is not there yet" % a.dev)
        raise ctx.fail("there is no device %s; one that was just attached takes a moment: `wait_for: {path: %s}` waits"
                       % (a.dev, a.dev))
    if status.kind not in ("block", "file"):
        raise ctx.fail("%s is a %s, not a block device" % (a.dev, status.kind))
    fstype = _type(ctx, a.dev)
    state: "dict[str, Any]" = {"fstype": fstype}
    if a.resizefs and fstype == a.fstype:
        state["size"] = _extent(ctx, a.dev)["size"]
    return state


def wanted(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]") -> "dict[str, Any]":
    if current["fstype"] not in (None, a.fstype):
        raise ctx.fail("%s holds %s already, and is not formatted over. To lose what it holds, run "
                       "`wipefs --all %s` on the host" % (a.dev, current["fstype"], a.dev))
    goal = {**current, "fstype": a.fstype}
    if "size" in current:
        extent = _extent(ctx, a.dev)
        # The tools leave room at the end that is too small for a group of blocks.
        goal["size"] = extent["size"] if extent["device"] - extent["size"] < extent["group"] else extent["device"]
    return goal


def apply(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> None:
    if current["fstype"] is None:
        import shlex  # noqa: PLC0415 - most runs format nothing

        program = "mkswap" if a.fstype == "swap" else "mkfs.%s" % a.fstype
        _run(ctx, a, [program, *shlex.split(a.opts), a.dev])
    else:
        if not _is_mounted(ctx, a.dev):
            done = ctx.run(["e2fsck", "-f", "-p", a.dev])  # asked for by resize2fs
            if done.rc > 1:
                raise ctx.fail("%s has to be repaired first: %s" % (a.dev, done.stdout.strip()), rc=done.rc)
        _run(ctx, a, ["resize2fs", a.dev])


def _type(ctx: Ctx, device: str) -> Optional[str]:
    """What the device holds, in words; None if nothing is known of it."""
    # blkid can't be told from one that finds nothing when it can't read.
    fd = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.read(fd, 4096)
    finally:
        os.close(fd)
    done = ctx.query(["blkid", "-p", "-o", "export", device])
    if done.rc not in (0, 2):
        raise ctx.fail("it can't be told what %s holds: %s" % (device, done.stderr.strip() or "blkid says two things"),
                       rc=done.rc)
    told = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    if told.get("TYPE"):
        return told["TYPE"]
    if told.get("PTTYPE"):
        return "a partition table (%s)" % told["PTTYPE"]
    return "something unknown" if done.rc == 0 else None


def _extent(ctx: Ctx, device: str) -> "dict[str, int]":
    """Bytes: the file system's, the device's, and the smallest by which the first can grow."""
    done = ctx.query(["dumpe2fs", "-h", device], check=True)
    lines = (line.partition(":") for line in done.stdout.splitlines())
    told = {name.strip(): value.strip() for name, _, value in lines}
    block = int(told["Block size"])
    fd = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    try:
        end = os.lseek(fd, 0, os.SEEK_END)
    finally:
        os.close(fd)
    return {"size": int(told["Block count"]) * block, "device": end // block * block,
            "group": int(told["Blocks per group"]) * block}


def _is_mounted(ctx: Ctx, device: str) -> bool:
    real = os.path.realpath(device)
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as source:
        return any(os.path.realpath(each.source) == real for each in fstab.mounts(source.read()))


def _run(ctx: Ctx, a: Arguments, argv: "list[str]") -> None:
    done = ctx.run(argv)
    if done.rc == 127:
        raise ctx.fail("there is no `%s` on this host: install the package %s" % (argv[0], _PACKAGES[a.fstype]))
    if done.rc:
        raise ctx.fail("`%s` failed: %s" % (" ".join(argv), done.stderr.strip()), rc=done.rc, stderr=done.stderr)
