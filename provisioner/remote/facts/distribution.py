"""Which Linux it is: distribution, version, family, package manager, service manager."""

from __future__ import annotations

import os
from typing import Any

from provisioner.remote.facts.readers import assignments, text
from provisioner.remote.sdk import Ctx

NAMES = {
    "debian": "Debian", "ubuntu": "Ubuntu", "raspbian": "Debian", "kali": "Kali", "linuxmint": "Linux Mint",
    "pop": "Pop!_OS", "devuan": "Devuan", "rhel": "RedHat", "centos": "CentOS", "rocky": "Rocky",
    "almalinux": "AlmaLinux", "fedora": "Fedora", "amzn": "Amazon", "ol": "OracleLinux",
    "opensuse-leap": "openSUSE Leap",
    "opensuse-tumbleweed": "openSUSE Tumbleweed", "sles": "SLES", "arch": "Archlinux", "manjaro": "Manjaro",
    "alpine": "Alpine", "gentoo": "Gentoo",
}  # fmt: skip
FAMILIES = {
    "Debian": ("debian", "ubuntu", "raspbian", "kali", "linuxmint", "pop", "devuan"),
    "RedHat": ("rhel", "centos", "rocky", "almalinux", "fedora", "amzn", "ol"),
    "Suse": ("opensuse-leap", "opensuse-tumbleweed", "sles"),
    "Archlinux": ("arch", "manjaro"), "Alpine": ("alpine",), "Gentoo": ("gentoo",),
}  # fmt: skip
MANAGERS = (("apt", "/usr/bin/apt-get"), ("dnf5", "/usr/bin/dnf5"), ("dnf", "/usr/bin/dnf"), ("yum", "/usr/bin/yum"),
            ("zypper", "/usr/bin/zypper"), ("pacman", "/usr/bin/pacman"), ("apk", "/sbin/apk"))  # fmt: skip


def collect(ctx: Ctx) -> "dict[str, Any]":
    path = "/etc/os-release" if os.path.exists("/etc/os-release") else "/usr/lib/os-release"
    release = assignments(text(path))
    own = release.get("ID", "").lower()
    version = _version(own, release)
    parts = version.split(".")
    found = {
        "distribution": NAMES.get(own, release.get("NAME", "").split(" ")[0] or "Linux"),
        "distribution_version": version or "NA",
        "distribution_major_version": parts[0] or "NA",
        "distribution_release": _codename(release) or "NA",
        "distribution_file_variety": NAMES.get(own, own), "distribution_file_path": path,
        "distribution_file_parsed": bool(release), "os_family": _family(own, release.get("ID_LIKE", "")),
        "lsb": _lsb(release, version),
        "pkg_mgr": next((name for name, program in MANAGERS if os.path.exists(program)), "unknown"),
        "service_mgr": _service_manager(),
    }  # fmt: skip
    if len(parts) > 1:
        found["distribution_minor_version"] = parts[1]
    return found


def _version(own: str, release: "dict[str, str]") -> str:
    if own in ("debian", "raspbian"):
        exact = text("/etc/debian_version")
        if exact[:1].isdigit():
            return exact
    return release.get("VERSION_ID", "")


def _codename(release: "dict[str, str]") -> str:
    named = release.get("VERSION_CODENAME") or release.get("UBUNTU_CODENAME")
    if named:
        return named
    return release.get("VERSION", "").partition("(")[2].rstrip(")")


def _family(own: str, like: str) -> str:
    for candidate in (own, *like.split()):
        for family, members in FAMILIES.items():
            if candidate in members:
                return family
    return NAMES.get(own, own.capitalize() or "Linux")


def _lsb(release: "dict[str, str]", version: str) -> "dict[str, str]":
    """From lsb-release, else what `lsb_release` would make of os-release; the command itself takes 100 ms."""
    given = assignments(text("/etc/lsb-release"))
    name = given.get("DISTRIB_ID") or NAMES.get(release.get("ID", ""), "")
    number = given.get("DISTRIB_RELEASE") or version
    found = {"id": name, "release": number, "codename": given.get("DISTRIB_CODENAME") or _codename(release),
             "description": given.get("DISTRIB_DESCRIPTION") or release.get("PRETTY_NAME", ""),
             "major_release": number.split(".")[0]}  # fmt: skip
    return {key: value for key, value in found.items() if value}


def _service_manager() -> str:
    if os.path.isdir("/run/systemd/system"):
        return "systemd"
    first = os.path.basename(text("/proc/1/comm"))
    if first == "init" and os.path.exists("/sbin/openrc"):
        return "openrc"
    return {"": "service", "init": "sysvinit", "openrc-init": "openrc"}.get(first, first)
