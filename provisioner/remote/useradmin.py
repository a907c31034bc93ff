"""The commands that make and change users. Secrets go through standard input, never through arguments."""

from __future__ import annotations

import time
from typing import Any, Mapping, Optional

from provisioner.remote import accounts
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arguments

#: Arguments about the password's age, with the field of `Shadow` and the option of chage.
AGES = {
    "password_expire_max": ("maximum", "--maxdays"),
    "password_expire_min": ("minimum", "--mindays"),
    "password_expire_warn": ("warn", "--warndays"),
    "password_expire_account_disable": ("inactive", "--inactive"),
}


def day(seconds: float) -> Optional[int]:
    return None if seconds < 0 else int(seconds // 86400)


def _date(day: Optional[int]) -> str:
    return "" if day is None else time.strftime("%Y-%m-%d", time.gmtime(day * 86400))


def add(ctx: Ctx, a: Arguments, wanted: "Mapping[str, Any]") -> None:
    argv = ["useradd"]
    for option, field in (
        ("--uid", "uid"),
        ("--gid", "group"),
        ("--comment", "comment"),
        ("--home-dir", "home"),
        ("--shell", "shell"),
    ):
        if wanted.get(field) is not None:
            argv += [option, str(wanted[field])]
    if a.group is None and accounts.find_group(ctx, a.name) is not None:
        argv.append("--no-user-group")  # useradd refuses to make a group that is there already
    if wanted.get("groups"):
        argv += ["--groups", ",".join(wanted["groups"])]
    if a.expires is not None:
        argv += ["--expiredate", _date(wanted["expires"])]
    argv += ["--create-home"] if a.create_home else ["--no-create-home"]
    if a.create_home and a.skeleton is not None:
        argv += ["--skel", a.skeleton]
    for key, value in (("UMASK", a.umask), ("UID_MIN", a.uid_min), ("UID_MAX", a.uid_max)):
        if value is not None:
            argv += ["--key", "%s=%s" % (key, value)]
    argv += [*(["--non-unique"] if a.non_unique else []), *(["--system"] if a.system else [])]
    ctx.run([*argv, "--", a.name], check=True)


def modify(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> None:
    argv = ["usermod"]
    for option, field in (
        ("--uid", "uid"),
        ("--gid", "group"),
        ("--comment", "comment"),
        ("--home", "home"),
        ("--shell", "shell"),
    ):
        if wanted.get(field) != current.get(field):
            argv += [option, str(wanted[field])]
    if "--uid" in argv and a.non_unique:
        argv.append("--non-unique")
    if "--home" in argv and a.move_home:
        argv.append("--move-home")
    if wanted.get("groups") != current.get("groups"):
        argv += ["--groups", ",".join(wanted["groups"])]
    if wanted.get("expires") != current.get("expires"):
        argv += ["--expiredate", _date(wanted["expires"])]
    if len(argv) > 1:
        ctx.run([*argv, "--", a.name], check=True)


def age(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> None:
    argv = ["chage"]
    for argument, (field, option) in AGES.items():
        if getattr(a, argument) is not None and wanted[field] != current.get(field):
            argv += [option, str(wanted[field])]
    if len(argv) > 1:
        done = ctx.run([*argv, "--", a.name])
        if "--mindays" in done.stderr.partition("\n")[0]:
            raise ctx.fail(
                "this system's chage knows no least age of a password any more; leave out `password_expire_min`"
            )
        if done.rc:
            raise ctx.fail("chage failed: %s" % done.stderr.strip(), rc=done.rc, stderr=done.stderr)


def lock(ctx: Ctx, a: Arguments) -> None:
    shadow = accounts.find_shadow(ctx, a.name)
    if shadow is not None and shadow.password.strip("!") and shadow.password.startswith("!") != a.password_lock:
        ctx.run(["usermod", "--lock" if a.password_lock else "--unlock", "--", a.name], check=True)
