"""The installed runner behind a key that may only check: `sshd` starts it, whatever the other side asks for.

Its code lies on the host, and nobody but root can change it. It takes no code, no commands and no variables; it runs
tasks in check mode only, of the modules named here, whose arguments can't make a program of the host do anything but
read. What is sent is data, from somebody who may want to do harm: the controller's program is not trusted here.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import sys
from typing import Any, Mapping, Optional

from provisioner.remote.stage0 import own_descriptors

FILE = "/usr/local/lib/provision/check-only.pyz"
MANIFEST = "manifest.json"
PYTHON = "/usr/bin/python3"
COMMAND = (PYTHON, "-I", "-S", "-X", "utf8", FILE)
"""What the key's line in authorized_keys starts."""

_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
_ASKED = re.compile(r" ([0-9a-f]{64}) ([0-9a-f]{32})(?![0-9a-f])")
_BECOME = re.compile(r" -u ([a-z_][a-z0-9_-]*) -- /bin/sh -c ")

_READING = frozenset((
    "blockinfile", "copy", "cron", "file", "find", "group", "host_baseline", "host_survey", "host_traces", "hostname",
    "lineinfile", "ping", "replace", "service", "slurp", "stat", "sysctl", "systemd", "user",
))  # fmt: skip
"""Modules that in check mode start no program but those that tell a state, with names that they look at first."""

_PACKAGES = frozenset(("name", "pkg", "package", "state", "update_cache", "cache_valid_time", "purge", "only_upgrade",
                       "lock_timeout"))  # fmt: skip
_ARGUMENTS = {
    "setup": frozenset(("gather_subset", "filter", "gather_timeout")),  # no directory of programs
    "apt": _PACKAGES,  # none that becomes an option of apt-get: options name programs
    "package": _PACKAGES,
}
"""Modules that are run with these arguments only."""

_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*\*?(:[a-z0-9]+)?( ?(=|>=) ?[A-Za-z0-9.+:~*-]+)?")


def refusal(module: str, args: "Mapping[str, Any]") -> str:
    """Why a task is not run; empty if it is."""
    if module in _READING:
        return ""
    if module not in _ARGUMENTS:
        return "this key may only check, and `%s` is not run for it" % module
    others = sorted(set(args) - _ARGUMENTS[module])
    if others:
        return "this key may only check, and `%s` is not run for it with `%s`" % (module, others[0])
    if module in ("apt", "package") and not all(_PACKAGE.fullmatch(name) for name in _packages(args)):
        return "this key may only check, and only packages that are called by their names"
    return ""


def refused(header: "Mapping[str, Any]") -> "Optional[dict[str, Any]]":
    """The result of a task that is not run, None for one that is."""
    if header.get("check") is not True:
        return {"failed": True, "changed": False, "msg": "this key may only check, and changes nothing"}
    if header.get("background") or header.get("env"):
        what = "jobs" if header.get("background") else "variables (`environment`)"
        return {"changed": False, "unknown": "this key may only check, and takes no %s" % what}
    why = refusal(str(header.get("module")), header.get("args") or {})
    return {"changed": False, "unknown": why} if why else None


def _packages(args: "Mapping[str, Any]") -> "list[str]":
    found: "list[str]" = []
    for key in ("name", "pkg", "package"):
        given = args.get(key) or []
        for each in [given] if isinstance(given, str) else given:
            found += [part.strip() for part in str(each).split(",")]
    return found


class Installed:
    """A `runner.Loader` of what lies on the host."""

    def __init__(self, manifest: "Mapping[str, Any]") -> None:
        self._modules = manifest["modules"]
        self.fetch: Any = None

    def cached(self) -> "list[str]":
        return sorted(self._modules.values())

    def knows(self, name: str) -> bool:
        return name in self._modules

    def lacking(self, name: str) -> "list[str]":
        return []

    def receive(self, name: str, sha256: str, source: bytes) -> None:
        raise ValueError("this key may only check: no code is taken")


def main() -> None:
    """Started by sshd, it starts itself once more: as the user that is asked for, with an environment of its own."""
    if len(sys.argv) == 3:
        _serve(sys.argv[1], sys.argv[2])
        return
    command = os.environ.get("SSH_ORIGINAL_COMMAND", "")
    asked, become = _ASKED.search(command), _BECOME.search(command)
    if asked is None:
        raise SystemExit("this key may only check: `provision drift` and `provision plan`")
    start = [*COMMAND, *asked.groups()]
    if become is not None and become.group(1) != pwd.getpwuid(os.geteuid()).pw_name:
        start = ["/usr/bin/sudo", "-n", "-H", "-u", become.group(1), "--", *start]
    os.execve(start[0], start, _ENVIRONMENT)  # noqa: S606 - a shell is what there must not be


def _serve(sha: str, nonce: str) -> None:
    import zipimport  # noqa: PLC0415

    from provisioner.remote import runner  # noqa: PLC0415

    manifest = json.loads(zipimport.zipimporter(FILE).get_data(os.path.join(FILE, MANIFEST)))
    if manifest["core"] != sha:
        raise SystemExit("the installed check-only runner is of another version of provision: "
                         "install this one's by `provision schedule key`")  # fmt: skip
    source, sink = own_descriptors()
    os.write(sink, ("\nPROVISION-%s have\n" % nonce).encode())
    runner.main(Installed(manifest), source, sink, b"", refused, refusal)


if __name__ == "__main__":
    main()
