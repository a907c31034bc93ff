"""`script` on the controller: finds the script and sends its content along."""

from __future__ import annotations

import shlex

from provisioner.actions.base import Done, Expansion, HostWork
from provisioner.actions.local import content_of_file, find_file, flag, local_name, not_known, own_names, refused
from provisioner.remote.modules.script import SPEC


def expand(call: Expansion) -> HostWork | Done:
    unknown = not_known(call.args)
    if unknown is not None:
        return unknown
    args = own_names(SPEC, call.args)
    try:
        words = shlex.split(local_name(args.get("cmd") or ""))
    except ValueError as error:
        return refused(f"the arguments of `script` can't be split into words: {error}")
    if not words:
        return refused("`script` needs the path of a script")
    found = find_file(call, words[0], "files", decrypt=flag(args, "decrypt", True))
    if found["kind"] == "directory":
        return refused(f"{found['path']} is a directory, not a script")
    content = content_of_file(found)
    return HostWork("script", {**args, "_script": content.reference()}, (content,))
