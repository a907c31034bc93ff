"""`unarchive` on the controller: finds the archive; one that lies on the host, or on a server, is left to the host."""

from __future__ import annotations

import os

from provisioner.actions.base import Done, Expansion, HostWork
from provisioner.actions.local import content_of_file, find_file, flag, local_name, not_known, own_names, refused
from provisioner.remote.modules.unarchive import SPEC

_CONTROLLER_ONLY = frozenset({"src", "copy", "decrypt"})


def expand(call: Expansion) -> HostWork | Done:
    unknown = not_known(call.args)
    if unknown is not None:
        return unknown
    args = own_names(SPEC, call.args)
    source = local_name(args.get("src") or "")
    if not source:
        return refused("`unarchive` needs `src`")
    if flag(args, "remote_src", False) or not flag(args, "copy", True) or "://" in source:
        return HostWork("unarchive", args)
    found = find_file(call, source, "files", decrypt=flag(args, "decrypt", True))
    if found["kind"] == "directory":
        return refused(f"{found['path']} is a directory, not an archive")
    content = content_of_file(found)
    rest = {name: value for name, value in args.items() if name not in _CONTROLLER_ONLY}
    internal = {"_content": content.reference(), "_basename": os.path.basename(found["path"])}
    return HostWork("unarchive", {**rest, **internal, "src": found["path"]}, (content,))
