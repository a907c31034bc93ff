"""What a build that was exported as files leaves, and how a release is made of it. `home`: the app's directory.

    site/<base path>/…    the files, where a web server looks for them by their address
    .next/static          leads to the assets among them, as in every release
"""

from __future__ import annotations

import posixpath
from typing import Any, Dict, Optional

from provisioner.remote.nextjs.building import read_json
from provisioner.remote.nextjs.exported import SITE
from provisioner.remote.sdk import Ctx

STATIC = "static"
_DETAIL = "/.next/export-detail.json"  # written by every version when it has exported


def begin(ctx: Ctx, home: str) -> None:
    """Forget an earlier export, so that none can be taken for the one that is to come."""
    ctx.remove(home + _DETAIL)


def lacking(ctx: Ctx, home: str) -> "Optional[str]":
    """What an export that ended well should have left, in words; None when all is there."""
    if directory(ctx, home) is None:
        return "no exported files (%s tells of none): set `output: 'export'` in next.config" % _DETAIL.lstrip("/")
    return None


def directory(ctx: Ctx, home: str) -> "Optional[str]":
    """Where the files are: `out`, or what `distDir` says."""
    detail = read_json(ctx, home + _DETAIL)
    path = posixpath.normpath(str(detail.get("outDirectory") or ""))
    known = detail.get("success") is True and path.startswith(home + "/") and ctx.stat(path) is not None
    return path if known else None


def about(ctx: Ctx, home: str) -> "Dict[str, Any]":
    """What a web server has to know of the files. types: path -> content type, where the name has no ending."""
    base = base_path(ctx, home)
    routes = read_json(ctx, home + "/.next/prerender-manifest.json").get("routes") or {}
    types = {}
    for path, route in routes.items():
        kind = (route.get("initialHeaders") or {}).get("content-type")
        if kind and "." not in posixpath.basename(path):
            types[base + path] = str(kind)
    return {"trailing_slash": bool(read_json(ctx, home + "/.next/export-marker.json").get("exportTrailingSlash")),
            "types": types}  # fmt: skip


def base_path(ctx: Ctx, home: str) -> str:
    return str(read_json(ctx, home + "/.next/routes-manifest.json").get("basePath") or "")


def link(base: str) -> str:
    """Where `.next/static` of a release leads."""
    return "../%s%s/_next/static" % (SITE, base)


def make_public(ctx: Ctx, root: str) -> None:
    """All of it is for everybody, so the web server's user may read it too; but written by nobody."""
    ctx.run(["chmod", "--recursive", "u=rwX,go=rX", root], check=True, timeout=600)
