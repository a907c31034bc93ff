"""What the modules about files share: mode, owner and group, what check mode foresees, and result fields.

A file's *state* is a dict as state modules compare it: `state` (file, directory, link, hard, absent), `mode`,
`owner`, `group`, and `uid`, `gid`, `size` for the result. `current` and `wanted` differ only where something
is to do.
"""

from __future__ import annotations

import grp
import os
import pwd
from typing import Any, Mapping, Optional

from provisioner.remote.files import group_name, user_name
from provisioner.remote.modebits import mode_bits
from provisioner.remote.sdk import Ctx, Stat
from provisioner.remote.spec import Arg

ATTRIBUTE_ARGS: "dict[str, Arg]" = {
    "mode": Arg("mode", doc='Permissions: octal in quotes (`"0644"`) or symbolic (`u=rw,go=r`).'),
    "owner": Arg(doc="Name or number of the user who shall own it."),
    "group": Arg(doc="Name or number of the group that shall own it."),
    "attributes": Arg(aliases=("attr",), doc="Not supported: attributes as `chattr` sets them."),
    "unsafe_writes": Arg("bool", default=False, doc="Not supported: files are only ever replaced as a whole."),
    "seuser": Arg(doc="Not supported: SELinux user."),
    "serole": Arg(doc="Not supported: SELinux role."),
    "setype": Arg(doc="Not supported: SELinux type."),
    "selevel": Arg(doc="Not supported: SELinux level."),
}

ATTRIBUTE_RETURNS: "dict[str, str]" = {
    "mode": "Permissions in octal with a zero in front: `0644`, `01777`.",
    "owner": "Name of the owner.",
    "group": "Name of the group.",
    "uid": "Number of the owner.",
    "gid": "Number of the group.",
    "size": "Bytes.",
    "state": "`file`, `directory`, `link`, `hard` or `absent`.",
}


def refuse_unsupported(ctx: Ctx, a: Any) -> None:
    """Fail for an argument that is accepted for its name only; doing nothing silently would be worse."""
    if a.attributes:
        raise ctx.fail("`attributes` (chattr) is not supported; run `chattr` with the `command` module")
    if a.unsafe_writes:
        raise ctx.fail(
            "`unsafe_writes` is not supported: a file is always replaced as a whole, so that nobody reads half of it"
        )
    for name in ("seuser", "serole", "setype", "selevel"):
        if getattr(a, name) not in (None, "", "_default"):
            raise ctx.fail(
                "`%s` is not supported: files get the SELinux context of their directory; use `restorecon`" % name
            )


def path_of(ctx: Ctx, text: Optional[str], argument: str = "path") -> str:
    """A path argument made absolute; fails for what can't be a path.

    In check mode links that earlier tasks would have made are followed, so that what is behind them can be read.
    """
    if not text:
        raise ctx.fail("`%s` is empty" % argument)
    if "\0" in text:
        raise ctx.fail("`%s` holds a NUL byte, which no path can" % argument)
    path = ctx.expand(text).rstrip("/") or "/"
    return _behind_links(ctx, path) if ctx.check else path


# -- what is there, or would be by now in check mode -------------------------------------------------------------


def look(ctx: Ctx, path: str, *, follow: bool = False) -> Optional[Stat]:
    """What is at `path`; in check mode what earlier tasks would have put there (then `inode` is 0)."""
    if not ctx.check:
        return ctx.stat(path, follow=follow)
    return _foreseen(ctx, path, follow, 40)


def _foreseen(ctx: Ctx, path: str, follow: bool, hops: int) -> Optional[Stat]:
    if not hops:
        return None
    real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    entry = ctx.predicted("path", path) or ctx.predicted("path", real)
    if entry is not None:
        if entry.get("kind") == "link" and follow and entry.get("target"):
            return _foreseen(
                ctx, os.path.normpath(os.path.join(os.path.dirname(path), entry["target"])), follow, hops - 1
            )
        return None if entry.get("kind") == "absent" else _imagined(ctx, path, entry)
    behind = _behind_links(ctx, path)
    if behind != path:
        return _foreseen(ctx, behind, follow, hops - 1)
    above = os.path.dirname(path)
    while above not in ("", "/"):
        entry = ctx.predicted("path", above)
        if entry is not None and entry.get("kind") == "absent":
            return None
        above = os.path.dirname(above)
    return ctx.stat(path, follow=follow)


def _behind_links(ctx: Ctx, path: str) -> str:
    """`path` with the links above it resolved that only check mode knows of."""
    for _ in range(40):
        above, rest = os.path.dirname(path), os.path.basename(path)
        while above not in ("", "/"):
            entry = ctx.predicted("path", above)
            if entry is not None and entry.get("kind") == "link" and entry.get("target"):
                path = os.path.normpath(os.path.join(os.path.dirname(above), entry["target"], rest))
                break
            above, rest = os.path.dirname(above), os.path.join(os.path.basename(above), rest)
        else:
            break
    return path


def _imagined(ctx: Ctx, path: str, entry: "Mapping[str, Any]") -> Stat:
    kind = entry.get("kind", "file")
    there = ctx.stat(path)
    if there is None or there.kind != kind:
        uid, gid = os.geteuid(), os.getegid()
        mode = {"directory": "0755", "link": "0777"}.get(kind, "0644")
        there = Stat(
            kind, mode, uid, gid, user_name(uid), group_name(gid), 0, 0.0, 0.0, 0.0, 0, 0, 1, entry.get("target")
        )
    return there._replace(
        inode=0,
        **{key: entry[key] for key in ("mode", "owner", "group", "size", "target") if entry.get(key) is not None},
    )


def content_is_foreseen(ctx: Ctx, path: str) -> None:
    """Raise `unknown` when check mode can't know the file's content: an earlier task would have written it."""
    entry = ctx.predicted("path", path) if ctx.check else None
    if entry is not None and entry.get("kind") == "file" and entry.get("sha256", "") != ctx.sha256(path):
        raise ctx.unknown("the content of %s is known once the task that writes it has run" % path)


def need_parent(ctx: Ctx, path: str) -> None:
    """The directory of `path` must be there: fails, or in check mode says that it is not known."""
    parent = os.path.dirname(path)
    there = look(ctx, parent, follow=True)
    if there is None:
        message = "the directory %s does not exist" % parent
        if ctx.check:
            raise ctx.unknown(message + " yet, so nothing can be said about %s" % path)
        raise ctx.fail(message + "; make it first, with `file: path=%s state=directory`" % parent)
    if there.kind != "directory":
        raise ctx.fail("%s is a %s, not a directory" % (parent, there.kind))


# -- states ------------------------------------------------------------------------------------------------------


def describe(there: Optional[Stat]) -> "dict[str, Any]":
    """The state of what `look` or `ctx.stat` gave."""
    if there is None:
        return {"state": "absent"}
    kind = there.kind
    if kind == "file" and there.links > 1:
        kind = "hard"
    return {
        "state": kind if kind in ("directory", "link", "hard") else "file",
        "mode": there.mode,
        "owner": there.owner,
        "group": there.group,
        "uid": there.uid,
        "gid": there.gid,
        "size": there.size,
    }


def with_attributes(ctx: Ctx, a: Any, state: "Mapping[str, Any]", *, mode: Optional[str] = None) -> "dict[str, Any]":
    """`state` with the mode, owner and group that the arguments ask for. `mode` stands in for `a.mode`."""
    wanted = dict(state)
    mode = mode or a.mode
    if mode is not None and mode != state.get("mode"):
        directory = state["state"] == "directory"
        base = int(state.get("mode") or ("0755" if directory else "0644"), 8)
        umask = 0o022 if mode.isdecimal() else _process_umask(ctx)
        wanted["mode"] = "%04o" % mode_bits(mode, base, is_directory=directory, umask=umask)
    if a.owner is not None and a.owner != state.get("owner"):
        wanted["owner"], wanted["uid"] = _account(ctx, "user", a.owner)
    if a.group is not None and a.group != state.get("group"):
        wanted["group"], wanted["gid"] = _account(ctx, "group", a.group)
    return wanted


def _account(ctx: Ctx, kind: str, text: str) -> "tuple[str, Optional[int]]":
    """Name and number of a user or group given by either."""
    if text.isdecimal():
        number = int(text)
        return (user_name(number) if kind == "user" else group_name(number)), number
    try:
        return text, pwd.getpwnam(text).pw_uid if kind == "user" else grp.getgrnam(text).gr_gid
    except (KeyError, ValueError):
        pass
    if ctx.check:
        entry = ctx.predicted(kind, text)
        if entry is not None and entry.get("kind") != "absent":
            return text, None
        raise ctx.unknown("there is no %s `%s` on this host yet" % (kind, text))
    raise ctx.fail("there is no %s `%s` on this host" % (kind, text))


def warn_of_missing_accounts(ctx: Ctx, a: Any) -> None:
    """In check mode: say of an owner or group that it isn't there, which otherwise would only be found at the end."""
    if not ctx.check:
        return
    for kind, text, find in (("user", a.owner, (pwd.getpwuid, pwd.getpwnam)),
                             ("group", a.group, (grp.getgrgid, grp.getgrnam))):
        if text is None or (ctx.predicted(kind, text) or {}).get("kind", "absent") != "absent":
            continue
        try:
            find[0](int(text)) if text.isdecimal() else find[1](text)
        except (KeyError, ValueError, OverflowError):
            number = " with %sid" % kind[0] if text.isdecimal() else ""
            ctx.warn("failed to look up %s%s %s: it must be made before this runs" % (kind, number, text))


def _process_umask(ctx: Ctx) -> int:
    """Read, as asking `os.umask` would change it for a moment."""
    for line in (ctx.read_text("/proc/self/status") or "").splitlines():
        if line.startswith("Umask:"):
            return int(line.split()[1], 8)
    return 0o022


def change_attributes(
    ctx: Ctx, path: str, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]", *, follow: bool = False
) -> None:
    """Make mode, owner and group of an existing file those of `wanted`, touching only what differs."""
    owner = wanted.get("owner") if wanted.get("owner") != current.get("owner") else None
    group = wanted.get("group") if wanted.get("group") != current.get("group") else None
    if owner is not None or group is not None:
        ctx.chown(path, owner, group, follow=follow)
    mode = wanted.get("mode")
    # chown clears setuid and setgid, so these have to be set again
    if mode is not None and (mode != current.get("mode") or ((owner or group) and int(mode, 8) & 0o6000)):
        ctx.chmod(path, mode, follow=follow)


def given(wanted: "Mapping[str, Any]") -> "dict[str, Any]":
    """mode, owner and group as the writers of `ctx` take them."""
    return {name: wanted.get(name) for name in ("mode", "owner", "group")}


def info(there: Optional[Stat]) -> "dict[str, Any]":
    """Result fields of a finished task."""
    return describe(there)


def shown(state: "Mapping[str, Any]") -> "dict[str, Any]":
    """`state` as a result reports it: without what only the comparison needs, and the mode always with a zero first,
    as Ansible has it (`01777`)."""
    fields = {key: state[key] for key in ATTRIBUTE_RETURNS if state.get(key) is not None}
    if not fields.get("mode", "0").startswith("0"):
        fields["mode"] = "0" + fields["mode"]
    return fields


def prediction(path: str, wanted: "Mapping[str, Any]", **more: Any) -> "tuple[str, str, dict[str, Any]]":
    """What check mode tells later tasks about `path`."""
    kind = {"hard": "file"}.get(wanted["state"], wanted["state"])
    keep = {key: wanted[key] for key in ("mode", "owner", "group", "size") if wanted.get(key) is not None}
    return ("path", path, {"kind": kind, **keep, **more})


BESIDE_CONTENT = ("mode", "owner", "group")
"""What `attribute_diff` has to tell of a new file whose content is shown: that it is new can be seen."""


def attribute_diff(
    path: str,
    current: "Mapping[str, Any]",
    wanted: "Mapping[str, Any]",
    keys: "tuple[str, ...]" = ("state", "mode", "owner", "group"),
) -> "Optional[dict[str, Any]]":
    """before/after of the attributes that differ, None when none does."""
    differing = [key for key in keys if current.get(key) != wanted.get(key)]
    if not differing:
        return None
    return {
        "before": {"path": path, **{key: current[key] for key in differing if key in current}},
        "after": {"path": path, **{key: wanted[key] for key in differing if key in wanted}},
    }
