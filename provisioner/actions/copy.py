"""`copy` on the controller: finds the file or directory, or takes the text, and hands it to the host's half."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from provisioner.actions.base import Done, Expansion, HostWork
from provisioner.actions.local import (
    content_arguments,
    content_of_file,
    find_file,
    flag,
    local_name,
    not_known,
    own_names,
    refused,
    text_of,
)
from provisioner.remote.modules.copy import SPEC
from provisioner.template.effects import Effect

_CONTROLLER_ONLY = frozenset({"src", "content", "checksum", "decrypt", "local_follow", "remote_src"})


def expand(call: Expansion) -> HostWork | Done:
    unknown = not_known(call.args)
    if unknown is not None:
        return unknown
    args = own_names(SPEC, call.args)
    if flag(args, "remote_src", False):
        return HostWork("copy", args)
    rest = {name: value for name, value in args.items() if name not in _CONTROLLER_ONLY}
    if args.get("content") is not None:
        return _from_text(args, rest)
    if not args.get("src"):
        return refused("src (or content) is required")
    found = find_file(call, local_name(args["src"]), "files", decrypt=flag(args, "decrypt", True))
    if found["kind"] == "directory":
        return _from_directory(call, args, rest, found)
    return _from_file(args, rest, found)


def _from_text(args: Mapping[str, Any], rest: dict[str, Any]) -> HostWork | Done:
    if args.get("src") is not None:
        return refused("parameters are mutually exclusive: src|content")
    if rest.get("mode") == "preserve":
        return refused("`copy`: `mode: preserve` needs `src`; text has no mode")
    text, secret = text_of(args["content"])
    internal, content = content_arguments(text.encode("utf-8", "surrogateescape"), secret=secret)
    return HostWork("copy", {**rest, **internal}, (content,))


def _from_file(args: Mapping[str, Any], rest: dict[str, Any], found: Mapping[str, Any]) -> HostWork | Done:
    if args.get("checksum") and args["checksum"] != found["sha1"]:
        return refused(
            f"{found['path']} does not have the `checksum` that was asked for",
            checksum=found["sha1"],
            expected_checksum=args["checksum"],
        )
    if rest.get("mode") == "preserve":
        rest["mode"] = found["mode"]
    content = content_of_file(found)
    internal = {
        "_content": content.reference(),
        "_sha1": found["sha1"],
        "_label": found["path"],
        "_basename": os.path.basename(local_name(args["src"])),
        "_secret": found["decrypted"],
    }
    return HostWork("copy", {**rest, **internal}, (content,))


def _from_directory(
    call: Expansion, args: Mapping[str, Any], rest: dict[str, Any], found: Mapping[str, Any]
) -> HostWork:
    """One piece of work for the whole tree; contents are pulled only where the host's files differ."""
    options = (("decrypt", flag(args, "decrypt", True)),)
    tree = call.ask(Effect("tree", (found["path"], flag(args, "local_follow", True)), options))
    own = "" if local_name(args["src"]).endswith("/") else os.path.basename(found["path"])
    entries = [{"path": own, "kind": "directory"}] if own else []
    sent = ("decrypted", "kind", "mode", "sha256", "size", "target")
    for entry in tree:
        fields = {name: entry[name] for name in sent if name in entry}
        entries.append({**fields, "path": os.path.join(own, entry["path"])})
    files = {entry["sha256"]: replace(content_of_file(entry), lazy=True) for entry in tree if entry["kind"] == "file"}
    return HostWork("copy", {**rest, "_entries": entries, "_label": found["path"]}, tuple(files.values()))
