"""A file downloaded from a web server."""

from __future__ import annotations

import hashlib
import os
import re
import time
import urllib.parse
from email.utils import formatdate
from typing import IO, Any, Callable, NamedTuple, Optional

from provisioner.remote.fileattrs import (
    ATTRIBUTE_ARGS,
    ATTRIBUTE_RETURNS,
    attribute_diff,
    change_attributes,
    describe,
    given,
    look,
    need_parent,
    path_of,
    prediction,
    refuse_unsupported,
    shown,
    with_attributes,
)
from provisioner.remote.filecontent import BACKUP, keep_copy
from provisioner.remote.http import HTTP_ARGS, Answer, Request, Unreached, fetch
from provisioner.remote.sdk import Ctx, ModuleFailed, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="get_url",
    summary="Download a file",
    check="predict",
    identity=("dest",),
    args={
        "url": Arg(required=True, doc="An http or https address."),
        "dest": Arg(
            "path",
            required=True,
            doc="Where it goes; in a directory it gets the name that the server or the address says.",
        ),
        "checksum": Arg(
            default="",
            doc="`sha256:…`, or `sha256:https://…` for a list of checksums. What is there already and has it is not "
            "downloaded again; other content is never put in place.",
        ),
        "force": Arg(
            "bool", default=False, aliases=("thirsty",), doc="Download also when the server says that nothing is newer."
        ),
        "timeout": Arg("int", default=10, doc="Seconds without a sign of life after which it has failed."),
        "tmp_dest": Arg("path", doc="Accepted for compatibility: the download goes to a nameless file beside `dest`."),
        "backup": BACKUP,
        **HTTP_ARGS,
        "url_username": Arg(aliases=("username",), doc=HTTP_ARGS["url_username"].doc),
        "url_password": Arg(aliases=("password",), secret=True, doc=HTTP_ARGS["url_password"].doc),
        **ATTRIBUTE_ARGS,
    },
    notes="A redirect from https to http is refused. Give a `checksum` wherever what comes is trusted or run.",
    examples="""
- name: One exact file
  get_url:
    url: https://downloads.example.com/tool-1.4.tar.gz
    dest: /opt/tool.tar.gz
    checksum: sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03
    mode: "0644"
- name: Checked with the list beside it
  get_url:
    url: https://downloads.example.com/tool-1.4.tar.gz
    dest: /opt/
    checksum: sha256:https://downloads.example.com/SHA256SUMS
""",
    returns={
        "dest": "Path of the file.",
        "url": "Where it came from in the end.",
        "status_code": "Of the answer; 304: nothing newer.",
        "msg": "What the server said.",
        "checksum_src": "SHA-1 of the download.",
        "checksum_dest": "SHA-1 of what was there before.",
        "elapsed": "Seconds it took.",
        "backup_file": "Where the old file went.",
        **ATTRIBUTE_RETURNS,
    },
)


class Wanted(NamedTuple):
    """A checksum to meet; `digest` is lower-case hex."""

    algorithm: str
    digest: str


class _Same(Exception):
    """The download is what is there already: nothing is replaced."""


def run(ctx: Ctx, a: Arguments) -> Result:
    refuse_unsupported(ctx, a)
    started = time.monotonic()
    checksum = _checksum(ctx, a)
    if checksum is None and a.url.lower().startswith("http:"):
        ctx.warn("%s comes over plain http and without a `checksum`: anybody on the way can change it" % a.url)
    path = path_of(ctx, a.dest, "dest")
    there = look(ctx, path, follow=True)
    is_directory = (there is not None and there.kind == "directory") or a.dest.endswith("/")
    if is_directory and there is None:
        need_parent(ctx, os.path.join(path, "x"))
    if not is_directory and _is_met(ctx, path, checksum) and not a.force:
        return _finished(ctx, a, path, {"msg": "file already exists", "url": a.url, "status_code": None})
    answer = _ask(ctx, a, path if there is not None and not is_directory and checksum is None else None)
    with answer.body:
        if answer.status == 304:
            return _finished(ctx, a, path, {"msg": answer.reason, "url": answer.url, "status_code": 304})
        if answer.status != 200:
            raise ctx.fail(
                "Request failed: the server says %d %s" % (answer.status, answer.reason),
                status_code=answer.status,
                url=answer.url,
                dest=path,
                response=answer.reason,
                elapsed=int(time.monotonic() - started),
            )
        if is_directory:
            path = os.path.join(path, _name(ctx, a, answer))
            if _is_met(ctx, path, checksum) and not a.force:
                return _finished(ctx, a, path, {"msg": "file already exists", "url": answer.url, "status_code": 200})
        fields = {
            "url": answer.url,
            "status_code": 200,
            "elapsed": int(time.monotonic() - started),
            "msg": "OK (%s bytes)" % answer.headers.get("content-length", "unknown"),
        }
        return _downloaded(ctx, a, path, answer, checksum, fields)


def _ask(ctx: Ctx, a: Arguments, existing: Optional[str]) -> Answer:
    headers = {}
    there = ctx.stat(existing, follow=True) if existing is not None else None
    if there is not None and not a.force:
        headers["If-Modified-Since"] = formatdate(there.mtime, usegmt=True)
    try:
        return fetch(ctx, a, Request(a.url, headers=headers, timeout=float(a.timeout)))
    except Unreached as error:
        if ctx.check:
            raise ctx.unknown("%s can't be reached now: %s" % (a.url, error)) from None
        raise ctx.fail("Request failed: %s: %s" % (a.url, error), status_code=-1, url=a.url) from None


def _name(ctx: Ctx, a: Arguments, answer: Answer) -> str:
    """What the file is called in a directory; never more than a plain name, whatever the server says."""
    offered = re.search(r'filename="?([^";]+)"?', answer.headers.get("content-disposition", ""))
    name = offered.group(1).strip() if offered else urllib.parse.unquote(urllib.parse.urlsplit(answer.url).path)
    name = os.path.basename(name) or os.path.basename(urllib.parse.urlsplit(a.url).path) or "index.html"
    if name in (".", "..") or "\0" in name:
        raise ctx.fail("the server offers the file name %r; give a whole path as `dest`" % name)
    return name


# -- checksums -------------------------------------------------------------------------------------------------------


def _checksum(ctx: Ctx, a: Arguments) -> Optional[Wanted]:
    if not a.checksum:
        return None
    algorithm, found, value = a.checksum.partition(":")
    algorithm = algorithm.strip().lower()
    if not found or algorithm not in hashlib.algorithms_available:
        raise ctx.fail("`checksum` must be written as `sha256:…`, not %r" % a.checksum)
    value = value.strip()
    if "://" in value:
        value = _listed(ctx, a, value)
    value = re.sub(r"\W+", "", value).lower()
    if not re.fullmatch(r"[0-9a-f]+", value):
        raise ctx.fail("The checksum is not hexadecimal: %r" % value)
    return Wanted(algorithm, value)


def _listed(ctx: Ctx, a: Arguments, url: str) -> str:
    """The checksum of our file in a list as `sha256sum` writes it, or the only one there."""
    try:
        answer = fetch(ctx, a, Request(url, timeout=float(a.timeout)))
    except Unreached as error:
        if ctx.check:
            raise ctx.unknown("%s can't be reached now: %s" % (url, error)) from None
        raise ctx.fail("the list of checksums can't be read: %s: %s" % (url, error)) from None
    with answer.body:
        text = answer.body.read(1 << 20).decode("utf-8", "replace")
    if answer.status != 200:
        raise ctx.fail("the list of checksums can't be read: %s: %d %s" % (url, answer.status, answer.reason))
    name = os.path.basename(urllib.parse.unquote(urllib.parse.urlsplit(a.url).path))
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if len(lines) == 1 and len(lines[0]) == 1:
        return lines[0][0]
    for digest, *rest in lines:
        if rest and os.path.basename(rest[0].strip().lstrip("*")) == name:
            return digest
    raise ctx.fail("Unable to find a checksum for file '%s' in '%s'" % (name, url))


def _is_met(ctx: Ctx, path: str, checksum: Optional[Wanted]) -> bool:
    if checksum is None:
        return False
    there = ctx.stat(path, follow=True)
    return there is not None and there.kind == "file" and ctx.digest(path, checksum.algorithm) == checksum.digest


# -- putting it in place -----------------------------------------------------------------------------------------------


class _Stream:
    """The download as it is read; `at_end` runs before the last empty read is given, and may raise."""

    def __init__(self, source: "IO[bytes]", algorithm: str, at_end: "Callable[[_Stream], None]") -> None:
        self._source = source
        self._at_end = at_end
        self.size = 0
        self.sha1 = hashlib.sha1(usedforsecurity=False)
        self.other = hashlib.new(algorithm)

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        if data:
            self.size += len(data)
            self.sha1.update(data)
            self.other.update(data)
        else:
            self._at_end(self)
        return data


def _downloaded(
    ctx: Ctx, a: Arguments, path: str, answer: Answer, checksum: Optional[Wanted], fields: "dict[str, Any]"
) -> Result:
    there = look(ctx, path, follow=True)
    if there is not None and there.kind != "file":
        raise ctx.fail("%s is a %s, not a file" % (path, there.kind))
    if there is None:
        need_parent(ctx, path)
    old = ctx.digest(path, "sha1") if there is not None and there.inode else None
    announced = None if "content-encoding" in answer.headers else answer.headers.get("content-length")
    if ctx.check and (there is None or (announced is not None and int(announced) != there.size)):
        return _finished(ctx, a, path, fields, replaced=True)
    current = describe(there)
    wanted = with_attributes(ctx, a, current if there is not None else {"state": "file"})

    def at_end(stream: _Stream) -> None:
        if announced is not None and stream.size != int(announced):
            raise ModuleFailed("the download of %s broke off after %d of %s bytes" % (a.url, stream.size, announced))
        if checksum is not None and stream.other.hexdigest() != checksum.digest:
            raise ModuleFailed(
                "The checksum for %s did not match %s; it was %s." % (a.url, checksum.digest, stream.other.hexdigest()),
                url=a.url,
                dest=path,
                checksum_src=stream.sha1.hexdigest(),
            )
        fields.update(checksum_src=stream.sha1.hexdigest(), checksum_dest=old)
        if stream.sha1.hexdigest() == old:
            raise _Same
        if a.backup and there is not None and not ctx.check:
            fields["backup_file"] = keep_copy(ctx, os.path.realpath(path), current)

    stream = _Stream(answer.body, checksum.algorithm if checksum else "sha256", at_end)
    before = _diff(a, path, current, wanted, replaced=True)
    try:
        if ctx.check:
            while stream.read(1 << 20):
                pass
        else:
            ctx.write_from(path, stream, **given(wanted))  # type: ignore[arg-type]
    except _Same:
        return _finished(ctx, a, path, fields)
    if ctx.check:
        return _finished(ctx, a, path, fields, replaced=True)
    return Result(
        changed=True,
        diff=before if ctx.want_diff else None,
        dest=path,
        **fields,
        **shown(describe(ctx.stat(path, follow=True))),
    )


def _finished(ctx: Ctx, a: Arguments, path: str, fields: "dict[str, Any]", *, replaced: bool = False) -> Result:
    """The end of a run that wrote nothing (yet): attributes are still set, and check mode tells what would be."""
    current = describe(look(ctx, path, follow=True))
    wanted = with_attributes(ctx, a, current if current["state"] != "absent" else {"state": "file"})
    changed = replaced or current != wanted
    if changed and not ctx.check:
        change_attributes(ctx, path, current, wanted, follow=True)
        wanted = describe(ctx.stat(path, follow=True))
    diff = _diff(a, path, current, wanted, replaced=replaced) if changed and ctx.want_diff else None
    told = [prediction(path, wanted, sha256="?" if replaced else ctx.sha256(path))] if changed else []
    return Result(changed=changed, diff=diff, predictions=told, dest=path, **fields, **shown(wanted))


def _diff(
    a: Arguments, path: str, current: "dict[str, Any]", wanted: "dict[str, Any]", *, replaced: bool
) -> "dict[str, Any]":
    """The same in check mode and after: the address stands for the content, which check mode doesn't know."""
    diff = attribute_diff(path, current, wanted) or {"before": {"path": path}, "after": {"path": path}}
    if replaced:
        diff["after"]["url"] = a.url
        if a.checksum:
            diff["after"]["checksum"] = a.checksum
    return diff
