"""A request to a web service."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
import urllib.parse
import uuid
from typing import Any, Mapping, Optional

from provisioner.remote.fileattrs import (
    ATTRIBUTE_ARGS,
    ATTRIBUTE_RETURNS,
    describe,
    given,
    path_of,
    refuse_unsupported,
    shown,
    with_attributes,
)
from provisioner.remote.http import HTTP_ARGS, Answer, Request, Unreached, fetch
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

LIMIT = 64 << 20  # an answer is held in memory and sent to the controller
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_REDIRECTS = {
    "all": "all",
    "yes": "all",
    "true": "all",
    "safe": "safe",
    "urllib2": "safe",
    "none": "none",
    "no": "none",
    "false": "none",
}

SPEC = Spec(
    name="uri",
    summary="Send a request to a web service",
    check="predict",
    args={
        "url": Arg(required=True, doc="An http or https address."),
        "method": Arg(default="GET", doc="The method."),
        "status_code": Arg("list", default=[200], elements="int", doc="Statuses that are a success."),
        "return_content": Arg("bool", default=False, doc="Give the answer as `content`."),
        "body": Arg("raw", doc="What to send."),
        "body_format": Arg(
            default="raw", choices=("raw", "json", "form-urlencoded", "form-multipart"), doc="How `body` is written."
        ),
        "src": Arg("path", doc="A file of the host to send instead of `body`."),
        "remote_src": Arg("bool", default=True, doc="Accepted for compatibility: `src` is on the host."),
        "follow_redirects": Arg(
            default="safe", choices=(*_REDIRECTS, True, False), doc="`all`, `safe` (only of GET and HEAD) or `none`."
        ),
        "timeout": Arg("int", default=30, doc="Seconds without any answer after which it has failed."),
        "creates": Arg("path", doc="Nothing is done when this exists."),
        "removes": Arg("path", doc="Nothing is done when this doesn't exist."),
        "dest": Arg("path", doc="A file, or a directory, to put the answer in."),
        "force": Arg("bool", default=False, doc="Accepted for compatibility: nothing is cached."),
        "unix_socket": Arg("path", doc="Not supported: talk to a socket."),
        **HTTP_ARGS,
        "url_username": Arg(aliases=("user",), doc=HTTP_ARGS["url_username"].doc),
        "url_password": Arg(aliases=("password",), secret=True, doc=HTTP_ARGS["url_password"].doc),
        **ATTRIBUTE_ARGS,
    },
    mutually_exclusive=(("body", "src"),),
    notes="In check mode only GET, HEAD and OPTIONS are sent; what another method would answer is unknown.",
    examples="""
- name: The app is well
  uri:
    url: http://127.0.0.1:3000/health
  register: health
  until: health.status == 200
  retries: 10
  delay: 1
- name: Tell the others
  uri:
    url: https://hooks.example.com/deploys
    method: POST
    body_format: json
    body: {app: shop, version: "7"}
    status_code: [200, 201, 204]
""",
    returns={
        "status": "The status; -1 when there was no answer.",
        "url": "The address that answered.",
        "msg": "What it said, in short.",
        "content": "The answer's text, with `return_content` or after a failure.",
        "json": "The answer, when it is JSON.",
        "cookies": "Cookies by name.",
        "cookies_string": "The same as one text.",
        "redirected": "Whether it came from another address.",
        "elapsed": "Seconds it took.",
        "path": "The file written.",
        "*": "Every header of the answer, lower case, with `_` for `-` (`content_type`).",
        **ATTRIBUTE_RETURNS,
    },
)


def run(ctx: Ctx, a: Arguments) -> Result:
    refuse_unsupported(ctx, a)
    if a.unix_socket:
        raise ctx.fail("`unix_socket` is not supported")
    if a.creates and ctx.stat(path_of(ctx, a.creates)) is not None:
        return Result(stdout="skipped, since '%s' exists" % a.creates, msg="skipped, since '%s' exists" % a.creates)
    if a.removes and ctx.stat(path_of(ctx, a.removes)) is None:
        return Result(
            stdout="skipped, since '%s' does not exist" % a.removes,
            msg="skipped, since '%s' does not exist" % a.removes,
        )
    if ctx.check and a.method.upper() not in _READS:
        raise ctx.unknown("check mode sends no %s request" % a.method.upper())
    started = time.monotonic()
    try:
        answer = fetch(ctx, a, _request(ctx, a))
    except Unreached as error:
        if ctx.check:
            raise ctx.unknown("%s does not answer now: %s" % (a.url, error)) from None
        raise ctx.fail(
            "Status code was -1 and not %s: %s" % (a.status_code, error),
            status=-1,
            url=a.url,
            redirected=False,
            elapsed=int(time.monotonic() - started),
        ) from None
    with answer.body:
        data = answer.body.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise ctx.fail("the answer of %s is larger than %d bytes; use `get_url`" % (a.url, LIMIT), status=answer.status)
    return _judged(ctx, a, answer, data, int(time.monotonic() - started))


def _judged(ctx: Ctx, a: Arguments, answer: Answer, data: bytes, elapsed: int) -> Result:
    fields = _fields(a, answer, data, elapsed)
    if answer.status not in a.status_code:
        if ctx.check:
            raise ctx.unknown("%s answers with status %d now" % (a.url, answer.status))
        fields["content"] = fields.get("content", _text(answer, data))
        return Result(
            failed=True,
            **{**fields, "msg": "Status code was %d and not %s: %s" % (answer.status, a.status_code, fields["msg"])},
        )
    if not a.dest:
        return Result(**fields)
    return _stored(ctx, a, answer, data, fields)


def _fields(a: Arguments, answer: Answer, data: bytes, elapsed: int) -> "dict[str, Any]":
    reserved = (
        "status",
        "url",
        "msg",
        "content",
        "json",
        "changed",
        "failed",
        "skipped",
        "diff",
        "cookies",
        "path",
        "unknown",
    )
    fields: "dict[str, Any]" = {name.replace("-", "_"): value for name, value in answer.headers.items()}
    fields = {name: value for name, value in fields.items() if name not in reserved}
    fields.update(
        status=answer.status,
        url=answer.url,
        redirected=answer.url != a.url,
        elapsed=elapsed,
        cookies=dict(answer.cookies),
        cookies_string="; ".join("%s=%s" % pair for pair in answer.cookies.items()),
        msg="%s (%s bytes)" % (answer.reason or "OK", answer.headers.get("content-length", len(data))),
    )
    if a.return_content:
        fields["content"] = _text(answer, data)
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("application/json", "text/json", "application/javascript", "text/javascript") or kind.endswith("+json"):
        with contextlib.suppress(ValueError):  # it says JSON and is not: `content` tells
            fields["json"] = json.loads(_text(answer, data))
    return fields


def _text(answer: Answer, data: bytes) -> str:
    charset = answer.headers.get("content-type", "").partition("charset=")[2].partition(";")[0].strip("\"' ") or "utf-8"
    try:
        return data.decode(charset, "replace")
    except LookupError:
        return data.decode("utf-8", "replace")


# -- the file --------------------------------------------------------------------------------------------------------


def _stored(ctx: Ctx, a: Arguments, answer: Answer, data: bytes, fields: "dict[str, Any]") -> Result:
    """The answer put in `dest`."""
    path = path_of(ctx, a.dest, "dest")
    there = ctx.stat(path, follow=True)
    if there is not None and there.kind == "directory":
        name = os.path.basename(urllib.parse.urlsplit(answer.url).path) or "index.html"
        path = os.path.join(path, name)
        there = ctx.stat(path, follow=True)
    state = describe(there)
    wanted = with_attributes(ctx, a, state if there is not None else {"state": "file"})
    same = there is not None and ctx.sha256(path) == hashlib.sha256(data).hexdigest()
    changed = not same or wanted != state
    if changed and not ctx.check:
        ctx.write(path, data, **given(wanted))
        wanted = describe(ctx.stat(path, follow=True))
    return Result(changed=changed, path=path, **{**fields, **shown(wanted)})


# -- what is sent ----------------------------------------------------------------------------------------------------


def _request(ctx: Ctx, a: Arguments) -> Request:
    method = a.method.upper()
    if not method.isalpha():
        raise ctx.fail("%r is not a method" % a.method)
    body, kind = _body(ctx, a)
    headers = (
        {}
        if kind is None or any(name.lower() == "content-type" for name in a.headers or {})
        else {"Content-Type": kind}
    )
    redirects = _REDIRECTS[str(a.follow_redirects).lower()]
    return Request(a.url, method, headers, body, float(a.timeout), redirects)


def _body(ctx: Ctx, a: Arguments) -> "tuple[Optional[bytes], Optional[str]]":
    """The bytes and their type; None for what is not sent."""
    if a.src is not None:
        data = ctx.read(path_of(ctx, a.src, "src"))
        if data is None:
            raise ctx.fail("%s does not exist" % a.src)
        return data, None
    if a.body is None:
        return None, None
    if a.body_format == "json":
        return (a.body if isinstance(a.body, str) else json.dumps(a.body)).encode(), "application/json"
    if a.body_format == "form-urlencoded":
        try:
            text = a.body if isinstance(a.body, str) else urllib.parse.urlencode(_pairs(a.body), doseq=True)
        except (TypeError, ValueError):
            raise ctx.fail("`body` must be a text, a mapping, or a list of pairs") from None
        return text.encode(), "application/x-www-form-urlencoded"
    if a.body_format == "form-multipart":
        return _multipart(ctx, a.body)
    return (a.body if isinstance(a.body, str) else json.dumps(a.body)).encode(), None


def _pairs(body: Any) -> "list[tuple[Any, Any]]":
    return list(body.items()) if isinstance(body, Mapping) else [(name, value) for name, value in body]


def _multipart(ctx: Ctx, body: Any) -> "tuple[bytes, str]":
    """A form with files: each field a text, or {"filename", "content", "mime_type"}."""
    if not isinstance(body, Mapping):
        raise ctx.fail("`body` must be a mapping with `body_format: form-multipart`")
    boundary, out = uuid.uuid4().hex, []
    for name, field in body.items():
        if not isinstance(field, Mapping):
            field = {"content": str(field)}
        filename, content = field.get("filename"), field.get("content")
        data = content.encode() if isinstance(content, str) else ctx.read(path_of(ctx, filename, "filename"))
        if data is None:
            raise ctx.fail("%s does not exist" % filename)
        if any(bad in "%s%s" % (name, filename) for bad in '\r\n\0"'):
            raise ctx.fail("the name of the form field %r can't be sent" % name)
        head = 'Content-Disposition: form-data; name="%s"' % name
        if filename:
            head += '; filename="%s"\r\nContent-Type: %s' % (
                os.path.basename(filename),
                field.get("mime_type", "application/octet-stream"),
            )
        out.append(("--%s\r\n%s\r\n\r\n" % (boundary, head)).encode() + data + b"\r\n")
    return b"".join(out) + ("--%s--\r\n" % boundary).encode(), "multipart/form-data; boundary=" + boundary
