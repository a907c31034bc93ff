"""The web server's site for an app: written, tested, reloaded; put back as it was when the test fails."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, Optional, Sequence

from provisioner.remote.nextjs import certbot, certificates, service, website
from provisioner.remote.nextjs.layout import Layout
from provisioner.remote.nextjs.website import State, web_server
from provisioner.remote.sdk import Ctx
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_proxy",
    summary="Put a Next.js app behind a web server",
    identity=("name",),
    args={
        "name": Arg(required=True, doc="The app"),
        "server": Arg(default="nginx", choices=("nginx", "caddy"), doc="The web server"),
        "text": Arg(required=True, doc="The site as the web server reads it"),
        "only": Arg(
            type="bool", default=False, doc="It answers for every name, so the distribution's welcome page must go"
        ),
        "certificate": Arg(doc="The site's certificate and those above it, PEM"),
        "key": Arg(secret=True, doc="Its private key, PEM"),
        "root": Arg(doc="What the certificate authority's own HTTPS is checked with, PEM"),
        "acme": Arg(
            type="dict",
            doc="Get certificates if there are none yet: names, email, ca (its directory), and the site before that",
        ),
    },
)

ISSUE = 120.0  # seconds until Caddy has its certificates; the authority looks at each name
PAUSE = 0.5


def current(ctx: Ctx, a: Arguments) -> State:
    return website.look(ctx, Layout(a.name), a.server, _names(a))


def wanted(ctx: Ctx, a: Arguments, current: State) -> State:
    return website.wanted(ctx, current, a.server, _given(a, a.text))


def apply(ctx: Ctx, a: Arguments, current: State, wanted: State) -> None:
    layout, server = Layout(a.name), web_server(a.server)
    if not ctx.which(server.PROGRAM):
        raise ctx.fail("%s is not installed; set `proxy: none` to do without" % server.PROGRAM)
    if not current["ready"]:
        website.put(ctx, layout, a.server, _given(a, a.acme["before"]), wanted["front"])
        _obtain(ctx, layout, a)
    website.put(ctx, layout, a.server, _given(a, a.text), wanted["front"])


def _names(a: Arguments) -> "Sequence[str]":
    return a.acme["names"] if a.acme else ()


def _given(a: Arguments, text: str) -> "Mapping[str, Any]":
    return {"text": text, "only": a.only, "certificate": a.certificate, "key": a.key, "root": a.root}


def _obtain(ctx: Ctx, layout: Layout, a: Arguments) -> None:
    """Until then the app answers without HTTPS as before."""
    ctx.progress("getting a certificate")
    problem = (
        certbot.obtain(ctx, layout, _names(a), a.acme["email"], a.acme["ca"])
        if a.server == "nginx"
        else _wait_for_caddy(ctx, _names(a))
    )
    if problem is not None:
        raise ctx.fail(problem)


def _wait_for_caddy(ctx: Ctx, names: "Sequence[str]") -> "Optional[str]":
    """Caddy gets them by itself, and goes on trying after we have given up."""
    deadline = time.monotonic() + ISSUE
    while True:
        lacking = [found["name"] for found in certificates.served(ctx, names) if not found.get("fits")]
        if not lacking:
            return None
        if time.monotonic() >= deadline:
            return "Caddy has no certificate for %s after %d s; it goes on trying. Its last lines:\n%s" % (
                ", ".join(lacking), ISSUE, service.journal_lines(ctx, "caddy.service", 10))  # fmt: skip
        ctx.sleep(PAUSE)


def diff(ctx: Ctx, a: Arguments, current: State, wanted: State) -> "List[Dict[str, str]]":
    layout, server = Layout(a.name), web_server(a.server)
    titles = {
        "text": server.site(layout), "front": server.FRONT, "certificate": layout.tls("certificate"),
        "root": layout.tls("root"),
    }  # fmt: skip
    found = [
        {"before_header": path, "after_header": path, "before": current[key] or "", "after": wanted[key] or ""}
        for key, path in titles.items()
        if current[key] != wanted[key]
    ]
    if current["key"] != wanted["key"]:
        path = layout.tls("key")
        found.append({"before_header": path, "after_header": path, "before": "a key\n" if current["key"] else "",
                      "after": "another key\n" if wanted["key"] else ""})  # fmt: skip
    return found
