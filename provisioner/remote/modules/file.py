"""Attributes of files, and directories, links and empty files as such."""

from __future__ import annotations

import os
import time
from typing import Any, Mapping, Optional

from provisioner.remote import filelinks, recurse
from provisioner.remote.fileattrs import (
    ATTRIBUTE_ARGS,
    ATTRIBUTE_RETURNS,
    attribute_diff,
    change_attributes,
    describe,
    given,
    look,
    need_parent,
    path_of,
    prediction,
    refuse_unsupported,
    shown,
    warn_of_missing_accounts,
    with_attributes,
)
from provisioner.remote.placing import missing_directories
from provisioner.remote.sdk import Ctx, Stat
from provisioner.remote.spec import Arg, Arguments, Spec

_TIME_FORMAT = "%Y%m%d%H%M.%S"

SPEC = Spec(
    name="file",
    summary="Set attributes of a file, or make a directory, a link or an empty file, or remove them",
    identity=("path",),
    args={
        "path": Arg("path", required=True, aliases=("dest", "name"), doc="What it is about."),
        "state": Arg(
            choices=("absent", "directory", "file", "hard", "link", "touch"),
            doc="`file` only sets attributes of what is there; `touch` makes an empty file or sets its times. "
            "Without it: what is there, else `file` (`directory` with `recurse`).",
        ),
        "src": Arg("path", doc="What a link points to; relative to the link's directory."),
        "recurse": Arg(
            "bool",
            default=False,
            doc="Set owner, group and mode of everything below too. Links below are not followed, "
            "except those that only we could have made.",
        ),
        "force": Arg(
            "bool",
            default=False,
            doc="Make a link although its target is missing, or in place of a file or an empty directory.",
        ),
        "follow": Arg("bool", default=True, doc="When `path` is a link, set the attributes of what it points to."),
        "modification_time": Arg(doc="`preserve`, `now`, or a time as `modification_time_format` says."),
        "modification_time_format": Arg(default=_TIME_FORMAT, doc="How the time is written."),
        "access_time": Arg(doc="`preserve`, `now`, or a time as `access_time_format` says."),
        "access_time_format": Arg(default=_TIME_FORMAT, doc="How the time is written."),
        **ATTRIBUTE_ARGS,
        "_diff_peek": Arg("bool", internal=True),  # Ansible's own action plugins ask it; accepted, and without effect
    },
    examples="""
- name: A directory with its parents
  file:
    path: /srv/shop/releases
    state: directory
    owner: deploy
    mode: "0755"
- name: A link
  file:
    src: /srv/shop/releases/1
    path: /srv/shop/current
    state: link
- name: No default site
  file:
    path: /etc/nginx/sites-enabled/default
    state: absent
- name: A log file that is there, its times left alone
  file:
    path: /var/log/shop.log
    state: touch
    mode: u=rw,g=r,o=
    modification_time: preserve
    access_time: preserve
""",
    returns={
        "path": "The path.",
        "dest": "The path, for links and `touch`.",
        "src": "Target of a link.",
        **ATTRIBUTE_RETURNS,
    },
)


def current(ctx: Ctx, a: Arguments) -> "dict[str, Any]":
    refuse_unsupported(ctx, a)
    path = path_of(ctx, a.path)
    if a.state == "hard" and a.src and _is_directory(look(ctx, path, follow=True)):
        path = os.path.join(path, os.path.basename(a.src))
    there = look(ctx, path)
    aim = _aim(a, there)
    if a.src and aim not in ("link", "hard"):
        raise ctx.fail("src option requires state to be 'link' or 'hard'", path=path)
    if aim != "absent":
        warn_of_missing_accounts(ctx, a)
    if there is not None and there.kind == "link" and a.follow and aim in ("file", "directory", "touch"):
        followed = look(ctx, path, follow=True)
        if followed is not None or aim == "touch":
            path, there = os.path.realpath(path), followed
    state = {"path": path, "aim": aim, **describe(there)}
    if state["state"] == "hard" and aim != "hard":
        state["state"] = "file"
    if aim == "directory" and there is None:
        state["missing"] = missing_directories(ctx, os.path.dirname(path))
    if aim == "directory" and a.recurse and there is not None and there.kind == "directory":
        state["below"] = recurse.differing(ctx, a, path)
    if aim in ("link", "hard"):
        state.update(filelinks.state_of(ctx, a, path, there, aim))
    if there is not None and aim not in ("absent", "hard", "link"):
        state.update({name: round(getattr(there, name), 6) for name in _times(ctx, a, aim)})
    return state


def wanted(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]") -> "dict[str, Any]":
    aim, path = current["aim"], current["path"]
    if aim == "absent":
        return dict(current) if current["state"] == "absent" else {"path": path, "aim": aim, "state": "absent"}
    if aim in ("link", "hard"):
        return filelinks.wanted(ctx, a, current)
    kind = "directory" if aim == "directory" else "file"
    exists = current["state"] != "absent"
    if exists and aim in ("file", "directory") and current["state"] != kind:
        told = "%s already exists as a %s" if kind == "directory" else "file (%s) is %s, cannot continue"
        raise ctx.fail(told % (path, current["state"]), path=path, state=current["state"])
    if not exists and aim == "file":
        message = "file (%s) is absent, cannot continue: it is made by `touch` or the `copy` module" % path
        raise (
            ctx.unknown(message)
            if ctx.check and look(ctx, os.path.dirname(path), follow=True) is None
            else ctx.fail(message, path=path, state="absent")
        )
    if not exists and aim == "touch":
        need_parent(ctx, path)
    base = {**current} if exists else {"path": path, "aim": aim, "state": kind}
    if "missing" in current:
        base["missing"] = []
    if "below" in current:
        base["below"] = {}
    return {**with_attributes(ctx, a, base), **_times(ctx, a, aim)}


def apply(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> None:
    path, aim = current["path"], current["aim"]
    if aim == "absent":
        ctx.remove(path, recursive=True)
    elif aim in ("link", "hard"):
        filelinks.apply(ctx, a, current, wanted)
    elif current["state"] != "absent":
        change_attributes(ctx, path, current, wanted)
    elif aim == "directory":
        for directory in [*current["missing"], path]:
            ctx.mkdir(directory, **given(with_attributes(ctx, a, {"state": "directory"})))
    else:
        ctx.write(path, b"", **given(wanted))
    if current.get("below"):
        recurse.apply(ctx, path, current["below"])
    times = {name: wanted[name] for name in ("atime", "mtime") if name in wanted and wanted[name] != current.get(name)}
    if times and _needs_no_owner(ctx, a, path, times):
        ctx.utime(path)
    elif times:
        ctx.utime(path, **times)


def report(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "dict[str, Any]":
    final = current if current == wanted else wanted if ctx.check else describe(ctx.stat(current["path"]))
    names = {"path": current["path"]} if a.state not in ("link", "hard", "touch") else {"dest": current["path"]}
    if a.state in ("link", "hard"):
        names["src"] = wanted["target"] if a.state == "link" else a.src
    same = {"path": current["path"]}
    unchanged = {"diff": {"before": same, "after": same}} if ctx.want_diff and current == wanted else {}
    return {**names, **shown(final), **unchanged}


def diff(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> Any:
    if current["aim"] in ("link", "hard"):
        found = filelinks.diffs(current, wanted)
        return found[0] if len(found) == 1 else found
    keys = ("state", "mode", "owner", "group", "atime", "mtime", "attributes")
    found = [
        {"before": {"path": path, "state": "absent"}, "after": {"path": path, "state": "directory"}}
        for path in current.get("missing", ())
    ]
    own = attribute_diff(current["path"], current, wanted, keys)
    if own is not None:
        if current["aim"] == "absent" and current["state"] == "directory":
            own["before"]["path_content"] = recurse.listing(ctx, current["path"])
        found.append(own)
    found += [recurse.one_diff(path, entry) for path, entry in current.get("below", {}).items()]
    return found[0] if len(found) == 1 else found


def predictions(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "list[Any]":
    made = [prediction(path, with_attributes(ctx, a, {"state": "directory"})) for path in current.get("missing", ())]
    if current["aim"] in ("file", "touch") and current["state"] == "absent":
        return [*made, prediction(current["path"], wanted, sha256=_EMPTY)]
    more = {"target": wanted["target"]} if wanted.get("target") else {}
    if wanted["state"] == "file":
        more["sha256"] = ctx.sha256(current["path"])
    return [*made, prediction(current["path"], wanted, **more)]


_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def _is_directory(there: Optional[Stat]) -> bool:
    return there is not None and there.kind == "directory"


def _aim(a: Arguments, there: Optional[Stat]) -> str:
    """The state that is meant when none is given: what is there."""
    if a.state is not None:
        return str(a.state)
    if a.src and there is not None and describe(there)["state"] in ("link", "hard"):
        return str(describe(there)["state"])
    if there is None or there.kind == "link":
        return "directory" if a.recurse else "file"
    return "directory" if there.kind == "directory" else "file"


# -- times ---------------------------------------------------------------------------------------------------------


def _times(ctx: Ctx, a: Arguments, aim: str) -> "dict[str, float]":
    """The times that are asked for, rounded to what survives the way through the kernel; none when preserved."""
    wanted = {}
    for name, text, pattern in (
        ("mtime", a.modification_time, a.modification_time_format),
        ("atime", a.access_time, a.access_time_format),
    ):
        text = text or ("now" if aim == "touch" else "preserve")
        if text == "now":
            wanted[name] = a.extra.setdefault("now", round(time.time(), 6))  # one moment for the whole task
        elif text != "preserve":
            try:
                wanted[name] = time.mktime(time.strptime(text, pattern))
            except ValueError as error:
                raise ctx.fail("%r is not a time written as %s: %s" % (text, pattern, error)) from None
    return wanted


def _needs_no_owner(ctx: Ctx, a: Arguments, path: str, times: "Mapping[str, float]") -> bool:
    """Whether both times become the present one of a file that is somebody else's: that the kernel allows to whoever
    may write to the file, unlike any other time."""
    there = ctx.stat(path, follow=True)
    others = there is not None and os.geteuid() not in (0, there.uid)
    return others and len(times) == 2 and set(times.values()) == {a.extra.get("now")}
