"""certbot: gets a certificate for a site of nginx. Debian's `certbot.timer` renews it, with what is said here."""

from __future__ import annotations

from typing import Optional, Sequence

from provisioner.remote.nextjs import certificates
from provisioner.remote.nextjs.layout import Layout, ensure_directory
from provisioner.remote.sdk import Ctx

PROGRAM = "certbot"
LONGEST = 300  # seconds for all names of an app


def has(ctx: Ctx, layout: Layout, names: "Sequence[str]") -> bool:
    """Whether there is a certificate for all of the names. One that has expired is the timer's business."""
    text = ctx.read_text(layout.certbot("fullchain"))
    found = certificates.described(ctx, text) if text else None
    return found is not None and all(certificates.covers(found["names"], name) for name in names)


def obtain(ctx: Ctx, layout: Layout, names: "Sequence[str]", email: str, ca: str) -> "Optional[str]":
    """Get one; the web server answers the authority's questions from `layout.challenges`. What went wrong, or None."""
    ensure_directory(ctx, layout.challenges, "0755")
    argv = [
        PROGRAM, "certonly", "--non-interactive", "--agree-tos", "--email", email, "--server", ca,
        "--webroot", "--webroot-path", layout.challenges, "--cert-name", layout.name,
        "--renew-with-new-domains",
        "--deploy-hook", "systemctl reload nginx.service",
    ]  # fmt: skip
    for name in names:
        argv += ["--domain", name]
    done = ctx.run(argv, timeout=LONGEST, live=True)
    if done.rc == 0:
        return None
    told = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return "certbot got no certificate for %s:\n%s" % (", ".join(names), "\n".join(told[-12:]))
