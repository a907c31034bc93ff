"""What is different for an app that was exported as files: its site, and when they have to be served anew. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.nextjs.plan import Facts, Release
from provisioner.nextjs.settings import Settings
from provisioner.nextjs.site import Stage, caddy_headers, caddy_server, nginx_server
from provisioner.nextjs.unit import render
from provisioner.remote.nextjs.layout import Layout

_PATH = re.compile(r"/[^\s;{}\"'$\\]*")
_TYPE = re.compile(r"[a-zA-Z0-9.+-]+/[a-zA-Z0-9.+-]+(?:; ?charset=[a-zA-Z0-9-]+)?")


@dataclass(frozen=True, slots=True)
class Routes:
    """What the web server must know of the build. types: path -> content type, of files whose name does not tell."""

    base_path: str = ""
    trailing_slash: bool = False
    types: Mapping[str, str] | None = None


def routes(release: Release) -> Routes:
    about = release.about or {}
    types = about.get("types") or {}
    known = {path: kind for path, kind in types.items() if _TYPE.fullmatch(kind) and _PATH.fullmatch(path)}
    return Routes(release.base_path, bool(about.get("trailing_slash")), known)


def site_text(
    settings: Settings, found: Routes, *, ipv6: bool, peers: Sequence[str] = (), stage: Stage = "whole",
    pinned: str | None = None,
) -> str:  # fmt: skip
    """It is the same for all releases, as long as none has other routes of the kinds above. pinned: the one release
    that it is for, whatever `current` leads to."""
    if settings.proxy == "caddy":
        types = {path: kind for path, kind in (found.types or {}).items() if "*" not in path}  # Caddy would expand it
        template = "nextjs/static-site.caddy.j2"
        server = {"server": caddy_server(settings, peers=peers, stage=stage), "shared_headers": caddy_headers(settings)}
    else:
        types, template = dict(found.types or {}), "nextjs/static-site.conf.j2"
        server = {"server": nginx_server(settings, ipv6=ipv6, peers=peers, stage=stage)}
    return render(template, {
        "name": settings.name, "root": Layout(settings.name).root,
        "served": f"releases/{pinned}" if pinned else "current", "headers": dict(settings.headers),
        **server,
        "base_path": found.base_path, "base_pattern": re.escape(found.base_path),
        "trailing_slash": found.trailing_slash, "types": types,
    })  # fmt: skip


def question(settings: Settings) -> dict[str, Any] | None:
    """Whom to ask for the files that clients get; nobody without a web server of ours."""
    if settings.proxy == "none":
        return None
    host = next((name for name in settings.domains if not name.startswith("*")), "localhost")
    secure = settings.https is not None
    return {"address": "127.0.0.1", "port": 443 if secure else 80, "tls": secure, "host": host}


def reasons_to_serve(settings: Settings, facts: Facts, release: Release) -> tuple[str, ...]:
    """Why the link has to be set or the site to be asked, for people; empty when clients get the release."""
    note, bucket = facts["served"], settings.bucket and str(settings.bucket)
    checks = (
        (note["release"] != release.name, f"release {note['release'] or 'none'} -> {release.name}"),
        (note["trying"] is not None, "the last release was interrupted"),
        (note["problem"] is not None, str(note["problem"])),
        (facts["has_server"], "the app had a server"),
        (note["bucket"] != bucket, f"published to {bucket or 'no bucket'}"),
    )
    return tuple(why for holds, why in checks if holds)
