"""An archive unpacked into a directory."""

from __future__ import annotations

import os
import re
from typing import IO, Any, Mapping

from provisioner.remote import archives
from provisioner.remote.archives import Archive, Entry
from provisioner.remote.fileattrs import (
    ATTRIBUTE_ARGS,
    ATTRIBUTE_RETURNS,
    describe,
    look,
    path_of,
    prediction,
    refuse_unsupported,
    shown,
)
from provisioner.remote.http import HTTP_ARGS, Request, Unreached, fetch
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg, Arguments, Spec
from provisioner.remote.unpacking import Choice, close_directory, compare, unpack

PIECE = 1 << 16
MOST_PREDICTIONS = 2000

SPEC = Spec(
    name="unarchive",
    summary="Unpack an archive into a directory",
    identity=("dest", "src"),
    args={
        "src": Arg(
            required=True,
            doc="A tar (plain, gz, bz2, xz) or zip archive of the controller, looked for in `files/`; with "
            "`remote_src` a path on the host, or an http or https address.",
        ),
        "dest": Arg("path", required=True, doc="An existing directory."),
        "remote_src": Arg("bool", default=False, doc="`src` is on the host already."),
        "copy": Arg("bool", default=True, doc="The contrary of `remote_src`, as older playbooks have it."),
        "creates": Arg("path", doc="Nothing is done when this exists: saves looking into the archive."),
        "include": Arg("list", default=[], elements="str", doc="Only entries that match one of these patterns."),
        "exclude": Arg("list", default=[], elements="str", doc="No entries that match one of these patterns."),
        "keep_newer": Arg("bool", default=False, doc="Leave a file alone that is newer than the one in the archive."),
        "list_files": Arg("bool", default=False, doc="Give the names as `files`."),
        "extra_opts": Arg(
            "list",
            default=[],
            elements="str",
            doc="Of tar's options `--strip-components=N` and `--exclude=PATTERN` are known.",
        ),
        "validate_certs": Arg("bool", default=True, doc="For an https address: `false` believes any certificate."),
        "io_buffer_size": Arg("int", doc="Accepted for compatibility."),
        "decrypt": Arg("bool", default=True, doc="Accepted for compatibility."),
        **ATTRIBUTE_ARGS,
        "_content": Arg("content", internal=True),
        "_basename": Arg(internal=True),
    },
    mutually_exclusive=(("include", "exclude"),),
    notes="Files belong to the user who unpacks them unless `owner` and `group` say otherwise, whatever the archive "
    "says. An entry that would leave `dest`, a device, or a bomb refuses the whole archive before anything is written.",
    examples="""
- name: Unpack a release
  unarchive:
    src: shop-1.4.tar.gz
    dest: /srv/shop/releases/1.4
    owner: deploy
- name: Without the directory around it
  unarchive:
    src: /opt/node.tar.xz
    dest: /opt/node
    remote_src: true
    extra_opts: [--strip-components=1]
    creates: /opt/node/bin/node
""",
    returns={
        "dest": "The directory.",
        "src": "The archive.",
        "handler": "What kind of archive it is.",
        "files": "Names, with `list_files`.",
        **ATTRIBUTE_RETURNS,
    },
)


def current(ctx: Ctx, a: Arguments) -> "dict[str, Any]":
    """{"dest", "handler", "files", "differing": {name: {"current", "wanted"}}}"""
    refuse_unsupported(ctx, a)
    dest = path_of(ctx, a.dest, "dest")
    if a.creates and look(ctx, path_of(ctx, a.creates, "creates")) is not None:
        return {"dest": dest, "skipped": a.creates, "differing": {}}
    there = look(ctx, dest, follow=True)
    if there is None or there.kind != "directory":
        if ctx.check and there is None:
            raise ctx.unknown("the directory %s does not exist yet" % dest)
        raise ctx.fail("dest '%s' must be an existing dir" % dest)
    differing: "dict[str, Any]" = {}
    archive, entries = _open(ctx, a, dest, there.inode != 0)
    try:
        for entry in entries:
            now, then = compare(ctx, a, archive, entry, dest)
            if now != then:
                differing[entry.name] = {"current": now, "wanted": then}
    finally:
        archive.close()
    return {"dest": dest, "handler": archive.kind, "files": [entry.name for entry in entries], "differing": differing}


def wanted(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]") -> "dict[str, Any]":
    return {**current, "differing": {}}


def apply(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> None:
    dest, differing = current["dest"], current["differing"]
    archive, entries = _open(ctx, a, dest, True)
    directories = []
    try:
        for entry in entries:
            if entry.name in differing:
                now, then = differing[entry.name]["current"], differing[entry.name]["wanted"]
                unpack(ctx, archive, entry, dest, now, then)
                directories += [(entry, now, then)] if entry.kind == "directory" else []
    finally:
        archive.close()
    for entry, now, then in reversed(directories):  # last, or a closed one could not be filled
        close_directory(ctx, entry, dest, now, then)


def report(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "dict[str, Any]":
    fields = {"dest": current["dest"], "src": a.src}
    if "skipped" in current:
        return {**fields, "skipped": True, "msg": "skipped, since %s exists" % current["skipped"]}
    fields["handler"] = current["handler"]
    if a.list_files:
        fields["files"] = current["files"]
    return {**fields, **shown(describe(look(ctx, current["dest"], follow=True)))}


def diff(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "dict[str, str]":
    lines = [
        "%s %s\n" % ("+" if entry["current"]["state"] == "absent" else "~", name)
        for name, entry in current["differing"].items()
    ]
    cut = ["… and %d more\n" % (len(lines) - MOST_PREDICTIONS)] if len(lines) > MOST_PREDICTIONS else []
    return {"prepared": "".join(lines[:MOST_PREDICTIONS] + cut)}


def predictions(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "list[Any]":
    """The first thousands of paths; `sha256` "?" says that the content is not known yet."""
    made = []
    for name, entry in list(current["differing"].items())[:MOST_PREDICTIONS]:
        more = {"target": entry["wanted"]["target"]} if entry["wanted"].get("target") else {"sha256": "?"}
        made.append(prediction(os.path.join(current["dest"], name), entry["wanted"], **more))
    return made


# -- the archive -------------------------------------------------------------------------------------------------------


def _open(ctx: Ctx, a: Arguments, dest: str, exists: bool) -> "tuple[Archive, list[Entry]]":
    """The archive and its wanted entries, in its order."""
    path, label = _archive_path(ctx, a), a._basename or a.src
    choice = _choice(ctx, a)
    usage = os.statvfs(dest if exists else "/")
    archive = archives.opened(ctx, path, label)
    try:
        entries = archives.checked(
            ctx, archive, label, os.path.getsize(path), usage.f_bavail * usage.f_frsize, choice.strip
        )
    except BaseException:
        archive.close()
        raise
    return archive, [entry for entry in entries if choice.takes(entry.name)]


def _archive_path(ctx: Ctx, a: Arguments) -> str:
    """The archive as a file of this host; fetched once a task."""
    if a._content is None and "://" not in a.src:
        path = path_of(ctx, a.src, "src")
        there = ctx.stat(path, follow=True)
        if there is None:
            raise (
                ctx.unknown("%s does not exist yet" % path)
                if ctx.check
                else ctx.fail("%s does not exist on this host" % path)
            )
        if there.kind != "file":
            raise ctx.fail("%s is a %s, not an archive" % (path, there.kind))
        return path
    if "archive" not in a.extra:
        path = os.path.join(ctx.tempdir(), "archive")
        source = ctx.content_file(a._content) if a._content is not None else _download(ctx, a)
        with source, open(path, "xb") as spool:
            for piece in iter(lambda: source.read(1 << 20), b""):
                spool.write(piece)
        a.extra["archive"] = path
    return str(a.extra["archive"])


def _download(ctx: Ctx, a: Arguments) -> "IO[bytes]":
    options = Spec("unarchive", "", HTTP_ARGS).bind({"validate_certs": a.validate_certs, "decompress": False})
    try:
        answer = fetch(ctx, options, Request(a.src, timeout=30.0))
    except Unreached as error:
        raise (
            ctx.unknown("%s can't be reached now" % a.src) if ctx.check else ctx.fail("%s: %s" % (a.src, error))
        ) from None
    if answer.status != 200:
        answer.body.close()
        raise ctx.fail("%s: the server says %d %s" % (a.src, answer.status, answer.reason))
    return answer.body


def _choice(ctx: Ctx, a: Arguments) -> Choice:
    strip, exclude = 0, list(a.exclude)
    options = iter(a.extra_opts)
    for option in options:
        name, found, value = option.partition("=")
        if name in ("--strip-components", "--strip", "--exclude") and not found:
            value = next(options, "")
        if name in ("--strip-components", "--strip") and re.fullmatch(r"\d{1,3}", value):
            strip = int(value)
        elif name == "--exclude" and value:
            exclude.append(value)
        elif name not in ("--no-same-owner", "--no-same-permissions"):
            raise ctx.fail(
                "`extra_opts`: %r is not supported; `--strip-components=N` and `--exclude=PATTERN` are" % option
            )
    return Choice(strip, tuple(a.include), tuple(exclude))
