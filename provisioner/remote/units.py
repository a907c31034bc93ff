"""systemd's units: what state one is in and how it gets to another. Used by `systemd` and `service`.

One `systemctl show` tells everything about a unit, so an unchanged task costs one short process.
"""

from __future__ import annotations

import os
import re
from typing import Any, Mapping, NamedTuple, Optional, Sequence

from provisioner.remote.sdk import Completed, Ctx, Result

_SUFFIXES = (
    ".service",
    ".socket",
    ".device",
    ".mount",
    ".automount",
    ".swap",
    ".target",
    ".path",
    ".timer",
    ".slice",
    ".scope",
)
_NAME = re.compile(r"[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*")
_FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/etc/systemd/user",
    "/usr/lib/systemd/user",
)
_RUNNING = ("active", "activating", "reloading")
#: Stands for the state of a unit while systemd is offline.
_NOT_KNOWN = "unknown"
#: States of unit files that `systemctl enable` would leave as they are.
_ENABLED = ("enabled", "static", "alias", "generated", "transient")
_EFFECTS = {
    "mask": ("UnitFileState", "masked"),
    "unmask": ("UnitFileState", "disabled"),
    "enable": ("UnitFileState", "enabled"),
    "disable": ("UnitFileState", "disabled"),
    "start": ("ActiveState", "active"),
    "stop": ("ActiveState", "inactive"),
    "restart": ("ActiveState", "active"),
    "reload": ("ActiveState", "active"),
}


class Order(NamedTuple):
    """What a task asks of a unit."""

    name: Optional[str]
    state: Optional[str] = None
    enabled: Optional[bool] = None
    masked: Optional[bool] = None
    daemon_reload: bool = False
    daemon_reexec: bool = False
    scope: str = "system"
    no_block: bool = False
    force: bool = False


def full_name(ctx: Ctx, name: str) -> str:
    """The unit's whole name ("nginx" means "nginx.service"); refuses options and patterns."""
    if not _NAME.fullmatch(name):
        raise ctx.fail("%r is not the name of a unit" % name)
    return name if name.endswith(_SUFFIXES) else name + ".service"


def manage(ctx: Ctx, order: Order) -> Result:
    """Bring one unit into the state asked for, or say what that would change."""
    tool = _Systemctl(ctx, order.scope)
    if order.name is None:
        _reload_manager(ctx, tool, order)
        return Result()
    data: "dict[str, Any]" = {"name": order.name}
    unit = full_name(ctx, order.name)
    if not ctx.check:
        _reload_manager(ctx, tool, order)
    status = _status(ctx, tool, unit, order.enabled is not None)
    if status is None and order.masked and order.state is None and not order.enabled:
        status = {"Id": unit, "LoadState": "not-found", "ActiveState": "inactive", "UnitFileState": ""}
    if status is None:
        status = _only_predicted(ctx, unit)
    steps = _steps(ctx, tool, unit, status, order)
    if order.enabled is not None:
        data["enabled"] = order.enabled
    if order.state is not None:
        data["state"] = "stopped" if order.state == "stopped" else "started"
    before, after = _difference(steps, status)
    diff = {"before": before, "after": after} if steps and ctx.want_diff else None
    if steps and not ctx.check:
        if status.get("NeedDaemonReload") == "yes" and not order.daemon_reload:
            tool.change(["daemon-reload"])  # systemd would go on with the unit as it was before the file changed
        for step in steps:
            _take(ctx, tool, unit, step, order)
        status = _status(ctx, tool, unit, False) or status
    predictions = [("service", unit, {"kind": "present", **after})] if steps else []
    return Result(changed=bool(steps), diff=diff, predictions=predictions, status=dict(status), **data)


def has_systemd(ctx: Ctx) -> bool:
    """Whether systemd is the host's init."""
    return ctx.stat("/run/systemd/system") is not None


class _Systemctl:
    """systemctl of one scope."""

    def __init__(self, ctx: Ctx, scope: str) -> None:
        self._ctx = ctx
        self._argv = ["systemctl", *({"user": ["--user"], "global": ["--global"]}.get(scope, []))]
        self._env: "dict[str, str]" = {"LC_ALL": "C", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""}
        self._scope = scope
        if scope == "user":
            self._env["XDG_RUNTIME_DIR"] = "/run/user/%d" % os.getuid()

    @property
    def scope(self) -> str:
        return self._scope

    def ask(self, words: "Sequence[str]") -> Completed:
        done = self._ctx.query([*self._argv, *words], env=self._env)
        if done.rc == 127:
            raise self._ctx.fail("there is no systemctl on this host: it is not run by systemd")
        return done

    def change(self, words: "Sequence[str]") -> Completed:
        return self._ctx.run([*self._argv, *words], env=self._env)


def _reload_manager(ctx: Ctx, tool: _Systemctl, order: Order) -> None:
    for asked, word in ((order.daemon_reload, "daemon-reload"), (order.daemon_reexec, "daemon-reexec")):
        if asked and not ctx.check:
            done = tool.change([word])
            if done.rc:
                raise ctx.fail("systemctl %s failed: %s" % (word, done.stderr.strip()), rc=done.rc)


def _status(ctx: Ctx, tool: _Systemctl, unit: str, need_enabled: bool) -> "Optional[dict[str, str]]":
    """The unit's properties, None when there is no such unit. For scripts of System V systemd leaves out whether
    they are enabled; `need_enabled` has that asked for."""
    if tool.scope == "global" or "@." in unit:  # a template or another user's unit has no live state
        return _file_status(tool, unit)
    done = tool.ask(["show", "--no-pager", "--", unit])
    if done.rc:
        if "not been booted with systemd" in done.stderr or "connect to bus" in done.stderr:
            return _file_status(tool, unit)
        raise ctx.fail("systemctl show %s failed: %s" % (unit, done.stderr.strip()), rc=done.rc, stderr=done.stderr)
    status = _properties(done.stdout)
    if not status:  # what systemctl answers in a chroot or with SYSTEMD_OFFLINE: it talks to no manager
        offline = _file_status(tool, unit)
        return None if offline is None else {**offline, "ActiveState": _NOT_KNOWN}
    if status.get("LoadState") == "not-found" and status.get("ActiveState") in ("inactive", "failed", None):
        return None
    if need_enabled and status.get("UnitFileState", "") in ("", "generated"):
        status["UnitFileState"] = tool.ask(["is-enabled", "--", unit]).stdout.strip()
    return status


def _properties(text: str) -> "dict[str, str]":
    found: "dict[str, str]" = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and key.isalnum():
            found.setdefault(key, value)
    return found


def _file_status(tool: _Systemctl, unit: str) -> "Optional[dict[str, str]]":
    done = tool.ask(["is-enabled", "--", unit])
    state = done.stdout.strip()
    if not state or state == "not-found":
        return None
    return {
        "Id": unit,
        "LoadState": "masked" if state == "masked" else "stub",
        "ActiveState": "inactive",
        "UnitFileState": state,
    }


def _only_predicted(ctx: Ctx, unit: str) -> "dict[str, str]":
    """The state of a unit that only earlier tasks of this check would have made; fails when none would have."""
    if ctx.check:
        known = ctx.predicted("service", unit)
        if known is not None:
            return {"Id": unit, **{key: str(value) for key, value in known.items() if key != "kind"}}
        template = re.sub(r"@[^.]+\.", "@.", unit)
        for name in {unit, template}:
            for folder in _FOLDERS:
                path = ctx.predicted("path", "%s/%s" % (folder, name))
                if path is not None and path.get("kind") in ("file", "link"):
                    return {"Id": unit, "LoadState": "loaded", "ActiveState": "inactive", "UnitFileState": "disabled"}
        if ctx.predicted("package", "*") is not None:
            raise ctx.unknown("the unit %s is not there yet; a package that would be installed may bring it" % unit)
    raise ctx.fail("Could not find the requested service %s: there is no such unit on this host" % unit)


def _steps(ctx: Ctx, tool: _Systemctl, unit: str, status: "Mapping[str, str]", order: Order) -> "list[str]":
    """The systemctl verbs that lead to what is wanted, in order."""
    steps = []
    active, file_state = status.get("ActiveState", ""), status.get("UnitFileState", "")
    masked = status.get("LoadState") == "masked" or file_state.startswith("masked")
    if order.masked is not None and order.masked != masked:
        steps.append("mask" if order.masked else "unmask")
    by_others = order.enabled is not None and _is_enabled_by_others(tool, unit, file_state)
    if order.enabled and file_state not in _ENABLED and not by_others:
        steps.append("enable")
    elif order.enabled is False and (file_state == "enabled" or by_others):  # until the next boot enabled: stays so
        steps.append("disable")
    if order.state is not None and active == _NOT_KNOWN:
        ctx.warn("systemd is offline here (a chroot, or SYSTEMD_OFFLINE is set): %s is not made %s, because whether "
                 "it runs can't be known" % (unit, order.state))
        return steps
    running = active in _RUNNING
    if order.state == "started" and not running:
        steps.append("start")
    elif order.state == "stopped" and (running or active == "deactivating"):
        steps.append("stop")
    elif order.state == "restarted":
        steps.append("restart")
    elif order.state == "reloaded":
        steps.append("reload" if running else "start")
    if masked and order.masked is None and any(step in ("enable", "start", "restart") for step in steps):
        raise ctx.fail("%s is masked, so it can't be started or enabled; add `masked: false`" % unit)
    return steps


def _is_enabled_by_others(tool: _Systemctl, unit: str, file_state: str) -> bool:
    """Of a unit that is enabled through others (`Also=`, or a link with another name): whether they are enabled."""
    return file_state == "indirect" and len(tool.ask(["is-enabled", "--full", "--", unit]).stdout.splitlines()) > 1


def _difference(steps: "Sequence[str]", status: "Mapping[str, str]") -> "tuple[dict[str, str], dict[str, str]]":
    before, after = {}, {}
    for step in steps:
        field, value = _EFFECTS[step]
        before[field] = status.get(field, "")
        after[field] = value
        if step in ("restart", "reload"):
            after[step] = "done"
    return before, after


def _take(ctx: Ctx, tool: _Systemctl, unit: str, step: str, order: Order) -> None:
    options = []
    if order.force and step in ("enable", "disable", "mask", "unmask"):
        options.append("--force")
    if order.no_block and step in ("start", "stop", "restart", "reload"):
        options.append("--no-block")
    done = tool.change([step, *options, "--", unit])
    if done.rc == 0:
        return
    message = "Unable to %s service %s: %s" % (step, unit, (done.stderr or done.stdout).strip())
    data: "dict[str, Any]" = {"rc": done.rc, "stderr": done.stderr}
    if step in ("start", "restart", "reload") and tool.scope == "system":
        journal = ctx.query(["journalctl", "--no-pager", "-q", "-o", "cat", "-n", "10", "-u", unit])
        if journal.rc == 0 and journal.stdout.strip():
            message += "\nIts last lines in the journal:\n" + journal.stdout.rstrip()
            data["journal"] = journal.stdout.splitlines()
    raise ctx.fail(message, **data)
