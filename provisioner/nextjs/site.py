"""The text of an app's site for its web server, from the templates shipped under `templates/nextjs/`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from provisioner.nextjs.settings import Settings
from provisioner.nextjs.settings.https import Acme, Own
from provisioner.nextjs.unit import render
from provisioner.remote.nextjs.layout import SLOTS, Layout

TEMPLATES = {"nginx": "nextjs/nginx-site.conf.j2", "caddy": "nextjs/caddy-site.j2"}
Stage = Literal["plain", "waiting", "whole"]
"""plain: no HTTPS yet, but the authority gets its answers. waiting: nothing is redirected to HTTPS yet; Caddy gets its
certificates. whole: as the settings say."""


def site_text(
    settings: Settings, *, ipv6: bool, taken: Mapping[str, Sequence[str]], peers: Sequence[str] = (),
    stage: Stage = "whole",
) -> str:  # fmt: skip
    """Without a domain the site answers for every name. `taken`: slots that run, with address:port of each instance;
    the others will have what the settings say. `peers`: addresses of other hosts with the same names."""
    layout = Layout(settings.name)
    return render(TEMPLATES[settings.proxy], {
        "name": settings.name, "variable": settings.name.replace("-", "_"),
        "live": layout.live, "static": layout.static, "slots": list(SLOTS),
        "servers": {slot: list(taken.get(slot) or settings.upstreams_of(slot)) for slot in SLOTS},
        "route": settings.previous == "route", "headers": dict(settings.headers),
        **({"server": nginx_server(settings, ipv6=ipv6, peers=peers, stage=stage)} if settings.proxy == "nginx"
           else {"server": caddy_server(settings, peers=peers, stage=stage), "instances": settings.instances,
                 "shared_headers": caddy_headers(settings)}),
    })  # fmt: skip


def _named(peers: Sequence[str]) -> list[str]:
    return [f"[{peer}]" if ":" in peer else peer for peer in peers]


def nginx_server(settings: Settings, *, ipv6: bool, peers: Sequence[str], stage: Stage) -> str:
    """The beginning of nginx's server, whatever it serves: where it listens, its certificate, answers for the
    authority; the server that redirects to HTTPS before it."""
    return render("nextjs/nginx-server.j2", {
        "name": settings.name, "peers": _named(peers), **_nginx(settings, Layout(settings.name), ipv6, stage),
    }).rstrip("\n")  # fmt: skip


def caddy_server(settings: Settings, *, peers: Sequence[str], stage: Stage) -> str:
    """The end of a site for Caddy, which imports what the app answers: where it listens, its certificate, answers for
    the authority, the redirect to HTTPS."""
    return render("nextjs/caddy-server.j2", {
        "name": settings.name, "peers": _named(peers), **_caddy(settings, Layout(settings.name), stage),
    }).rstrip("\n")  # fmt: skip


def caddy_headers(settings: Settings) -> str:
    """Caddy's snippet that adds them."""
    return render("nextjs/caddy-headers.j2", {"name": settings.name, "headers": dict(settings.headers)})


def _nginx(settings: Settings, layout: Layout, ipv6: bool, stage: Stage) -> dict[str, Any]:
    hosts, default = ("", "[::]:") if ipv6 else ("",), "" if settings.domains else " default_server"
    files = layout.certbot if isinstance(settings.https, Acme) else layout.tls
    return {
        "plain_listen": [f"{host}80{default}" for host in hosts],
        "secure_listen": [f"{host}443{default} ssl http2" for host in hosts],
        "names": " ".join(settings.domains) or "_", "secure": settings.https is not None and stage == "whole",
        "certificate": files("fullchain" if files == layout.certbot else "certificate"),
        "key": files("privkey" if files == layout.certbot else "key"),
        "acme": isinstance(settings.https, Acme), "challenge_files": layout.challenges,
    }  # fmt: skip


def _caddy(settings: Settings, layout: Layout, stage: Stage) -> dict[str, Any]:
    """Caddy listens on every address of either kind."""
    https = settings.https
    secure = https is not None and stage != "plain"
    acme = {"ca": https.ca, "email": https.email, "root": layout.tls("root") if https.ca_root else None} if isinstance(
        https, Acme) else None  # fmt: skip
    return {
        "plain": ", ".join(f"http://{domain}" for domain in settings.domains) or "http://",
        "secure": (", ".join(f"https://{domain}" for domain in settings.domains) or "https://") if secure else "",
        "redirect": https is not None and stage == "whole",
        "certificate": layout.tls("certificate"), "key": layout.tls("key"), "own": isinstance(https, Own), "acme": acme,
    }  # fmt: skip
