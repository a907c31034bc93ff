"""What is mounted where: now, and after every boot by fstab."""

from __future__ import annotations

import os
from typing import Any, Mapping, Optional

from provisioner.remote import fstab
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="mount",
    summary="Mount a file system, now and at boot",
    identity=("path",),
    args={
        "path": Arg(required=True, aliases=("name",), doc="Where; `none` for swap"),
        "src": Arg(doc="What: a device, UUID=…, a directory, HOST:/PATH"),
        "fstype": Arg(doc="The file system's type"),
        "opts": Arg(default="defaults", doc="Options, with commas; `nofail` lets a host boot without it"),
        "dump": Arg(default="0", doc="For dump(8)"),
        "passno": Arg(default="0", doc="When it is checked at boot: 2, or 0 for never"),
        "state": Arg(required=True, choices=("mounted", "present", "ephemeral", "unmounted", "absent"),
                     doc="mounted: now and in fstab; present: in fstab alone; ephemeral: now alone; unmounted: not now;"
                         " absent: neither, and without its empty directory"),
        "fstab": Arg(type="path", default="/etc/fstab", doc="The table"),
    },
    required_if=tuple((("state", state, ("src", "fstype"))) for state in ("mounted", "present", "ephemeral")),
    notes="What is mounted there already from elsewhere is not covered nor taken away: that is an error.",
    examples="""
- name: The second disk is the place of uploads
  mount:
    path: /srv/uploads
    src: /dev/disk/by-id/scsi-0DO_Volume_shop--web-1-data
    fstype: ext4
    opts: defaults,nofail
    state: mounted
""",
    returns={"name": "where", "src": "what", "fstype": "its type", "opts": "its options", "fstab": "the table"},
)

_NOWHERE = ("none", "swap")
_TAGGED = ("UUID=", "LABEL=", "PARTUUID=", "PARTLABEL=")


def current(ctx: Ctx, a: Arguments) -> "dict[str, Any]":
    _check_arguments(ctx, a)
    entry = fstab.find(ctx.read_text(a.fstab) or "", lambda each: _about(a, each))
    top = _mounted(a)
    if top is not None and a.state in ("mounted", "ephemeral") and not _is_source(ctx, a, top):
        raise ctx.fail("%s is mounted at %s, not %s: unmount it first (`state: unmounted`)"
                       % (top.source, a.path, a.src))
    status = None if a.path in _NOWHERE else ctx.stat(a.path, follow=True)
    if status is not None and status.kind != "directory" and a.state in ("mounted", "ephemeral"):
        raise ctx.fail("%s is a %s: nothing can be mounted there" % (a.path, status.kind))
    return {"fstab": entry and entry.line(), "mounted": top and top.source, "directory": status is not None}


def wanted(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]") -> "dict[str, Any]":
    goal = dict(current)
    if a.state in ("mounted", "present"):
        goal["fstab"] = _entry(a).line()
    if a.state in ("mounted", "ephemeral"):
        goal.update(mounted=current["mounted"] or a.src, directory=True)
    if a.state in ("unmounted", "absent"):
        goal["mounted"] = None
    if a.state == "absent":
        holds_something = current["mounted"] is None and a.path not in _NOWHERE and bool(ctx.listdir(a.path))
        goal.update(fstab=None, directory=current["directory"] and holds_something)
    return goal


def apply(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> None:
    if wanted["mounted"] is None:
        while _mounted(a) is not None:
            _run(ctx, ["umount", a.path])
    # It is mounted first: a line that can't be carried out must not get into the file that is read at boot.
    elif a.state in ("mounted", "ephemeral"):
        if not current["directory"]:
            ctx.mkdir(a.path, mode="0755", parents=True)
        old = fstab.entry(current["fstab"] or "")
        if current["mounted"] is None:
            _run(ctx, ["mount", "-t", a.fstype, "-o", a.opts, a.src, a.path])
        elif a.state == "mounted" and old is not None and old.options != a.opts:
            _run(ctx, ["mount", "-o", "remount," + a.opts, a.path])
    if wanted["fstab"] != current["fstab"]:
        text = ctx.read_text(a.fstab) or ""
        new = fstab.entry(wanted["fstab"] or "")
        ctx.write(a.fstab, fstab.replaced(text, lambda each: _about(a, each), new).encode("utf-8", "surrogateescape"))
        # systemd knows the old line until then, and takes away what is mounted where a device of that has gone.
        if a.fstab == "/etc/fstab" and ctx.stat("/run/systemd/system") is not None:
            _run(ctx, ["systemctl", "daemon-reload"])
    if current["directory"] and not wanted["directory"]:
        if ctx.listdir(a.path):
            ctx.warn("%s stays: there are files in the directory that was mounted over" % a.path)
        else:
            ctx.remove(a.path)


def report(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "dict[str, Any]":
    return {"name": a.path, "src": a.src, "fstype": a.fstype, "opts": a.opts, "fstab": a.fstab}


def predictions(
    ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]"
) -> "list[tuple[str, str, Mapping[str, Any]]]":
    return [("path", a.path, {"kind": "directory"})] if wanted["directory"] else []


def _check_arguments(ctx: Ctx, a: Arguments) -> None:
    if a.path in _NOWHERE:
        if a.state not in ("present", "absent"):
            raise ctx.fail("swap can be `present` or `absent` in fstab: `swapon` and `swapoff` use it")
    elif not a.path.startswith("/") or os.path.normpath(a.path) == "/":
        raise ctx.fail("%r is not a place to mount something at: it has to be an absolute path" % a.path)
    for name in ("path", "src", "fstype", "opts", "dump", "passno"):
        value = getattr(a, name)
        if value is not None and (not value or value.startswith("-") or any(sign in value for sign in "\n\r\0")):
            raise ctx.fail("`%s` can't be %r" % (name, value))


def _entry(a: Arguments) -> fstab.Entry:
    return fstab.Entry(a.src, a.path, a.fstype, a.opts, a.dump, a.passno)


def _about(a: Arguments, entry: fstab.Entry) -> bool:
    if a.path in _NOWHERE:  # only what is swapped to tells these lines apart
        return entry.fstype == "swap" and (a.src is None or entry.source == a.src)
    return bool(os.path.normpath(entry.point) == os.path.normpath(a.path))


def _mounted(a: Arguments) -> Optional[fstab.Mount]:
    """What is on top there now."""
    if a.path in _NOWHERE:
        return None
    place = os.path.realpath(a.path)
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as source:
        return next((each for each in reversed(fstab.mounts(source.read())) if each.point == place), None)


def _is_source(ctx: Ctx, a: Arguments, top: fstab.Mount) -> bool:
    """Whether what is mounted is what `src` names; the kernel tells neither links, nor tags, nor bound directories."""
    if {"bind", "rbind"} & set(a.opts.split(",")):
        one, other = ctx.stat(a.src, follow=True), ctx.stat(a.path, follow=True)
        return one is not None and other is not None and (one.device, one.inode) == (other.device, other.inode)
    source = a.src
    if source.startswith(_TAGGED):
        source = ctx.query(["findfs", source]).stdout.strip() or source
    if source.startswith("/"):
        real = os.path.realpath(source)
        backing = ctx.read_text("/sys/class/block/%s/loop/backing_file" % os.path.basename(top.source), limit=1 << 12)
        return real in (os.path.realpath(top.source), (backing or "").strip())
    return source.rstrip("/") == top.source.rstrip("/") or bool(":" not in source and a.fstype == top.fstype)


def _run(ctx: Ctx, argv: "list[str]") -> None:
    done = ctx.run(argv)
    if done.rc:
        raise ctx.fail("`%s` failed: %s" % (" ".join(argv), done.stderr.strip()), rc=done.rc, stderr=done.stderr)
