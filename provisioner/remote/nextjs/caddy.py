"""Caddy: an app's site is a file of its own, which the user's Caddyfile imports."""

from __future__ import annotations

import hashlib
from typing import Optional

from provisioner.remote.nextjs.layout import Layout, ensure_directory
from provisioner.remote.nextjs.takeback import Takeback
from provisioner.remote.sdk import Ctx

PROGRAM = "caddy"
UNIT = "caddy.service"
GROUP = "caddy"
FRONT = "/etc/caddy/Caddyfile"
SITES = "/etc/caddy/conf.d"
IMPORT = "import conf.d/*.caddy"
_NOTE = "# The sites of apps, each in a file of its own."


def site(layout: Layout) -> str:
    return layout.caddy_site


def front(ctx: Ctx) -> "Optional[str]":
    """The Caddyfile, which is the user's but for the line that imports our sites."""
    if ctx.predicted("package", "caddy") is not None:  # check mode: it will be the package's own
        return None
    return ctx.read_text(FRONT)


def wanted_front(ctx: Ctx, found: "Optional[str]", only: bool) -> str:
    """`only`: the app answers for every name, so the welcome page that comes with the package must go."""
    mine = "%s\n%s\n" % (_NOTE, IMPORT)
    if found is None:
        return mine
    imports = any(line.split() == IMPORT.split() for line in found.splitlines())
    theirs = found.replace("\n" + mine, "")
    if only and _is_the_packages(ctx, theirs):
        return mine
    return found if imports else "%s\n%s" % (found if found.endswith("\n") or not found else found + "\n", mine)


def put_front(ctx: Ctx, files: Takeback, text: "Optional[str]") -> None:
    if text is not None:
        files.write(FRONT, text.encode())
    ensure_directory(ctx, SITES, "0755")


def test(ctx: Ctx) -> "Optional[str]":
    """What Caddy has against its configuration. It asks as the user it runs as: that one has to read the files, and
    logs that are opened on the way must not become root's."""
    done = ctx.run(
        ["runuser", "-u", "caddy", "--", "caddy", "validate", "--config", FRONT, "--adapter", "caddyfile"],
        env={"HOME": "/var/lib/caddy"}, timeout=60,
    )  # fmt: skip
    if done.rc == 0:
        return None
    told = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("{")]
    return "\n".join(told[-5:]) or "exit code %d" % done.rc


def reload(ctx: Ctx) -> "Optional[str]":
    """Returns when the new configuration counts; requests that are running are finished under the old one."""
    done = ctx.run(["systemctl", "reload-or-restart", UNIT], timeout=90)
    return None if done.rc == 0 else "Caddy was not reloaded: %s" % (done.stderr.strip() or "exit code %d" % done.rc)


def _is_the_packages(ctx: Ctx, text: str) -> bool:
    done = ctx.query(["dpkg-query", "--show", "--showformat", "${Conffiles}", "caddy"], timeout=30)
    digest = hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - dpkg remembers files so; nothing depends on secrecy
    return any(line.split()[:2] == [FRONT, digest] for line in done.stdout.splitlines())
