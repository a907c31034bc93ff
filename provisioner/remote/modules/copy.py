"""Puts a file, some text, or a whole directory on the host."""

from __future__ import annotations

import os
from typing import Any, Mapping, Optional

from provisioner.remote import copytree
from provisioner.remote.fileattrs import (
    ATTRIBUTE_ARGS,
    ATTRIBUTE_RETURNS,
    describe,
    look,
    need_parent,
    path_of,
    prediction,
    refuse_unsupported,
    shown,
    with_attributes,
)
from provisioner.remote.filecontent import BACKUP, VALIDATE
from provisioner.remote.placing import Source, file_diff, file_state, missing_directories, of_host, place, wanted_file
from provisioner.remote.sdk import Ctx, ModuleFailed, Stat
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="copy",
    summary="Put a file, some text, or a whole directory on the host",
    identity=("dest",),
    args={
        "src": Arg(
            doc="A file or directory of the controller, looked for in `files/` beside the role or the playbook; "
            "a directory ending in `/` gives only what is in it. With `remote_src` a path on the host."
        ),
        "content": Arg("raw", doc="The text of the file, instead of `src`; a mapping or list is written as JSON."),
        "dest": Arg(
            "path",
            required=True,
            doc="Where it goes. An existing directory, or a path ending in `/`, gets the file inside.",
        ),
        "remote_src": Arg("bool", default=False, doc="`src` is on the host already."),
        "force": Arg(
            "bool",
            default=True,
            aliases=("thirsty",),
            doc="Replace a file that has other content; `false` leaves any existing file alone.",
        ),
        "follow": Arg(
            "bool",
            default=False,
            doc="When `dest` is a link, change the file it points to instead of replacing the link.",
        ),
        "local_follow": Arg(
            "bool",
            default=True,
            doc="Copy what links in a directory point to, rather than the links; those that lead nowhere or back to a "
            "directory above stay links.",
        ),
        "directory_mode": Arg("mode", doc="Mode of directories that have to be made; existing ones stay as they are."),
        "checksum": Arg(doc="SHA-1 that the source must have."),
        "decrypt": Arg(
            "bool", default=True, doc="Files encrypted by the vault arrive decrypted; `false` copies them as they are."
        ),
        "backup": BACKUP,
        "validate": VALIDATE,
        **ATTRIBUTE_ARGS,
        "_content": Arg("content", internal=True),
        "_entries": Arg("list", elements="dict", internal=True),
        "_basename": Arg(internal=True),
        "_label": Arg(internal=True),
        "_sha1": Arg(internal=True),
        "_secret": Arg("bool", default=False, internal=True),
    },
    required_one_of=(("src", "content", "_content", "_entries"),),
    mutually_exclusive=(("src", "content"),),
    words={
        "missing required arguments: dest": "dest is required",
        "`copy`: one of the following is required: src, content": "src (or content) is required",
    },
    notes="A file is replaced as a whole: other hard links keep the old content. "
    "`mode: preserve` takes the mode of the source.",
    examples="""
- name: Install the configuration
  copy:
    src: nginx.conf
    dest: /etc/nginx/nginx.conf
    owner: root
    group: root
    mode: "0644"
    validate: nginx -t -c %s
- name: Write a line of text
  copy:
    content: "{{ greeting }}\\n"
    dest: /etc/motd
- name: Copy what is in a directory
  copy:
    src: site/
    dest: /srv/www
    mode: "0644"
    directory_mode: "0755"
- name: Keep the packaged file
  copy:
    src: /etc/ssh/sshd_config
    dest: /etc/ssh/sshd_config.orig
    remote_src: true
    force: false
""",
    returns={
        "dest": "Path of the file.",
        "path": "The same, where the content was right already.",
        "src": "Where it came from.",
        "checksum": "SHA-1 of the content.",
        "md5sum": "MD5 of the content, if it was written.",
        "backup_file": "Where the old file went.",
        **ATTRIBUTE_RETURNS,
    },
)


def current(ctx: Ctx, a: Arguments) -> "dict[str, Any]":
    refuse_unsupported(ctx, a)
    if copytree.is_tree(ctx, a):
        return copytree.current(ctx, a)
    source = _source(ctx, a)
    dest, there, missing = _destination(ctx, a)
    if there is not None and there.kind == "link" and a.follow:
        dest = os.path.realpath(dest)
        there = look(ctx, dest)
    if there is None and not missing:
        need_parent(ctx, dest)
    return {"dest": dest, "missing": missing, **file_state(ctx, dest, there, source)}


def wanted(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]") -> "dict[str, Any]":
    if "entries" in current:
        return copytree.wanted(ctx, a, current)
    if not a.force and current["state"] != "absent":
        return dict(current)
    mode = None
    if a.mode == "preserve":
        mode = _preserved(ctx, a)
    return {"dest": current["dest"], "missing": [], **wanted_file(ctx, a, current, _source(ctx, a), mode)}


def apply(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "dict[str, Any]":
    if "entries" in current:
        return copytree.apply(ctx, a, current, wanted)
    for directory in current["missing"]:
        ctx.mkdir(directory, **copytree.directory_attributes(ctx, a))
    return place(ctx, a, current["dest"], current, wanted, _source(ctx, a))


def report(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "dict[str, Any]":
    fields = {"dest": current["dest"], "src": a._label or a.src}
    if "entries" in current:
        there = describe(look(ctx, current["dest"]))
        return {**fields, **shown(there)}
    if a._sha1:
        fields["checksum"] = a._sha1
    elif a.remote_src:
        fields["checksum"] = ctx.digest(path_of(ctx, a.src, "src"), "sha1")
    if current["state"] == "file" and current["sha256"] == wanted["sha256"]:
        fields["path"] = current["dest"]  # as `file`, which is what Ansible asks where only attributes may differ
    if current == wanted:
        return {**fields, **shown(current)}
    if current["sha256"] != wanted["sha256"] and not ctx.check and not a._secret:
        fields.update(_md5sum(ctx, current["dest"]))
    return {**fields, **shown(wanted if ctx.check else describe(ctx.stat(current["dest"])))}


def _md5sum(ctx: Ctx, path: str) -> "dict[str, Any]":
    """For playbooks that read it of what has changed; nothing where this host's Python may not compute it."""
    try:
        return {"md5sum": ctx.digest(path, "md5")}
    except ModuleFailed:
        return {}


def diff(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> Any:
    if "entries" in current:
        return copytree.diff(ctx, a, current, wanted)
    return file_diff(ctx, current["dest"], current, wanted, _source(ctx, a))


def predictions(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "list[Any]":
    if "entries" in current:
        return copytree.predictions(ctx, a, current, wanted)
    made = [
        prediction(path, with_attributes(ctx, a, {"state": "directory"}, mode=a.directory_mode or "0755"))
        for path in current["missing"]
    ]
    return [*made, prediction(current["dest"], wanted, sha256=wanted["sha256"])]


def _source(ctx: Ctx, a: Arguments) -> Source:
    if a._content is not None:
        reference = a._content
        return Source(reference["sha256"], reference["size"], reference, label=a._label or "", secret=a._secret)
    if "source" not in a.extra:  # read once a task
        a.extra["source"] = _host_source(ctx, a)
    source: Source = a.extra["source"]
    return source


def _host_source(ctx: Ctx, a: Arguments) -> Source:
    if not a.remote_src:
        raise ctx.fail("`copy` got no content from the controller")
    path = path_of(ctx, a.src, "src")
    there = ctx.stat(path, follow=True)
    if there is None:
        if ctx.check:
            raise ctx.unknown("%s does not exist on this host yet" % path)
        raise ctx.fail("%s does not exist on this host (`remote_src` is true)" % path)
    if there.kind != "file":
        raise ctx.fail("%s is a %s, not a file" % (path, there.kind))
    if a.checksum and ctx.digest(path, "sha1") != a.checksum:
        raise ctx.fail("%s does not have the `checksum` that was asked for" % path, expected_checksum=a.checksum)
    return of_host(ctx, path, there)


def _preserved(ctx: Ctx, a: Arguments) -> Optional[str]:
    there = ctx.stat(path_of(ctx, a.src, "src"), follow=True) if a.remote_src else None
    if there is None:
        raise ctx.fail("`mode: preserve` needs a `src` whose mode can be taken")
    return there.mode


def _destination(ctx: Ctx, a: Arguments) -> "tuple[str, Optional[Stat], list[str]]":
    """The path of the file, what is there, and the directories that have to be made for it."""
    dest = path_of(ctx, a.dest, "dest")
    name = os.path.basename(a._basename or a.src or "").replace("\0", "")
    there = look(ctx, dest)
    followed = look(ctx, dest, follow=True) if there is not None and there.kind == "link" else there
    if followed is not None and followed.kind == "directory":
        if not name:
            raise ctx.fail("can not use content with a dir as dest: %s" % dest)
        return os.path.join(dest, name), look(ctx, os.path.join(dest, name)), []
    if a.dest.endswith("/"):
        if not name:
            raise ctx.fail("can not use content with a dir as dest: %s ends in `/`" % a.dest)
        return os.path.join(dest, name), None, missing_directories(ctx, dest)
    return dest, there, []
