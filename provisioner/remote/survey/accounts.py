"""Who can get in and become root: accounts with a shell, sudo's rules, keys."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Any, Dict, List, Mapping, Optional

from provisioner.remote.sdk import Ctx
from provisioner.remote.survey.conffiles import is_shipped, sums
from provisioner.remote.survey.found import found, names, statements, text, words

_NO_SHELLS = ("nologin", "false", "sync", "halt", "shutdown")
_KEY = re.compile(r"(?:^|\s)((?:ssh|ecdsa|sk)-[\w@.-]+)\s+([A-Za-z0-9+/=]+)(?:\s+(.*))?$")
_SUDOERS = "/etc/sudoers"
_SSHD = ("/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d")


def users(ctx: Ctx, settings: "Mapping[str, Any]") -> "Dict[str, Any]":
    """Accounts with a shell, and all that are root."""
    items = {}
    for entry in words(text("/etc/passwd").splitlines()):
        if len(entry) >= 7 and (entry[2] == "0" or entry[6].rpartition("/")[2] not in _NO_SHELLS):
            items[entry[0]] = ["uid %s" % entry[2], "group %s" % entry[3], "home %s" % entry[5], "shell %s" % entry[6]]
    return found(items)


def sudoers(ctx: Ctx, settings: "Mapping[str, Any]") -> "Dict[str, Any]":
    """Rules by file, and who is in the groups that rules are about."""
    paths = [_SUDOERS]
    for folder in _folders(text(_SUDOERS)):
        # sudo itself passes these over
        paths += ["%s/%s" % (folder, name) for name in names(folder) if "." not in name and not name.endswith("~")]
    rules = {path: statements(text(path)) for path in paths}
    shipped = sums(ctx)
    groups = {match for lines in rules.values() for line in lines for match in re.findall(r"^%([\w-]+)\s", line)}
    members = {"group %s" % entry[0]: sorted(filter(None, entry[3].split(",")))
               for entry in words(text("/etc/group").splitlines())
               if len(entry) >= 4 and entry[0] in groups}  # fmt: skip
    items = {item: lines for item, lines in {**rules, **members}.items() if lines}
    return found(items, [path for path in rules if is_shipped(shipped, path)])


def _folders(source: str) -> "List[str]":
    return re.findall(r"^[@#]includedir\s+(/\S+?)/?\s*$", source, re.MULTILINE)


def authorized_keys(ctx: Ctx, settings: "Mapping[str, Any]") -> "Dict[str, Any]":
    """Keys by the file that sshd looks into; with type, fingerprint, comment, and what they are restricted to."""
    patterns = _patterns()
    items: "Dict[str, List[str]]" = {}
    for entry in words(text("/etc/passwd").splitlines()):
        if len(entry) < 7 or not entry[5].startswith("/"):
            continue
        for pattern in patterns:
            path = _place(pattern, entry[0], entry[5])
            if path and path not in items:
                lines = [_described(line) for line in statements(text(path))]
                if lines:
                    items[path] = sorted(lines)
    return found(items)


def _patterns() -> "List[str]":
    sources = [text("%s/%s" % (_SSHD[1], name)) for name in names(_SSHD[1]) if name.endswith(".conf")]
    for source in [*sources, text(_SSHD[0])]:
        match = re.search(r"^\s*AuthorizedKeysFile\s+(.+)$", source, re.MULTILINE | re.IGNORECASE)
        if match:
            return match.group(1).split()
    return [".ssh/authorized_keys", ".ssh/authorized_keys2"]


def _place(pattern: str, user: str, home: str) -> "Optional[str]":
    if pattern == "none":
        return None
    signs = {"%u": user, "%h": home.rstrip("/"), "%%": "%"}
    path = re.sub("%[uh%]", lambda sign: signs[sign.group(0)], pattern)
    return path if path.startswith("/") else "%s/%s" % (home.rstrip("/"), path)


def _described(line: str) -> str:
    """`ssh-ed25519 SHA256:… comment (options)`: the key itself says nothing to people."""
    match = _KEY.search(line)
    if match is None:
        return "not a key: " + line
    try:
        encoded = base64.b64decode(match.group(2), validate=True)
    except (binascii.Error, ValueError):
        return "not a key: " + line
    fingerprint = base64.b64encode(hashlib.sha256(encoded).digest()).decode().rstrip("=")
    options = line[: match.start(1)].strip()
    return "%s SHA256:%s %s%s" % (match.group(1), fingerprint, match.group(3) or "",
                                  " (%s)" % options if options else "")  # fmt: skip


