"""Sources of Debian packages, a line each in `sources.list` files."""

from __future__ import annotations

import re
from typing import Any, Iterator, Mapping, Optional

from provisioner.remote.aptget import LISTS, AptGet
from provisioner.remote.sdk import Ctx, ModuleFailed
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="apt_repository",
    summary="Keep a source of Debian packages",
    identity=("repo",),
    args={
        "repo": Arg(required=True, doc="The line: `deb [signed-by=/etc/apt/keyrings/x.asc] https://x.org stable main`"),
        "state": Arg(default="present", choices=("present", "absent"), doc="Whether it shall be in any of the files"),
        "filename": Arg(doc="File in /etc/apt/sources.list.d, without `.list`; else made of the address"),
        "mode": Arg("mode", default="0644", doc="Mode of a new file"),
        "update_cache": Arg(
            "bool", default=True, aliases=("update-cache",), doc="Refresh the package lists after a change"
        ),
        "update_cache_retries": Arg("int", default=5, doc="How often refreshing is tried"),
        "update_cache_retry_max_delay": Arg("int", default=12, doc="Longest pause between tries, in seconds"),
        "validate_certs": Arg("bool", default=True, doc="Accepted for compatibility: certificates are always checked"),
        "install_python_apt": Arg("bool", default=True, doc="Accepted for compatibility: nothing is needed"),
        "codename": Arg(doc="Accepted for compatibility: for `ppa:`, which is not taken"),
    },
    examples="""
- name: Packages of PostgreSQL's own
  apt_repository:
    repo: deb [signed-by=/etc/apt/keyrings/pgdg.asc] https://apt.postgresql.org/pub/repos/apt bookworm-pgdg main
    filename: pgdg
""",
    returns={"repo": "the line", "state": "as asked", "sources_added": "files that were made",
             "sources_removed": "files that are gone"},
)

_FOLDER = "/etc/apt/sources.list.d"
_LINE = re.compile(r"(deb|deb-src) (?:\[[^\]]*\] )?(\S+) (?:\S*/|\S+(?: \S+)+)")


def current(ctx: Ctx, a: Arguments) -> "dict[str, Any]":
    line = _line(ctx, a)
    enabled = [path for path, own, active in _sources(ctx) if own == line and active]
    return {"repository": line if enabled else None}


def wanted(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]") -> "dict[str, Any]":
    return {"repository": _line(ctx, a) if a.state == "present" else None}


def apply(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "dict[str, Any]":
    before = {path: ctx.read(path) for path in _files(ctx)}
    try:
        _change(ctx, a)
        if a.update_cache:
            AptGet(ctx, [], 60).update(a.update_cache_retries, a.update_cache_retry_max_delay)
    except ModuleFailed:  # of a source that can't be read nothing may stay: no other package could be installed
        for path in {*before, *_files(ctx)}:
            _put(ctx, path, before.get(path), a.mode)
        raise
    after = set(_files(ctx))
    return {"sources_added": sorted(after - set(before)), "sources_removed": sorted(set(before) - after)}


def report(ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> "dict[str, Any]":
    return {"repo": a.repo, "state": a.state}


def predictions(
    ctx: Ctx, a: Arguments, current: "Mapping[str, Any]", wanted: "Mapping[str, Any]"
) -> "list[tuple[str, str, Mapping[str, Any]]]":
    if wanted["repository"] is None or current["repository"] is not None:
        return []
    return [("path", _path(a), {"kind": "file"}), ("path", LISTS, {"kind": "directory", "refreshed": True})]


def _line(ctx: Ctx, a: Arguments) -> str:
    line = " ".join(a.repo.split())
    if line.startswith("ppa:"):
        raise ctx.fail("`%s` is not taken: give the line that it stands for, and its key with `signed-by`" % line)
    if not _LINE.fullmatch(line) or any(ord(sign) < 32 for sign in a.repo):
        raise ctx.fail("Invalid repository string: %s; write it as `deb https://x.org/debian stable main`" % a.repo)
    if a.filename is not None and not re.fullmatch(r"[\w.-]+", a.filename):
        raise ctx.fail("`filename` is the name of a file without a directory, not %r" % a.filename)
    return line


def _path(a: Arguments) -> str:
    """The file for a new line; by default called by the address, as others call it."""
    name = a.filename
    if name is None:
        match = _LINE.fullmatch(" ".join(a.repo.split()))
        address = re.sub(r"^[\w+.-]+:", "", match.group(2)).rpartition("@")[2] if match else ""
        name = "_".join(re.findall("[A-Za-z0-9]+", address)) or "added"
    return "%s/%s%s" % (_FOLDER, name, "" if name.endswith(".list") else ".list")


def _files(ctx: Ctx) -> "list[str]":
    names = ["%s/%s" % (_FOLDER, name) for name in sorted(ctx.listdir(_FOLDER)) if name.endswith(".list")]
    return [path for path in ["/etc/apt/sources.list", *names] if ctx.stat(path, follow=True) is not None]


def _sources(ctx: Ctx) -> "Iterator[tuple[str, str, bool]]":
    """File, line and whether it counts, of all sources."""
    for path in _files(ctx):
        for text in (ctx.read_text(path) or "").splitlines():
            line, active = _parsed(text)
            if line:
                yield path, line, active


def _parsed(text: str) -> "tuple[str, bool]":
    """
    >>> _parsed("# deb  http://x.org/ stable main # old"), _parsed("deb http://x.org/ ./"), _parsed("# of x")
    (('deb http://x.org/ stable main', False), ('deb http://x.org/ ./', True), ('', False))
    """
    active = not text.lstrip().startswith("#")
    line = " ".join(text.lstrip("# \t").partition("#")[0].split())
    return (line, active) if _LINE.fullmatch(line) else ("", False)


def _change(ctx: Ctx, a: Arguments) -> None:
    line, done = _line(ctx, a), False
    for path in _files(ctx):
        lines = (ctx.read_text(path) or "").splitlines()
        kept = [text for text in lines if _parsed(text) != (line, True)] if a.state == "absent" else list(lines)
        if a.state == "present" and not done:
            off = next((number for number, text in enumerate(kept) if _parsed(text) == (line, False)), None)
            if off is not None:
                kept[off], done = line, True
        if kept != lines:
            rest = "".join(text + "\n" for text in kept)
            keep = rest.strip() or path == "/etc/apt/sources.list"
            _put(ctx, path, rest.encode("utf-8", "surrogateescape") if keep else None, a.mode)
    if a.state == "present" and not done:
        path = _path(a)
        text = ctx.read_text(path) or ""
        text += "" if text.endswith("\n") or not text else "\n"
        _put(ctx, path, (text + line + "\n").encode("utf-8", "surrogateescape"), a.mode)


def _put(ctx: Ctx, path: str, data: "Optional[bytes]", mode: str) -> None:
    """The file with this content, or without a file."""
    if data is None:
        if ctx.stat(path) is not None:
            ctx.remove(path)
    elif ctx.read(path) != data:
        ctx.write(path, data, mode=None if ctx.stat(path, follow=True) is not None else mode)
