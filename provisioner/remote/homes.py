"""What belongs to a user in their home: the directory itself and an SSH key.

A home belongs to its user, who may have put links in it: whatever is made inside one is made as that user,
never as root.
"""

from __future__ import annotations

import socket
from typing import Any

from provisioner.remote.accounts import User, group_name
from provisioner.remote.sdk import Completed, Ctx
from provisioner.remote.spec import Arguments

#: Homes of users who have none on purpose.
NO_HOME = ("", "/", "/nonexistent", "/dev/null", "/var/empty")


def make_home(ctx: Ctx, user: User, skeleton: "str | None", umask: "str | None") -> None:
    """Make the home of a user who exists, with the files of the skeleton; it is the user's only when complete."""
    group = group_name(ctx, user.gid)
    parent = user.home.rstrip("/").rpartition("/")[0]
    if parent and ctx.stat(parent, follow=True) is None:
        ctx.mkdir(parent, parents=True)
    mode = 0o777 & ~int(umask or "022", 8)
    ctx.mkdir(user.home, mode="0700")
    _copy_tree(ctx, skeleton or "/etc/skel", user.home, user.name, group)
    ctx.chown(user.home, user.name, group)
    ctx.chmod(user.home, "%04o" % mode)


def _copy_tree(ctx: Ctx, source: str, target: str, owner: str, group: str) -> None:
    for name in ctx.listdir(source):
        old, new = "%s/%s" % (source, name), "%s/%s" % (target, name)
        found = ctx.stat(old)
        if found is None:
            continue
        if found.kind == "directory":
            ctx.mkdir(new, mode="0700")
            _copy_tree(ctx, old, new, owner, group)
            ctx.chown(new, owner, group)
            ctx.chmod(new, found.mode)
        elif found.kind == "link":
            ctx.symlink(found.target or "", new)
            ctx.chown(new, owner, group, follow=False)
        elif found.kind == "file":
            ctx.write(new, ctx.read(old) or b"", mode=found.mode, owner=owner, group=group)


def key_path(home: str, a: Arguments) -> str:
    """Where the private key is; `ssh_key_file` counts from the home."""
    relative = a.ssh_key_file or ".ssh/id_%s" % a.ssh_key_type
    return str(relative) if relative.startswith("/") else "%s/%s" % (home.rstrip("/"), relative)


def make_key(ctx: Ctx, user: User, a: Arguments) -> None:
    """Make a key pair in a private directory and put it into the home as the user.

    The passphrase goes through an askpass helper in that directory: arguments and environment of a process
    can be read by others.
    """
    made = "%s/key" % ctx.tempdir()
    argv = [
        "ssh-keygen",
        "-q",
        "-t",
        a.ssh_key_type,
        "-f",
        made,
        "-C",
        a.ssh_key_comment or "%s@%s" % (user.name, socket.gethostname()),
    ]
    if a.ssh_key_bits is not None:
        argv += ["-b", str(a.ssh_key_bits)]
    if a.ssh_key_passphrase:
        helper = "%s.askpass" % made
        ctx.write("%s.pass" % made, a.ssh_key_passphrase.encode() + b"\n", mode="0600")
        ctx.write(helper, ("#!/bin/sh\ncat '%s.pass'\n" % made).encode(), mode="0700")
        ctx.run(argv, check=True, env={"SSH_ASKPASS": helper, "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"})
    else:
        ctx.run([*argv, "-N", ""], check=True)
    path = key_path(user.home, a)
    folder = path.rpartition("/")[0]
    _as_user(ctx, user, ["mkdir", "-p", "-m", "0700", "--", folder])
    for suffix, umask in (("", 0o077), (".pub", 0o022)):
        data = ctx.read(made + suffix) or b""
        _as_user(
            ctx, user, ["dd", "of=%s%s" % (path, suffix), "conv=excl,fsync", "status=none"], input=data, umask=umask
        )


def _as_user(ctx: Ctx, user: User, argv: "list[str]", **options: Any) -> Completed:
    return ctx.run(
        ["setpriv", "--reuid", str(user.uid), "--regid", str(user.gid), "--init-groups", *argv], check=True, **options
    )


def describe_key(ctx: Ctx, path: str) -> "dict[str, Any]":
    """Result fields about a key; empty ones when it is not there (yet)."""
    public = ctx.read_text(path + ".pub", limit=1 << 16)
    result: "dict[str, Any]" = {"ssh_key_file": path}
    if public is not None:
        shown = ctx.query(["ssh-keygen", "-l", "-f", "-"], input=public.encode())
        result.update(ssh_public_key=public.strip(), ssh_fingerprint=shown.stdout.strip())
    return result
