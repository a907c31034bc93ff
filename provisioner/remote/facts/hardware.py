"""Memory, processors, file systems, disks, firmware names, uptime: all from /proc and /sys."""

from __future__ import annotations

import os
from typing import Any

from provisioner.remote.facts.readers import NOT_AVAILABLE, names, text
from provisioner.remote.sdk import Ctx

DMI = {
    "bios_date": "bios_date", "bios_vendor": "bios_vendor", "bios_version": "bios_version",
    "board_asset_tag": "board_asset_tag", "board_name": "board_name", "board_serial": "board_serial",
    "board_vendor": "board_vendor", "board_version": "board_version", "chassis_asset_tag": "chassis_asset_tag",
    "chassis_serial": "chassis_serial", "chassis_vendor": "chassis_vendor", "chassis_version": "chassis_version",
    "product_name": "product_name", "product_serial": "product_serial", "product_uuid": "product_uuid",
    "product_version": "product_version", "sys_vendor": "system_vendor",
}  # fmt: skip
REMOTE = ("nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "fuse.sshfs", "9p")
"""Asking these for their size may hang for ever when the server is gone."""


def collect(ctx: Ctx) -> "dict[str, Any]":
    seconds = text("/proc/uptime").split()
    return {**_memory(), **_processors(), **_firmware(), "mounts": _mounts(), "devices": _devices(),
            "uptime_seconds": int(float(seconds[0])) if seconds else 0}  # fmt: skip


def _memory() -> "dict[str, Any]":
    kib = {}
    for line in text("/proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        number = value.split()
        kib[name] = int(number[0]) if number and number[0].isdigit() else 0
    mb = {name: value // 1024 for name, value in kib.items()}
    total, free, cached = mb.get("MemTotal", 0), mb.get("MemFree", 0), mb.get("Cached", 0)
    idle = free + mb.get("Buffers", 0) + cached
    swap, swap_free = mb.get("SwapTotal", 0), mb.get("SwapFree", 0)
    return {
        "memtotal_mb": total, "memfree_mb": free, "swaptotal_mb": swap, "swapfree_mb": swap_free,
        "memory_mb": {"real": {"total": total, "used": total - free, "free": free},
                      "nocache": {"free": idle, "used": total - idle},
                      "swap": {"total": swap, "free": swap_free, "used": swap - swap_free,
                               "cached": mb.get("SwapCached", 0)}},
    }  # fmt: skip


def _processors() -> "dict[str, Any]":
    described: "list[str]" = []
    sockets: "dict[str, set[str]]" = {}
    current: "dict[str, str]" = {}
    count = 0
    for line in [*text("/proc/cpuinfo").splitlines(), ""]:
        name, _, value = (part.strip() for part in line.partition(":"))
        if name == "processor":
            count += 1
        if name in ("processor", "vendor_id", "model name", "Processor", "cpu model"):
            described.append(value)
        current[name] = value
        if not name and current.get("physical id"):
            sockets.setdefault(current["physical id"], set()).add(current.get("core id", "0"))
            current = {}
    physical = len(sockets) or count or 1
    cores = max([len(ids) for ids in sockets.values()] or [1])
    virtual = count or os.cpu_count() or 1
    return {"processor": described, "processor_count": physical, "processor_cores": cores,
            "processor_threads_per_core": max(1, virtual // (physical * cores)), "processor_vcpus": virtual,
            "processor_nproc": len(os.sched_getaffinity(0))}  # fmt: skip


def _firmware() -> "dict[str, str]":
    return {fact: text("/sys/class/dmi/id/" + name).strip() or NOT_AVAILABLE for name, fact in DMI.items()}


def _mounts() -> "list[dict[str, Any]]":
    uuids = {}
    for name in names("/dev/disk/by-uuid"):
        uuids[os.path.realpath("/dev/disk/by-uuid/" + name)] = name
    found = []
    for line in text("/proc/self/mounts").splitlines():
        fields = [_unescaped(field) for field in line.split()]
        if len(fields) < 6 or not (fields[0].startswith("/") or ":" in fields[0] or fields[1] == "/"):
            continue
        device, mount, kind, options = fields[:4]
        entry: "dict[str, Any]" = {"mount": mount, "device": device, "fstype": kind, "options": options,
                                   "dump": int(fields[4]), "passno": int(fields[5]),
                                   "uuid": uuids.get(os.path.realpath(device), "N/A")}  # fmt: skip
        if kind not in REMOTE:
            entry.update(_sizes(mount))
        found.append(entry)
    return found


def _sizes(mount: str) -> "dict[str, int]":
    try:
        status = os.statvfs(mount)
    except OSError:
        return {}
    return {"size_total": status.f_frsize * status.f_blocks, "size_available": status.f_frsize * status.f_bavail,
            "block_size": status.f_bsize, "block_total": status.f_blocks, "block_available": status.f_bavail,
            "block_used": status.f_blocks - status.f_bavail, "inode_total": status.f_files,
            "inode_available": status.f_favail, "inode_used": status.f_files - status.f_favail}  # fmt: skip


def _unescaped(field: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(code, char)
    return field


def _devices() -> "dict[str, Any]":
    found = {}
    for name in names("/sys/block"):
        folder = "/sys/block/%s/" % name
        size, sector = text(folder + "size"), text(folder + "queue/hw_sector_size") or "512"
        if not size.isdigit() or size == "0" or name.startswith(("loop", "ram")):
            continue
        found[name] = {
            "model": text(folder + "device/model").strip() or None,
            "vendor": text(folder + "device/vendor").strip() or None,
            "removable": text(folder + "removable"), "rotational": text(folder + "queue/rotational"),
            "sectors": int(size), "sectorsize": sector, "size": _readable(int(size) * 512),
            "holders": names(folder + "holders"),
            "virtual": 0 if os.path.exists(folder + "device") else 1,
            "partitions": {part: _partition(folder + part + "/") for part in names(folder) if part.startswith(name)},
        }  # fmt: skip
    return found


def _partition(folder: str) -> "dict[str, Any]":
    sectors = text(folder + "size")
    return {"start": text(folder + "start"), "sectors": sectors, "sectorsize": 512,
            "size": _readable(int(sectors or 0) * 512)}  # fmt: skip


def _readable(size: int) -> str:
    for power, unit in ((40, "TB"), (30, "GB"), (20, "MB"), (10, "KB")):
        if size >= 1 << power:
            return "%.2f %s" % (size / (1 << power), unit)
    return "%d bytes" % size
