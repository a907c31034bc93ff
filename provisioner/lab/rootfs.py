"""Turns an image into one particular host: names, keys, users, and this machine's way to the network."""

from __future__ import annotations

import os
import secrets
import uuid
from collections.abc import Sequence
from pathlib import Path

from provisioner.diag import LabError
from provisioner.lab import settings
from provisioner.lab.command import run
from provisioner.lab.keys import write_host_keys
from provisioner.lab.record import LabUser

HOSTS = "127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost ip6-localhost ip6-loopback\n"


def personalise(root: Path, name: str, users: Sequence[LabUser], authorized_key: str, passwords: Path) -> list[str]:
    """Write into the mounted `root` all that makes it the host `name`; returns its public host keys."""
    files = {
        "etc/hostname": f"{name}\n",
        "etc/hosts": HOSTS.format(name=name),
        "etc/machine-id": f"{uuid.uuid4().hex}\n",
    }
    settings.write_files(root, files | settings.network_files())
    _authorize(root / "root", 0, 0, authorized_key)
    for user in users:
        _add_user(root, user, authorized_key, passwords)
    return write_host_keys(root, name)


def password_file(passwords: Path, user: str) -> Path:
    return passwords / f"{user}.password"


def _add_user(root: Path, user: LabUser, authorized_key: str, passwords: Path) -> None:
    entries = _passwd(root)
    if user.name not in entries:
        run(["chroot", str(root), "useradd", "--create-home", "--shell", "/bin/bash", user.name])
        entries = _passwd(root)
    if user.name not in entries:
        raise LabError(f"The user {user.name} was not made in {root}")
    uid, gid, home = entries[user.name]
    _authorize(root / home.lstrip("/"), uid, gid, authorized_key)
    if user.sudo == "nopasswd":
        settings.write_files(root, {f"etc/sudoers.d/lab-{user.name}": f"{user.name} ALL=(ALL:ALL) NOPASSWD: ALL\n"})
    elif user.sudo == "password":
        settings.write_files(root, {f"etc/sudoers.d/lab-{user.name}": f"{user.name} ALL=(ALL:ALL) ALL\n"})
        password = secrets.token_urlsafe(12)
        run(["chroot", str(root), "chpasswd", "--crypt-method", "SHA512"], stdin=f"{user.name}:{password}\n")
        path = password_file(passwords, user.name)
        path.touch(mode=0o600)
        path.write_text(password + "\n")


def _passwd(root: Path) -> dict[str, tuple[int, int, str]]:
    lines = (line.split(":") for line in (root / "etc/passwd").read_text().splitlines())
    return {fields[0]: (int(fields[2]), int(fields[3]), fields[5]) for fields in lines}


def _authorize(home: Path, uid: int, gid: int, key: str) -> None:
    directory = home / ".ssh"
    directory.mkdir(mode=0o700, exist_ok=True)
    path = directory / "authorized_keys"
    path.write_text(key)
    path.chmod(0o600)
    os.chown(directory, uid, gid)
    os.chown(path, uid, gid)
