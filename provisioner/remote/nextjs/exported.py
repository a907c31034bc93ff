"""An app that was exported as files, on a host that serves them: which release that is, and what clients really get.

    releases/<id>/site/<base path>/…    the files, as a web server finds them
    current -> releases/<id>            what is served: the web server follows the link with every request

Serving another release is one rename. A note says which release is served and known to be so, and which one is being
tried: one that does not prove itself goes back to the first, also after a crash between the two.
"""

from __future__ import annotations

import http.client
import os
import ssl
import time
from typing import Any, Dict, Iterator, Mapping, NamedTuple, Optional, Sequence
from urllib.parse import quote

from provisioner.remote.nextjs import records, slots
from provisioner.remote.nextjs.layout import RELEASE_JOURNALS, Layout, ensure_directory, read_state, write_state
from provisioner.remote.sdk import Ctx

SITE = "site"
PATIENCE = 10.0  # seconds until the web server must give the new files: it looks for them anew each time
ONE_ANSWER = 10.0
PAUSE = 0.1
COMPARED = 32 << 20  # bytes of a file, of which two are compared


class Note(NamedTuple):
    """served: the release that clients got when they were last asked for. trying: one that was not looked at yet."""

    served: "Optional[str]"
    trying: "Optional[str]" = None


def note_file(layout: Layout) -> str:
    return "%s/%s.site.json" % (RELEASE_JOURNALS, layout.name)


def read_note(ctx: Ctx, layout: Layout) -> Note:
    data = read_state(ctx, note_file(layout))
    return Note(data.get("served"), data.get("trying"))


def write_note(ctx: Ctx, layout: Layout, note: Note) -> None:
    ensure_directory(ctx, RELEASE_JOURNALS, "0700")
    write_state(ctx, note_file(layout), dict(note._asdict()))


def forget(ctx: Ctx, layout: Layout) -> None:
    """The app has a server, and is no longer served as files."""
    ctx.remove(note_file(layout))


def site_of(layout: Layout, release: str) -> str:
    return "%s/%s" % (layout.release(release), SITE)


def point(ctx: Ctx, layout: Layout, release: "Optional[str]") -> None:
    """From now on every new request gets the files of this release; none: of no release at all."""
    if release is None:
        ctx.remove(layout.current)
    elif slots.linked(ctx, layout.current) != release:
        ctx.symlink("releases/%s" % release, layout.current)


def problem(ctx: Ctx, layout: Layout, release: str, question: "Mapping[str, Any]") -> "Optional[str]":
    """What clients get that is not of this release, or None when all is well.

    question: {address, port, tls, host, build_id, base_path, before}. Asked for are the first page, the file that only
    this build has, and a page that the release `before` has not got or has in another form.
    """
    base, site = str(question.get("base_path") or ""), site_of(layout, release)
    if ctx.stat(site) is None:
        return "release %s has no files to serve (%s)" % (release, site)
    paths: "Dict[str, str]" = {}
    if ctx.stat("%s%s/index.html" % (site, base)):
        paths["%s/" % base] = "%s/index.html" % base
    if question.get("build_id"):
        manifest = "%s/_next/static/%s/_buildManifest.js" % (base, question["build_id"])
        paths[manifest] = manifest
    witness = _witness(layout, release, question.get("before"), base)
    if witness:
        paths[witness] = witness
    for path, file in paths.items():
        wanted = ctx.read(site + file, limit=COMPARED)
        if wanted is None:
            return "release %s has no %s" % (release, file)
        status, body = _get(question, quote(path))
        if status != 200:
            return "%s answers %s" % (_address(question, path), status)
        if body != wanted:
            return "%s is not the file of release %s" % (_address(question, path), release)
    return None


def wait(ctx: Ctx, layout: Layout, release: str, question: "Mapping[str, Any]") -> "Optional[str]":
    """Ask until all is well (None) or patience is over (the last problem)."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = problem(ctx, layout, release, question)
        if found is None or time.monotonic() >= deadline:
            return found
        ctx.progress(found)
        time.sleep(PAUSE)


def look(
    ctx: Ctx, layout: Layout, question: "Mapping[str, Any]", releases: "Sequence[Mapping[str, Any]]"
) -> "Dict[str, Optional[str]]":
    """{release, trying, problem, bucket} of what is served now. releases: all that are there. An empty question asks
    nobody."""
    note, current = read_note(ctx, layout), slots.linked(ctx, layout.current)
    about = next((release for release in releases if release["id"] == current), None)
    found = None
    if current and about is None:
        found = "release %s is not there" % current
    elif current and about and question:
        asked = {**question, "build_id": about.get("build_id"), "base_path": about.get("base_path")}
        found = problem(ctx, layout, current, asked)
    record = records.read(ctx, layout, str(current))
    return {"release": current, "trying": note.trying, "problem": found,
            "bucket": record.args.get("bucket") if record else None}  # fmt: skip


def _witness(layout: Layout, release: str, before: "Optional[str]", base: str) -> "Optional[str]":
    """A page by which the two releases can be told apart. The error page is not given out under its own name."""
    if before is None or before == release:
        return None
    new, old = site_of(layout, release), site_of(layout, before)
    for path in _pages(new):
        if path not in ("%s/404.html" % base, "%s/index.html" % base) and not _same(new + path, old + path):
            return path
    return None


def _pages(site: str) -> "Iterator[str]":
    """Paths of all pages, beginning with /."""
    for folder, folders, names in os.walk(site):
        folders[:] = sorted(name for name in folders if name != "_next")
        for name in sorted(names):
            if name.endswith(".html"):
                yield "%s/%s" % (folder[len(site) :], name)


def _same(first: str, second: str) -> bool:
    try:
        if os.path.getsize(first) != os.path.getsize(second):
            return False
        with open(first, "rb") as one, open(second, "rb") as other:
            return one.read(COMPARED) == other.read(COMPARED)
    except OSError:
        return False


def _get(question: "Mapping[str, Any]", path: str) -> "tuple[str | int, bytes]":
    """Status and body; words in place of the status when there is no answer."""
    connection = _connection(question)
    try:
        connection.request("GET", path, headers={"Host": question["host"], "Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.read(COMPARED)
    except (OSError, http.client.HTTPException) as error:
        return "nothing (%s: %s)" % (type(error).__name__, error), b""
    finally:
        connection.close()


def _connection(question: "Mapping[str, Any]") -> http.client.HTTPConnection:
    address, port = question["address"], question["port"]
    if not question.get("tls"):
        return http.client.HTTPConnection(address, port, timeout=ONE_ANSWER)
    # Asked is whose files come, on this very host; whether browsers accept the certificate is another question.
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    return _ByName(address, port, timeout=ONE_ANSWER, context=unverified, name=question["host"])


class _ByName(http.client.HTTPSConnection):
    """Connects to an address and asks for a name, as a client does that was told the address."""

    def __init__(self, address: str, port: int, *, name: str, context: ssl.SSLContext, timeout: float) -> None:
        super().__init__(address, port, timeout=timeout, context=context)
        self._name = name
        self._tls = context

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)


def _address(question: "Mapping[str, Any]", path: str) -> str:
    return "%s://%s:%s%s" % ("https" if question.get("tls") else "http", question["address"], question["port"], path)
