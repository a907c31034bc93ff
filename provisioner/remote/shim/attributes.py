"""Files for `AnsibleModule`: mode and owners, replacing in one step, copies, checksums."""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import shutil
import stat
import tempfile
import time
from typing import Any, Optional

from provisioner.remote.modebits import mode_bits


def set_mode(path: str, mode: Any, check: bool) -> "tuple[str, str]":
    """Modes before and after, as octal text."""
    status = os.lstat(path)
    before = stat.S_IMODE(status.st_mode)
    if isinstance(mode, int):
        after = mode
    else:
        text = str(mode).strip()
        after = int(text, 8) if text.isdigit() else mode_bits(text, before, is_directory=stat.S_ISDIR(status.st_mode))
    if after != before and not check and not stat.S_ISLNK(status.st_mode):
        os.chmod(path, after)
    return "%04o" % before, "%04o" % after


def set_owner(path: str, owner: Any, check: bool) -> "tuple[int, int]":
    number = int(owner) if str(owner).isdigit() else pwd.getpwnam(str(owner)).pw_uid
    before = os.lstat(path).st_uid
    if number != before and not check:
        os.lchown(path, number, -1)
    return before, number


def set_group(path: str, group: Any, check: bool) -> "tuple[int, int]":
    number = int(group) if str(group).isdigit() else grp.getgrnam(str(group)).gr_gid
    before = os.lstat(path).st_gid
    if number != before and not check:
        os.lchown(path, -1, number)
    return before, number


def atomic_move(source: str, path: str, *, keep: bool) -> None:
    """`source` in the place of `path`, which is the old file or the new one at every moment."""
    if keep and os.path.exists(path):
        old = os.stat(path)
        os.chmod(source, stat.S_IMODE(old.st_mode))
        if (old.st_uid, old.st_gid) != (os.stat(source).st_uid, os.stat(source).st_gid):
            os.chown(source, old.st_uid, old.st_gid)
    elif not os.path.exists(path):
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(source, 0o666 & ~mask)
    try:
        os.rename(source, path)
    except OSError:  # another file system
        beside = tempfile.mkstemp(prefix=".ansible_tmp", dir=os.path.dirname(path) or ".")[1]
        shutil.copy2(source, beside)
        os.rename(beside, path)
        os.unlink(source)


def backup(path: str) -> str:
    """A copy beside the file, named with process and time; '' when there is no file."""
    if not os.path.exists(path):
        return ""
    copy = "%s.%d.%s~" % (path, os.getpid(), time.strftime("%Y-%m-%d@%H:%M:%S", time.localtime()))
    shutil.copy2(path, copy)
    return copy


def digest(path: str, algorithm: str) -> Optional[str]:
    if not os.path.exists(path):
        return None
    total = hashlib.new(algorithm)
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            total.update(piece)
    return total.hexdigest()
