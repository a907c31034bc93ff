"""HTTP requests of this host, for `get_url`, `uri` and `unarchive`: its own CAs and proxies, and no step back to http.

A redirect from https to http is refused; a redirect to another host doesn't take credentials along.
"""

from __future__ import annotations

import http.client
import http.cookiejar
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from typing import IO, Any, Callable, Mapping, NamedTuple, Optional

from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg

HTTP_ARGS: "dict[str, Arg]" = {
    "url_username": Arg(doc="User for basic or digest authentication."),
    "url_password": Arg(secret=True, doc="Password for it."),
    "force_basic_auth": Arg("bool", default=False, doc="Send user and password at once, not when the server asks."),
    "headers": Arg("dict", doc="Further headers of the request."),
    "http_agent": Arg(default="provision", doc="The header `User-Agent`."),
    "use_proxy": Arg("bool", default=True, doc="Use the proxies of `http_proxy`, `https_proxy` and `no_proxy`."),
    "validate_certs": Arg("bool", default=True, doc="`false` believes any certificate: never do that with a secret."),
    "ca_path": Arg("path", doc="A file with the CA certificates to believe instead of the host's."),
    "client_cert": Arg("path", doc="A file with a client certificate (and its key)."),
    "client_key": Arg("path", doc="A file with the key of `client_cert`."),
    "unredirected_headers": Arg("list", default=[], elements="str", doc="Headers that a redirect drops."),
    "decompress": Arg("bool", default=True, doc="Unpack content that the server sends with gzip."),
    "ciphers": Arg("list", elements="str", doc="TLS ciphers to allow."),
    "use_gssapi": Arg("bool", default=False, doc="Not supported: Kerberos."),
    "use_netrc": Arg("bool", default=True, doc="Accepted for compatibility; `.netrc` is not read."),
}


class Unreached(Exception):
    """No answer: the name is unknown, nobody listens, TLS failed, or it took too long."""


class Refused(Exception):
    """A redirect that is not followed for safety."""


class Request(NamedTuple):
    """redirects: all, safe (only of GET and HEAD) or none."""

    url: str
    method: str = "GET"
    headers: "Optional[Mapping[str, str]]" = None
    body: Optional[bytes] = None
    timeout: float = 10.0
    redirects: str = "all"


class Answer(NamedTuple):
    """Close `body` when done. `headers` have lower-case names; several of one name are joined by `, `."""

    status: int
    reason: str
    url: str
    headers: "Mapping[str, str]"
    cookies: "Mapping[str, str]"
    body: "IO[bytes]"


def fetch(ctx: Ctx, a: Any, request: Request) -> Answer:
    """Ask once. Every status is an answer; raises `Unreached` when there is none, `Refused` for a bad redirect."""
    address = urllib.parse.urlsplit(request.url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ctx.fail("%r is not an http or https address" % request.url)
    if a.use_gssapi:
        raise ctx.fail("`use_gssapi` is not supported")
    user, password, url = _credentials(a, address)
    headers = {"User-Agent": a.http_agent, **{str(name): str(value) for name, value in (a.headers or {}).items()}}
    headers.update(request.headers or {})
    if a.decompress:
        headers.setdefault("Accept-Encoding", "gzip")
    _check_headers(ctx, headers)
    cookies = http.cookiejar.CookieJar()
    handlers: "list[urllib.request.BaseHandler]" = [
        _Proxies(ctx, a.use_proxy),
        urllib.request.HTTPSHandler(context=_tls(ctx, a)),
        _Redirects(request.redirects, tuple(name.lower() for name in a.unredirected_headers)),
        urllib.request.HTTPCookieProcessor(cookies),
    ]
    if user and a.force_basic_auth:
        headers.setdefault("Authorization", _basic(user, password))
    elif user:
        known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        known.add_password(None, url, user, password)
        handlers += [_Basic(known), _Digest(known)]
    opener = urllib.request.build_opener(*handlers)
    try:
        asked = urllib.request.Request(url, data=request.body, headers=headers, method=request.method)  # noqa: S310 - checked above
        found = opener.open(asked, timeout=request.timeout)
    except urllib.error.HTTPError as error:
        found = error
    except Refused as refusal:
        raise ctx.fail(str(refusal), url=url) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreached(_reason(error)) from None
    return _answer(a, found, cookies)


def _answer(a: Any, found: Any, cookies: http.cookiejar.CookieJar) -> Answer:
    headers: "dict[str, str]" = {}
    for name, value in found.headers.items():
        name = name.lower()
        headers[name] = "%s, %s" % (headers[name], value) if name in headers else value
    body: "IO[bytes]" = found
    if a.decompress and headers.get("content-encoding", "").lower() == "gzip":
        import gzip  # noqa: PLC0415 - most answers are not packed

        body = gzip.GzipFile(fileobj=found)  # type: ignore[assignment]
    jar = {cookie.name: cookie.value or "" for cookie in cookies}
    return Answer(int(found.status), str(found.reason), str(found.url), headers, jar, body)


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return "the server's certificate is not valid: %s" % reason.verify_message
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__


def _credentials(a: Any, address: urllib.parse.SplitResult) -> "tuple[str, str, str]":
    """User, password, and the address without them."""
    user, password = a.url_username or "", a.url_password or ""
    if "@" in address.netloc:
        given, _, place = address.netloc.rpartition("@")
        name, _, word = given.partition(":")
        user, password = user or urllib.parse.unquote(name), password or urllib.parse.unquote(word)
        address = address._replace(netloc=place)
    return user, password, urllib.parse.urlunsplit(address)


def _basic(user: str, password: str) -> str:
    import base64  # noqa: PLC0415

    return "Basic " + base64.b64encode(("%s:%s" % (user, password)).encode()).decode("ascii")


def _check_headers(ctx: Ctx, headers: "Mapping[str, str]") -> None:
    for name, value in headers.items():
        if any(bad in name + value for bad in "\r\n\0"):
            raise ctx.fail("the header %r holds a line break" % name)


def _tls(ctx: Ctx, a: Any) -> ssl.SSLContext:
    """What the host believes (`SSL_CERT_FILE` of the task too), or the file that was given."""
    trusted = ctx.expand(a.ca_path) if a.ca_path else ctx.environment.get("SSL_CERT_FILE")
    try:
        context = ssl.create_default_context(cafile=trusted)
        if a.ciphers:
            context.set_ciphers(":".join(a.ciphers))
        if a.client_cert:
            context.load_cert_chain(ctx.expand(a.client_cert), ctx.expand(a.client_key) if a.client_key else None)
    except (OSError, ssl.SSLError) as error:
        raise ctx.fail("TLS can't be set up: %s" % error) from None
    if not a.validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class _Proxies(urllib.request.ProxyHandler):
    """The proxies of the task's environment, else of the process; `no_proxy` of the same places."""

    def __init__(self, ctx: Ctx, use: bool) -> None:
        known = {**os.environ, **ctx.environment}
        self._except = known.get("no_proxy") or known.get("NO_PROXY") or ""
        named = {
            scheme: known.get(scheme + "_proxy") or known.get(scheme.upper() + "_PROXY") for scheme in ("http", "https")
        }
        super().__init__({scheme: place for scheme, place in named.items() if place} if use else {})

    def proxy_open(self, req: urllib.request.Request, proxy: str, type: str) -> Any:
        if self._except and urllib.request.proxy_bypass_environment(req.host, {"no": self._except}):  # type: ignore[attr-defined]
            return None
        return super().proxy_open(req, proxy, type)


class _Basic(urllib.request.HTTPBasicAuthHandler):
    def http_error_401(self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any) -> Any:
        return _closing(super().http_error_401, req, fp, code, msg, headers)


class _Digest(urllib.request.HTTPDigestAuthHandler):
    def http_error_401(self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any) -> Any:
        return _closing(super().http_error_401, req, fp, code, msg, headers)


def _closing(again: "Callable[..., Any]", req: urllib.request.Request, fp: Any, *rest: Any) -> Any:
    """Ask again with credentials; the first answer is closed unless it stays the only one."""
    try:
        found = again(req, fp, *rest)
    except urllib.error.HTTPError:
        fp.close()
        raise
    if found is not None:
        fp.close()
    return found


class _Redirects(urllib.request.HTTPRedirectHandler):
    def __init__(self, which: str, dropped: "tuple[str, ...]") -> None:
        self._which = which
        self._dropped = dropped

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        if self._which == "none" or (self._which == "safe" and req.get_method() not in ("GET", "HEAD")):
            return None
        old, new = urllib.parse.urlsplit(req.full_url), urllib.parse.urlsplit(newurl)
        if old.scheme == "https" and new.scheme != "https":
            raise Refused(
                "%s redirects from https to %s; refused, as everybody on the way could change it"
                % (req.full_url, newurl)
            )
        if new.scheme not in ("http", "https"):
            raise Refused("%s redirects to %s, which is neither http nor https" % (req.full_url, newurl))
        following = _following(req, code, newurl)
        elsewhere = (old.hostname, old.port) != (new.hostname, new.port)
        for name in list(following.headers):
            if name.lower() in self._dropped or (elsewhere and name.lower() in ("authorization", "cookie")):
                following.remove_header(name)
        return following

    http_error_308 = urllib.request.HTTPRedirectHandler.http_error_302  # Python before 3.11 doesn't know it


def _following(req: urllib.request.Request, code: int, url: str) -> urllib.request.Request:
    """The next request: 303, and 301 and 302 after a POST, turn to GET without a body, as browsers do."""
    method, url = req.get_method(), url.replace(" ", "%20")
    headers, data = dict(req.headers), req.data
    if code == 303 or (code in (301, 302) and method == "POST"):
        headers = {name: value for name, value in headers.items() if not name.lower().startswith("content-")}
        method, data = "HEAD" if method == "HEAD" else "GET", None
    return urllib.request.Request(url, data=data, headers=headers, method=method)  # noqa: S310 - checked by the caller
