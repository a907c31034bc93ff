"""The pages over HTTP. Read only, and for one reader: whoever has the token.

The record is its user's alone, also on a machine that others work on; so the token is asked for on the loopback too.
A request must name a host that the server is known by: a page elsewhere whose name leads here (DNS rebinding)
gets nothing. What is sent may load nothing but the style and the script beside it.
"""

from __future__ import annotations

import hmac
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from provisioner.diag import UsageError
from provisioner.history.db import connect
from provisioner.history.queries import Filter
from provisioner.web import records, views
from provisioner.web.links import served
from provisioner.web.pages import ASSETS, Site, asset, fragment, page
from provisioner.web.schedules import SchedulesPage

COOKIE: Final = "provision-web"
POLICY: Final = ("default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
                 "form-action 'self'; base-uri 'none'; frame-ancestors 'none'")  # fmt: skip
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}  # fmt: skip

_ADDRESSES: Final = Map([Rule("/", endpoint="overview"), Rule("/runs", endpoint="runs"),
                         Rule("/runs/<name>", endpoint="run"), Rule("/runs/<name>/live", endpoint="live"),
                         Rule("/hosts", endpoint="hosts"), Rule("/hosts/<path:name>", endpoint="host"),
                         Rule("/drift", endpoint="drift"), Rule("/apps", endpoint="apps"),
                         Rule("/machines", endpoint="machines"), Rule("/schedules", endpoint="schedules"),
                         Rule("/static/<name>", endpoint="static")],
                        strict_slashes=False)  # fmt: skip


_PORT: Final = re.compile(r":[0-9]+\Z")


@dataclass(frozen=True, slots=True)
class Pages:
    """A WSGI application. file: the record. names: of hosts that requests may be for, in small letters.
    schedules: what there is when a page is asked for."""

    file: Path
    token: str
    names: frozenset[str]
    schedules: Callable[[], SchedulesPage]
    now: Callable[[], float] = time.time

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        try:
            response = self._answer(Request(environ))
        except HTTPException as error:
            response = Response(f"{error.code} {error.description}\n", error.code, mimetype="text/plain")
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response(environ, start)

    def _answer(self, request: Request) -> Response:
        host = request.headers.get("Host", "")
        if _PORT.sub("", host).lower() not in self.names:
            raise BadRequest(f"this server is not {host!r}; `provision web --name` gives it further names")
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(["GET", "HEAD"])
        given = request.args.get("token", "")
        if given and self._is_token(given):
            return self._entered(request)
        if not self._is_token(request.cookies.get(_cookie(host), "")):
            raise Forbidden("open the address that `provision web` has printed, with its token")
        endpoint, values = _ADDRESSES.bind(host).match(request.path, request.method)
        if endpoint == "static":
            return _static(values["name"])
        with closing(connect(self.file)) as db:
            try:
                return self._page(db, endpoint, values.get("name", ""), request)
            except UsageError as error:
                raise NotFound(error.message) from None

    def _page(self, db: sqlite3.Connection, endpoint: str, name: str, request: Request) -> Response:
        asked: Callable[[str], str] = lambda key: request.args.get(key, "").strip()  # noqa: E731
        now = self.now()
        site = Site(served, "/static/", live=True, now=now)
        view: Any
        match endpoint:
            case "live":
                return self._live(db, site, name, request)
            case "overview":
                view = views.overview(db, now)
            case "runs":
                view = views.runs_page(db, _filter(asked))
            case "run":
                view = views.one_run(db, name, host=asked("host"), status=asked("status"))
            case "hosts":
                view = {"rows": views.host_rows(db, asked("q"), asked("status")), "text": asked("q"),
                        "status": asked("status")}  # fmt: skip
            case "host":
                view = views.one_host(db, name)
            case "drift":
                view = views.drift(db, now, asked("kind"), asked("host"))
            case "apps":
                view = views.apps(db)
            case "schedules":
                view = self.schedules()
            case _:
                view = records.machines(db)
        return Response(page(endpoint, site, view), mimetype="text/html")

    def _live(self, db: sqlite3.Connection, site: Site, name: str, request: Request) -> Response:
        """What is new in a run; nothing, while there is nothing new."""
        after = request.args.get("after", 0, type=int)
        view = views.one_run(db, name, host=request.args.get("host", ""), status=request.args.get("status", ""),
                             after=after)  # fmt: skip
        ended = view.run.outcome != "running"
        if view.last <= after and not ended:
            return Response(status=204)
        return Response(fragment(site, view), mimetype="text/html",
                        headers={"X-Last": str(view.last), "X-Ended": str(int(ended))})  # fmt: skip

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode())

    def _entered(self, request: Request) -> Response:
        """The token moves from the address, which is shown and kept, into a cookie."""
        rest = urlencode({key: value for key, value in request.args.items() if key != "token"})
        path = "/" + quote(request.path.lstrip("/"))  # of this server, whatever it begins with
        response = redirect(f"{path}?{rest}" if rest else path, 303)
        response.set_cookie(_cookie(request.headers.get("Host", "")), self.token, httponly=True, samesite="Strict",
                            secure=request.scheme == "https")  # fmt: skip
        return response


def _cookie(host: str) -> str:
    """Cookies don't know ports: two servers on one machine must not take each other's."""
    port = host.rpartition(":")[2]
    return f"{COOKIE}-{port}" if port.isdecimal() else COOKIE


def _filter(asked: Callable[[str], str]) -> Filter:
    before = asked("before")
    return Filter(host=asked("host") or None, command=asked("command") or None, failed=asked("result") == "failed",
                  text=asked("q") or None, before=int(before) if before.isdecimal() else None)  # fmt: skip


def _static(name: str) -> Response:
    if name not in ASSETS:
        raise NotFound
    return Response(asset(name), mimetype=ASSETS[name])
