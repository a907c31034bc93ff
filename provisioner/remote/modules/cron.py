"""Jobs and variables of a user's crontab, or of a file in /etc/cron.d."""

from __future__ import annotations

import os
import re
import time
from typing import Any, Mapping, Optional

from provisioner.remote import accounts, crontab
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg, Arguments, Spec

_SPOOL = "/var/spool/cron/crontabs"
_SPECIAL = ("reboot", "yearly", "annually", "monthly", "weekly", "daily", "hourly")
_TIMES = ("minute", "hour", "day", "month", "weekday")

SPEC = Spec(
    name="cron",
    summary="Keep a job or a variable in a crontab",
    identity=("name", "user", "cron_file"),
    args={
        "name": Arg(
            required=True, doc="What the job is called (in a comment above it), or the variable's name with `env`"
        ),
        "state": Arg(default="present", choices=("present", "absent"), doc="Whether it shall be there"),
        "job": Arg(aliases=("value",), doc="The command, or the variable's value with `env`"),
        "user": Arg(doc="Whose crontab; by default that of the user the task runs as. Needed with `cron_file`"),
        "minute": Arg(default="*", doc="0-59, *, */2 …"),
        "hour": Arg(default="*", doc="0-23, *, */2 …"),
        "day": Arg(default="*", aliases=("dom",), doc="Day of the month: 1-31, *, */2 …"),
        "month": Arg(default="*", doc="1-12, JAN-DEC, *, */2 …"),
        "weekday": Arg(default="*", aliases=("dow",), doc="0-6 for Sunday to Saturday, SUN-SAT, * …"),
        "special_time": Arg(choices=_SPECIAL, doc="A nickname instead of the five fields"),
        "disabled": Arg(type="bool", default=False, doc="Keep the job, but as a comment"),
        "env": Arg(type="bool", default=False, doc="Keep a variable instead of a job"),
        "insertafter": Arg(doc="With `env`: put a new variable behind this one"),
        "insertbefore": Arg(doc="With `env`: put a new variable before this one"),
        "cron_file": Arg(
            doc="A file in /etc/cron.d (or an absolute path, but not /etc/crontab) instead of a user's crontab"
        ),
        "backup": Arg(type="bool", default=False, doc="Keep a copy of the old crontab; its path is `backup_file`"),
    },
    mutually_exclusive=(("insertafter", "insertbefore"), *((("special_time", field)) for field in _TIMES)),
    examples="""
- name: Clean up every night
  cron:
    name: cleanup
    hour: "3"
    minute: "30"
    job: /usr/local/bin/cleanup
- name: Mail goes to the operators
  cron:
    name: MAILTO
    env: true
    job: ops@example.com
- name: A job in /etc/cron.d
  cron:
    name: report
    cron_file: report
    user: root
    special_time: daily
    job: /usr/local/bin/report
""",
    returns={
        "jobs": "names of the jobs in the crontab",
        "envs": "names of its variables",
        "cron_file": "the file, when one was named",
        "backup_file": "where the old crontab is kept, with `backup`",
    },
)


def current(ctx: Ctx, a: Arguments) -> "dict[str, Any]":
    _check_arguments(ctx, a)
    return {"crontab": crontab.joined(_read(ctx, a))}


def wanted(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]") -> "dict[str, Any]":
    lines = current["crontab"].splitlines()
    if a.state == "absent":
        lines = (crontab.remove_variable if a.env else crontab.remove_job)(lines, a.name)
    elif a.env:
        try:
            lines = crontab.set_variable(lines, a.name, a.job, a.insertafter, a.insertbefore)
        except KeyError as error:
            raise ctx.fail(
                "Variable named '%s' not found in the crontab, so nothing can stand next to it" % error.args[0]
            ) from None
    else:
        lines = crontab.set_job(lines, a.name, _job_line(a))
    return {"crontab": crontab.joined(lines)}


def apply(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "dict[str, Any]":
    result = {}
    old, new = (text["crontab"].encode("utf-8", "surrogateescape") for text in (current, wanted))
    if a.backup:
        kept = "%s/cron-backups" % ctx.state_dir
        ctx.mkdir(kept, mode="0700", parents=True)
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", a.cron_file or a.user or "own")
        result["backup_file"] = "%s/%s.%s" % (kept, name.lstrip("._"), time.strftime("%Y%m%dT%H%M%S"))
        ctx.write(result["backup_file"], old, mode="0600")
    path = _file(a)
    if path is not None:
        if wanted["crontab"].strip():
            ctx.write(path, new, mode=None if old else "0644")
        else:
            ctx.remove(path)
    elif wanted["crontab"].strip():
        ctx.run(_tool(a, "-"), input=new, check=True)
    else:
        ctx.run(_tool(a, "-r"), check=True)
    return result


def report(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "dict[str, Any]":
    lines = wanted["crontab"].splitlines()
    result: "dict[str, Any]" = {"jobs": crontab.jobs(lines), "envs": crontab.variables(lines)}
    return {**result, "cron_file": a.cron_file} if a.cron_file else result


def diff(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "dict[str, Any]":
    where = _file(a) or "crontab of %s" % (a.user or "this user")
    return {"before_header": where, "after_header": where, "before": current["crontab"], "after": wanted["crontab"]}


def predictions(
    ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]"
) -> "list[tuple[str, str, Mapping[str, Any]]]":
    path = _file(a)
    return [] if path is None else [("path", path, {"kind": "file" if wanted["crontab"].strip() else "absent"})]


def _check_arguments(ctx: Ctx, a: Arguments) -> None:
    if a.state == "present" and a.job is None:
        raise ctx.fail("You must specify 'job' to install a new cron job or variable")
    for field in ("name", "job", "insertafter", "insertbefore", *_TIMES):
        value = getattr(a, field)
        if value is not None and any(bad in value for bad in "\n\r\0"):
            raise ctx.fail("`%s` can't hold a line break: it would become a line of its own in the crontab" % field)
    for field in _TIMES:
        if not re.fullmatch(r"[0-9A-Za-z*/,~-]+", getattr(a, field).strip()):
            raise ctx.fail("`%s: %s` is not a field of a crontab, like 5, */10, 1-5 or *" % (field, getattr(a, field)))
    if a.env and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", a.name):
        raise ctx.fail("Invalid name for environment variable: %r" % a.name)
    if a.env and a.job is not None and '"' in a.job:
        raise ctx.fail("a crontab's variable can't hold a double quote")
    if a.user is not None:
        accounts.check_name(ctx, "user", a.user)
        if not accounts.is_there(ctx, "user", a.user):
            raise ctx.fail("there is no user %s whose crontab this could be" % a.user)
    if a.cron_file is not None:
        _check_cron_file(ctx, a)


def _check_cron_file(ctx: Ctx, a: Arguments) -> None:
    if a.user is None and a.state == "present" and not a.env:
        raise ctx.fail("To use cron_file=... parameter you must specify user=... as well")
    if _file(a) == "/etc/crontab":
        raise ctx.fail("Will not manage /etc/crontab via cron_file, see documentation.")
    if ".." in a.cron_file.split("/") or any(bad in a.cron_file for bad in "\n\r\0"):
        raise ctx.fail("`cron_file: %s` is not a file name" % a.cron_file)
    name = a.cron_file.rpartition("/")[2]
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name) and a.state == "present":
        ctx.warn(
            "cron ignores files in /etc/cron.d whose name has other characters than letters, digits, `_` and `-`: %s"
            % name
        )


def _job_line(a: Arguments) -> str:
    off = "#" if a.disabled else ""
    when = "@" + a.special_time if a.special_time else " ".join(getattr(a, field).strip() for field in _TIMES)
    return "%s%s %s%s" % (off, when, a.user + " " if a.cron_file else "", a.job.strip())


def _file(a: Arguments) -> Optional[str]:
    if a.cron_file is None:
        return None
    return str(a.cron_file) if a.cron_file.startswith("/") else "/etc/cron.d/%s" % a.cron_file


def _tool(a: Arguments, action: str) -> "list[str]":
    return ["crontab", *(["-u", a.user] if a.user is not None else []), action]


def _read(ctx: Ctx, a: Arguments) -> "list[str]":
    path = _file(a)
    if path is not None:
        return (ctx.read_text(path) or "").splitlines()
    if os.geteuid() == 0 and ctx.stat(_SPOOL) is not None:
        return crontab.without_header(ctx.read_text("%s/%s" % (_SPOOL, a.user or "root")) or "")
    listed = ctx.query(_tool(a, "-l"))
    if listed.rc == 127 and not ctx.check:
        raise ctx.fail("there is no crontab program on this host; install the package cron first")
    if listed.rc not in (0, 1, 127):
        raise ctx.fail("crontab -l failed: %s" % listed.stderr.strip(), rc=listed.rc)
    return listed.stdout.splitlines() if listed.rc == 0 else []
