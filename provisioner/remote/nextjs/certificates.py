"""What the web server of this host shows as its certificate, for whoever wants to know how long it will do."""

from __future__ import annotations

import calendar
import re
import socket
import ssl
import time
from typing import Any, Dict, List, Optional, Sequence

from provisioner.remote.nextjs.layout import Layout
from provisioner.remote.nextjs.sites import servers
from provisioner.remote.sdk import Ctx

HTTPS = 443
ONE_ANSWER = 5.0  # seconds
_NAME = re.compile(r"DNS:([^,\s]+)")
_CADDY = re.compile(r"^https://.*\{$", re.MULTILINE)


def of_site(ctx: Ctx, layout: Layout) -> "List[Dict[str, Any]]":
    """`served` for the names that the app's site has over HTTPS; nothing for a site without it."""
    return served(ctx, secure_names(ctx.read_text(layout.site) or "", ctx.read_text(layout.caddy_site) or ""))


def secure_names(nginx: str, caddy: str) -> "List[str]":
    """What the texts of an app's sites have over HTTPS, but for names with a star, which nobody can ask for."""
    names = {name for server in servers(nginx) if HTTPS in server.ports for name in server.names}
    for line in _CADDY.findall(caddy):
        names.update(re.findall(r"https://([^\s,{]+)", line))
    return sorted(name for name in names if not name.startswith(("*", "_")))


def served(ctx: Ctx, names: "Sequence[str]", address: str = "127.0.0.1", port: int = HTTPS) -> "List[Dict[str, Any]]":
    """For each name what a browser would be shown: `{"name", "serial", "issuer", "names", "ends", "days", "fits"}`.

    ends: seconds since 1970. days: left, rounded down; negative once it has expired. fits: it is for this name. All but
    `name` are left out where nothing answers."""
    return [{"name": name, **(_asked(ctx, name, address, port) or {})} for name in names]


def _asked(ctx: Ctx, name: str, address: str, port: int) -> "Optional[Dict[str, Any]]":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # it is looked at, whoever issued it
    try:
        plain = socket.create_connection((address, port), timeout=ONE_ANSWER)
        with plain, context.wrap_socket(plain, server_hostname=name) as secured:
            encoded = secured.getpeercert(binary_form=True)
    except (OSError, ValueError):
        return None
    found = described(ctx, ssl.DER_cert_to_PEM_cert(encoded)) if encoded else None
    return {**found, "fits": covers(found["names"], name)} if found else None


def described(ctx: Ctx, text: str) -> "Optional[Dict[str, Any]]":
    """The same of the first certificate in a text, as PEM; None when there is none that openssl can read."""
    argv = ["openssl", "x509", "-noout", "-serial", "-enddate", "-issuer", "-nameopt", "RFC2253",
            "-ext", "subjectAltName"]  # fmt: skip
    done = ctx.query(argv, input=text.encode(), timeout=30)
    fields = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    if done.rc != 0 or "notAfter" not in fields:
        return None
    ends = calendar.timegm(time.strptime(fields["notAfter"], "%b %d %H:%M:%S %Y GMT"))
    return {
        "serial": fields.get("serial", ""),
        "issuer": fields.get("issuer", ""),
        "names": sorted({name.lower() for name in _NAME.findall(done.stdout)}),
        "ends": ends,
        "days": int((ends - time.time()) // 86400),
    }


def covers(names: "Sequence[str]", wanted: str) -> bool:
    """A star stands for one label."""
    return wanted.lower() in names or "*." + wanted.lower().partition(".")[2] in names
