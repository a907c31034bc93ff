"""The minimum: names, kernel, user, Python, time, environment, security modules, SSH host keys, DNS settings."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from provisioner.remote.facts.readers import assignments, text
from provisioner.remote.sdk import Ctx

BITS = "64" if sys.maxsize > 2**32 else "32"
THIRTY_TWO = {"x86_64": "i386", "aarch64": "armv7l"}
KEYS = ("dsa", "rsa", "ecdsa", "ed25519")


def collect(ctx: Ctx) -> "dict[str, Any]":
    return {**_kernel(), **_names(), **_user(), **_python(), **_security(), **_ssh_keys(),
            "env": {**os.environ, **ctx.environment},
            "date_time": _date_time(time.time()), "dns": _dns(), "cmdline": _cmdline(), "proc_cmdline": _cmdline(),
            "machine_id": text("/etc/machine-id") or text("/var/lib/dbus/machine-id"), "is_chroot": _is_chroot(),
            "loadavg": dict(zip(("1m", "5m", "15m"), os.getloadavg()))}


def _kernel() -> "dict[str, Any]":
    system = os.uname()
    userspace = system.machine if BITS == "64" else THIRTY_TWO.get(system.machine, system.machine)
    architecture = "i386" if system.machine in ("i486", "i586", "i686") else system.machine
    return {"system": system.sysname, "kernel": system.release, "kernel_version": system.version,
            "machine": system.machine, "architecture": architecture,
            "userspace_bits": BITS, "userspace_architecture": userspace}  # fmt: skip


def _names() -> "dict[str, Any]":
    """The full name comes from /etc/hosts alone: asking DNS may take seconds and differ from call to call."""
    node = os.uname().nodename
    full = node
    for line in text("/etc/hosts").splitlines():
        words = line.partition("#")[0].split()
        if node in words[1:] and "." in words[1]:
            full = words[1]
            break
    return {"nodename": node, "hostname": node.split(".")[0], "fqdn": full, "domain": full.partition(".")[2]}


def _user() -> "dict[str, Any]":
    import pwd  # noqa: PLC0415 - as everywhere: not every session needs it

    found: "dict[str, Any]" = {
        "user_uid": os.getuid(), "user_gid": os.getgid(), "real_user_id": os.getuid(), "real_group_id": os.getgid(),
        "effective_user_id": os.geteuid(), "effective_group_id": os.getegid(),
    }  # fmt: skip
    try:
        entry = pwd.getpwuid(os.getuid())
    except KeyError:
        return {**found, "user_id": str(os.getuid())}
    return {**found, "user_id": entry.pw_name, "user_gecos": entry.pw_gecos, "user_dir": entry.pw_dir,
            "user_shell": entry.pw_shell}  # fmt: skip


def _python() -> "dict[str, Any]":
    version = sys.version_info
    fields = dict(zip(("major", "minor", "micro", "releaselevel", "serial"), version))
    return {"python_version": "%d.%d.%d" % version[:3],
            "python": {"version": fields, "version_info": list(version), "executable": sys.executable,
                       "has_sslcontext": True, "type": sys.implementation.name}}  # fmt: skip


def _security() -> "dict[str, Any]":
    enforce = text("/sys/fs/selinux/enforce")
    selinux = {"status": "disabled"}
    if enforce:
        config = assignments(text("/etc/selinux/config"))
        mode = "enforcing" if enforce == "1" else "permissive"
        selinux = {"status": "enabled", "mode": mode, "config_mode": config.get("SELINUX", "unknown"),
                   "type": config.get("SELINUXTYPE", "unknown"),
                   "policyvers": text("/sys/fs/selinux/policyvers")}  # fmt: skip
    apparmor = "enabled" if os.path.isdir("/sys/kernel/security/apparmor") else "disabled"
    return {"selinux": selinux, "selinux_python_present": True, "fips": text("/proc/sys/crypto/fips_enabled") == "1",
            "apparmor": {"status": apparmor}}  # fmt: skip


def _ssh_keys() -> "dict[str, str]":
    found = {}
    for kind in KEYS:
        words = text("/etc/ssh/ssh_host_%s_key.pub" % kind).split()
        if len(words) > 1:
            found["ssh_host_key_%s_public" % kind] = words[1]
            found["ssh_host_key_%s_public_keytype" % kind] = words[0]
    return found


def _date_time(now: float) -> "dict[str, str]":
    local, utc, micro = time.localtime(now), time.gmtime(now), "%06d" % int(now % 1 * 1_000_000)
    found = {name: time.strftime(form, local) for name, form in (
        ("year", "%Y"), ("month", "%m"), ("weekday", "%A"), ("weekday_number", "%w"), ("weeknumber", "%W"),
        ("day", "%d"), ("hour", "%H"), ("minute", "%M"), ("second", "%S"), ("date", "%Y-%m-%d"), ("time", "%H:%M:%S"),
        ("iso8601_basic_short", "%Y%m%dT%H%M%S"), ("tz", "%Z"), ("tz_offset", "%z"),
    )}  # fmt: skip
    return {**found, "epoch": str(int(now)), "epoch_int": str(int(now)), "tz_dst": time.tzname[1],
            "iso8601": time.strftime("%Y-%m-%dT%H:%M:%SZ", utc),
            "iso8601_micro": time.strftime("%Y-%m-%dT%H:%M:%S.", utc) + micro + "Z",
            "iso8601_basic": time.strftime("%Y%m%dT%H%M%S", local) + micro}  # fmt: skip


def _dns() -> "dict[str, Any]":
    found: "dict[str, Any]" = {}
    for line in text("/etc/resolv.conf").splitlines():
        words = line.split()
        if len(words) < 2 or words[0][0] in "#;":
            continue
        if words[0] == "nameserver":
            found.setdefault("nameservers", []).append(words[1])
        elif words[0] == "domain":
            found["domain"] = words[1]
        elif words[0] in ("search", "sortlist"):
            found[words[0]] = words[1:]
        elif words[0] == "options":
            found["options"] = {key: value or True for key, _, value in (word.partition(":") for word in words[1:])}
    return found


def _cmdline() -> "dict[str, Any]":
    return {key: value if separator else True for key, separator, value in
            (word.partition("=") for word in text("/proc/cmdline").split())}  # fmt: skip


def _is_chroot() -> bool:
    try:
        outer, inner = os.stat("/proc/1/root/."), os.stat("/")
    except OSError:
        return bool(os.environ.get("debian_chroot"))  # noqa: SIM112 - Debian's own spelling
    return (outer.st_dev, outer.st_ino) != (inner.st_dev, inner.st_ino)
